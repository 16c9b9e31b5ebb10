#include "tests/inner_bed.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sodium.h>

/* splitmix64: test data only. */
uint64_t bed_mixed(uint64_t i)
{
    uint64_t z = (i + 1) * 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

int8_t bed_one(uint64_t i)
{
    (void)i;
    return 1;
}
int8_t bed_trit(uint64_t i)
{
    return (int8_t)((int)(bed_mixed(i) % 3) - 1);
}
int8_t bed_byte(uint64_t i)
{
    return (int8_t)((int)(bed_mixed(i) % 255) - 127);
}
int8_t bed_zero(uint64_t i)
{
    (void)i;
    return 0;
}

void *bed_memory(size_t n, size_t each)
{
    void *p = calloc(n, each);
    assert_non_null(p);
    return p;
}

static void encrypt_column(struct bed *b, size_t j)
{
    size_t bytes = rlwe_block_bytes(b->c);
    uint64_t blocks = rlwe_block_count(b->c);
    uint8_t *out = bed_memory(blocks + 1, bytes);

    for (uint64_t k = 0; k <= blocks; k++)
        assert_int_equal(rlwe_encrypt_block(out + k * bytes, b->c, b->keys[j], k,
                                            k == blocks ? NULL : b->column[j] + k * RLWE_DEGREE),
                         PT_OK);
    b->cipher[j] = out;
    b->spans[j] = (struct span){out, rlwe_column_bytes(b->c)};
}

/* Half the blocks by one hint, half by another, merged: as threads would. */
void bed_hint(struct bed *b, size_t i)
{
    uint64_t blocks = rlwe_block_count(b->c);
    struct inner_hint *rest = NULL;

    assert_int_equal(inner_hint_new(&b->hints[i], b->c), PT_OK);
    assert_int_equal(inner_hint_new(&rest, b->c), PT_OK);
    assert_int_equal(inner_hint_add(b->hints[i], b->c, b->rows[i], blocks / 2, blocks), PT_OK);
    assert_int_equal(inner_hint_add(rest, b->c, b->rows[i], 0, blocks / 2), PT_OK);
    assert_int_equal(inner_hint_merge(b->hints[i], b->c, rest), PT_OK);
    inner_hint_free(rest);
}

struct bed bed_laid(struct rlwe_shape shape, struct kinds kinds)
{
    struct bed b = {.row_count = kinds.row_count, .column_count = kinds.column_count};
    struct pt_err err = {0};
    struct digest public = {{(uint8_t)shape.slot_count, (uint8_t)shape.set}};

    assert_int_equal(rlwe_new(&b.c, &shape, &public, &err), PT_OK);
    size_t padded = rlwe_block_count(b.c) * RLWE_DEGREE;
    b.row = bed_memory(b.row_count, sizeof *b.row);
    b.rows = bed_memory(b.row_count, sizeof *b.rows);
    b.hints = bed_memory(b.row_count, sizeof(struct inner_hint *));
    b.column = bed_memory(b.column_count, sizeof *b.column);
    b.keys = bed_memory(b.column_count, sizeof(struct rlwe_key *));
    b.cipher = bed_memory(b.column_count, sizeof *b.cipher);
    b.spans = bed_memory(b.column_count, sizeof *b.spans);
    b.noise = bed_memory(b.column_count, sizeof *b.noise);
    b.value = bed_memory(b.column_count, sizeof *b.value);
    b.dot = bed_memory(b.row_count * b.column_count, sizeof *b.dot);
    b.reply = bed_memory(1, inner_reply_bytes(b.c, b.column_count));
    for (size_t i = 0; i < b.row_count; i++) {
        /* Exactly slot_count entries: the library may not read one more. */
        b.row[i] = bed_memory(shape.slot_count, 1);
        b.rows[i].values = b.row[i];
        for (uint64_t s = 0; s < shape.slot_count; s++)
            b.row[i][s] = kinds.row(s + (i + 100) * padded);
        bed_hint(&b, i);
    }
    for (size_t j = 0; j < b.column_count; j++) {
        b.column[j] = bed_memory(padded, 1);
        for (uint64_t s = 0; s < shape.slot_count; s++)
            b.column[j][s] = kinds.column(s + (j + 1) * padded);
        assert_int_equal(rlwe_key_new(&b.keys[j], b.c, &(struct key32){{1, (uint8_t)j}}), PT_OK);
        encrypt_column(&b, j);
    }
    struct inner_dot_in in = {b.rows, b.row_count, b.spans, b.column_count, NULL, 0, NULL};
    assert_int_equal(inner_dot(b.dot, b.c, in), PT_OK);
    return b;
}

void bed_free(struct bed *b)
{
    for (size_t i = 0; i < b->row_count; i++) {
        inner_hint_free(b->hints[i]);
        free(b->row[i]);
    }
    for (size_t j = 0; j < b->column_count; j++) {
        rlwe_key_free(b->keys[j]);
        free(b->column[j]);
        free(b->cipher[j]);
    }
    void *const all[] = {b->row,   b->rows,  b->hints, b->column, b->keys,  b->spans,
                         b->noise, b->value, b->dot,   b->reply,  b->cipher};
    for (size_t i = 0; i < PT_LEN(all); i++)
        free(all[i]);
    rlwe_free(b->c);
}

struct span bed_reply(const struct bed *b)
{
    return (struct span){b->reply, inner_reply_bytes(b->c, b->column_count)};
}

/* Reply for row i with the noise laid out in b, and open it. */
void bed_ask(struct bed *b, size_t i, uint8_t seed)
{
    struct inner_reply_in in = {
        b->hints[i], b->dot + i * b->column_count, b->noise, b->spans, b->column_count, NULL};
    assert_int_equal(inner_reply(b->reply, b->c, &in, &(struct key32){{seed, (uint8_t)i}}), PT_OK);
    assert_int_equal(inner_open(b->value, b->c, bed_reply(b), b->keys, b->column_count), PT_OK);
}

int64_t bed_truth(const struct bed *b, size_t i, size_t j)
{
    int64_t sum = 0;
    for (uint64_t s = 0; s < rlwe_slot_count(b->c); s++)
        sum += (int64_t)b->row[i][s] * b->column[j][s];
    return sum;
}
double bed_energy(const struct bed *b, size_t i)
{
    double sum = 0;
    for (uint64_t s = 0; s < rlwe_slot_count(b->c); s++)
        sum += b->row[i][s] * b->row[i][s];
    return sum;
}
/* What the scheme itself added to cell (i, j), in units of Z_q. */
double bed_residue(const struct bed *b, size_t i, size_t j)
{
    return (double)(b->value[j] - bed_truth(b, i, j) * (int64_t)rlwe_delta(b->c) - b->noise[j]);
}
