#include <stdlib.h>
#include <string.h>

#include "crypto/base/ct.h"
#include "crypto/group.h"
#include "crypto/prf.h"
#include "crypto/slot.h"
#include "tests/ct/secret.h"

enum { N = 3 };
static struct point in[N], out[N];
static struct scalar a[N], b[N], c[N];
static uint8_t wide[N][64];

static void inputs(void)
{
    memset(wide, 7, sizeof wide);
    wide[0][0] = wide[1][1] = wide[2][2] = 1;
    for (size_t i = 0; i < N; i++) {
        scalar_reduce(&a[i], wide[i]);
        scalar_reduce(&b[i], wide[N - 1 - i]);
    }
    group_map(in, (const uint8_t(*)[64])wide, N);
}

static void mul_scalar(void)
{
    inputs();
    ct_secret(a, sizeof a[0]);
    a[0].b[31] &= 0x0f;
    (void)!group_mul(out, a, in, N);
}

static void mul_each_scalar(void)
{
    inputs();
    ct_secret(a, sizeof a);
    for (size_t i = 0; i < N; i++)
        a[i].b[31] &= 0x0f;
    (void)!group_mul_each(out, a, in, N);
}

/* A point that names a customer: only whether it decodes may show. */
static void mul_point(void)
{
    inputs();
    ct_hide(in, sizeof in);
    (void)!group_mul(out, a, in, N);
}

static void map_input(void)
{
    inputs();
    ct_secret(wide, sizeof wide);
    group_map(out, (const uint8_t(*)[64])wide, N);
}

/* Tables are of public points, so are terms: made before anything is secret. */
static struct group_table *base;
static struct group_term *terms;

static void tabled_inputs(void)
{
    inputs();
    free(base);
    group_terms_free(terms);
    (void)!group_table_new(&base, &in[0]);
    (void)!group_terms_new(&terms, N);
    (void)!group_decode_vartime(terms, in, N);
}

static void map_blind_input(void)
{
    tabled_inputs();
    ct_secret(wide, sizeof wide);
    group_map_blind(out, &(struct group_blind){base, a}, (const uint8_t(*)[64])wide, N);
}

static void secret_blinds(void)
{
    tabled_inputs();
    ct_secret(a, sizeof a);
    for (size_t i = 0; i < N; i++)
        a[i].b[31] &= 0x0f;
}

static void map_blind_scalar(void)
{
    secret_blinds();
    group_map_blind(out, &(struct group_blind){base, a}, (const uint8_t(*)[64])wide, N);
}

static void unblind_blind(void)
{
    secret_blinds();
    group_unblind_mul(out, &b[0], &(struct group_blind){base, a}, terms, N);
}

static void unblind_scalar(void)
{
    tabled_inputs();
    ct_secret(b, sizeof b[0]);
    b[0].b[31] &= 0x0f;
    group_unblind_mul(out, &b[0], &(struct group_blind){base, a}, terms, N);
}

static void mul_terms_scalar(void)
{
    tabled_inputs();
    ct_secret(b, sizeof b[0]);
    b[0].b[31] &= 0x0f;
    group_mul_terms(out, &b[0], terms, N);
}

static void blind_again_blinds(void)
{
    secret_blinds();
    ct_secret(b, sizeof b);
    for (size_t i = 0; i < N; i++)
        b[i].b[31] &= 0x0f;
    group_blind_again(out, &(struct group_blind){base, a}, &(struct group_blind){base, b}, terms,
                      N);
}

static void base_scalar(void)
{
    inputs();
    ct_secret(a, sizeof a[0]);
    group_base_mul(out, a);
}

static void scalars(void)
{
    inputs();
    ct_secret(wide, sizeof wide);
    scalar_reduce(&a[0], wide[0]);
    scalar_reduce(&b[0], wide[1]);
    scalar_mul(&c[0], &a[0], &b[0]);
    scalar_muladd(&c[0], &c[0], &a[0], &b[0]);
    scalar_mulsub(&c[0], &c[0], &a[0], &b[0]);
    scalar_invert(&c[0], &c[0]);
    scalar_half(&c[0], &c[0]);
}

static void derive_key(void)
{
    struct key32 key;
    struct key32 derived;

    ct_secret(&key, sizeof key);
    prf_derive(&derived, &key, "patto/ct", NULL, 0);
}

static void derive_part(void)
{
    struct key32 key = {{1}};
    uint8_t part[100];
    struct span s = span_of(part, sizeof part);

    ct_secret(part, sizeof part);
    prf_derive(&key, &key, "patto/ct", &s, 1);
}

static void slot_token(void)
{
    struct digest salt = {{1}};
    struct token t;
    struct slot_place p;

    ct_secret(&t, sizeof t);
    slot_of(&p, &salt, &t, 1 << 20);
    (void)slot_truncation_key(&salt, &t, 3);
}

static void compare(void)
{
    uint8_t x[40];
    uint8_t y[40] = {0};

    ct_secret(x, sizeof x);
    volatile bool same = ct_equal(x, y, sizeof x);
    (void)same;
}

int main(int argc, char **argv)
{
    static const struct ct_case CASES[] = {
        {"mul-scalar", mul_scalar},
        {"mul-each-scalar", mul_each_scalar},
        {"mul-point", mul_point},
        {"map-input", map_input},
        {"map-blind-input", map_blind_input},
        {"map-blind-scalar", map_blind_scalar},
        {"unblind-blind", unblind_blind},
        {"unblind-scalar", unblind_scalar},
        {"mul-terms-scalar", mul_terms_scalar},
        {"blind-again-blinds", blind_again_blinds},
        {"base-scalar", base_scalar},
        {"scalars", scalars},
        {"derive-key", derive_key},
        {"derive-part", derive_part},
        {"slot-token", slot_token},
        {"compare", compare},
    };

    return ct_main(argc, argv, CASES, sizeof CASES / sizeof CASES[0]);
}
