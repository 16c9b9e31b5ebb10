#include <stdlib.h>
#include <string.h>

#include "crypto/gauss.h"
#include "crypto/inner.h"
#include "crypto/prg.h"
#include "tests/ct/secret.h"

/* One row, one column, two data blocks: everything public is made first, then one operand is
 * hidden and the step that uses it runs. P48: its numbers are the widest. */
enum { SLOTS = 3000, COLUMN = 3 * 6 * RLWE_DEGREE, REPLY = 6 * (RLWE_DEGREE + 1) };

static struct rlwe *c;
static struct rlwe_key *key;
static struct inner_hint *hint;
static struct key32 seed = {{1}};
static int8_t values[2 * RLWE_DEGREE], row[SLOTS], small[GAUSS_COUNT];
static uint8_t column[COLUMN], reply[REPLY];
static const struct span COLUMN_SPAN = {column, COLUMN};
static const struct inner_row ROW = {.values = row};
static uint64_t dot;
static int64_t noise, value;

static void check(enum pt_code rc)
{
    if (rc != PT_OK)
        abort();
}

static void encrypt(void)
{
    for (uint64_t k = 0; k < 3; k++)
        check(rlwe_encrypt_block(column + k * 6 * RLWE_DEGREE, c, key, k,
                                 k < 2 ? values + k * RLWE_DEGREE : NULL));
}
static void multiply(void)
{
    check(inner_dot(&dot, c, (struct inner_dot_in){&ROW, 1, &COLUMN_SPAN, 1, NULL, 0, NULL}));
}
static void answer(void)
{
    struct inner_reply_in in = {hint, &dot, &noise, &COLUMN_SPAN, 1, NULL};
    check(inner_reply(reply, c, &in, &seed));
}

static void prepare(void)
{
    struct rlwe_shape shape = {RLWE_P48, SLOTS, 100000, 1};
    struct pt_err err = {0};

    check(rlwe_new(&c, &shape, &(struct digest){{1}}, &err));
    check(rlwe_key_new(&key, c, &seed));
    check(inner_hint_new(&hint, c));
}
/* The tables, keys and hint are freed by nobody: the process ends. */

static void key_seed(void)
{
    prepare();
    ct_hide(&seed, sizeof seed);
    check(rlwe_key_new(&key, c, &seed));
    encrypt();
}
static void column_values(void)
{
    prepare();
    ct_hide(values, sizeof values);
    encrypt();
}
static void row_hint(void)
{
    struct inner_hint *rest;

    prepare();
    ct_hide(row, sizeof row);
    check(inner_hint_new(&rest, c));
    check(inner_hint_add(hint, c, ROW, 0, 1));
    check(inner_hint_add(rest, c, ROW, 1, 2));
    check(inner_hint_merge(hint, c, rest));
    answer();
}
static void row_dot(void)
{
    prepare();
    encrypt();
    ct_hide(row, sizeof row);
    multiply();
}
static void reply_seed(void)
{
    prepare();
    encrypt();
    check(inner_hint_add(hint, c, ROW, 0, 2));
    ct_hide(&seed, sizeof seed);
    answer();
}
static void reply_noise(void)
{
    prepare();
    encrypt();
    check(inner_hint_add(hint, c, ROW, 0, 2));
    ct_hide(&noise, sizeof noise);
    ct_hide(&dot, sizeof dot);
    answer();
}
static void open_key(void)
{
    prepare();
    check(inner_hint_add(hint, c, ROW, 0, 2));
    answer();
    ct_hide(&seed, sizeof seed);
    check(rlwe_key_new(&key, c, &seed));
    check(inner_open(&value, c, (struct span){reply, REPLY}, &key, 1));
}
static void gauss_seed(void)
{
    struct prg *g;

    ct_hide(&seed, sizeof seed);
    check(prg_new(&g, &seed));
    check(gauss_draw(small, g, 0));
}

int main(int argc, char **argv)
{
    static const struct ct_case CASES[] = {
        {"key-seed", key_seed}, {"column-values", column_values}, {"row-hint", row_hint},
        {"row-dot", row_dot},   {"reply-seed", reply_seed},       {"reply-noise", reply_noise},
        {"open-key", open_key}, {"gauss-seed", gauss_seed},
    };

    return ct_main(argc, argv, CASES, sizeof CASES / sizeof CASES[0]);
}
