/* lattice_fails_test.c - what the lattice does when its cipher fails: a stream of zeros stands in
 * for crypto/prg.c here and breaks after so many reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sodium.h>

#include "crypto/gauss.h"
#include "crypto/inner.h"
#include "crypto/prg.h"

struct prg {
    int unused;
};

static int reads_left; /* test state: the seam has no other way in */
static int streams_left;

enum pt_code prg_new(struct prg **out, const struct key32 *key)
{
    (void)key;
    *out = streams_left-- > 0 ? calloc(1, sizeof **out) : NULL;
    return *out == NULL ? PT_ENOMEM : PT_OK;
}
void prg_free(struct prg *g)
{
    free(g);
}
enum pt_code prg_read(const struct prg *g, uint64_t nonce, uint64_t block, void *out, size_t n)
{
    (void)g, (void)nonce;
    memset(out, block == 0 ? 0xff : 0, n); /* 0xff: no expanded word is below q at first */
    return reads_left-- > 0 ? PT_OK : PT_EBUG;
}

void draw_init(struct draw *d, const struct prg *g, uint64_t nonce)
{
    *d = (struct draw){.g = g, .nonce = nonce};
}
void draw_bytes(struct draw *d, void *out, size_t n) /* the proof's, which nothing here runs */
{
    (void)d;
    memset(out, 0, n);
}
uint64_t draw_u64(struct draw *d)
{
    d->bad |= prg_read(d->g, d->nonce, d->block++, d->ahead, 8) != PT_OK;
    return 0;
}

static struct rlwe *context(void)
{
    struct rlwe *c = NULL;
    struct pt_err err = {0};
    struct rlwe_shape shape = {RLWE_P40, 100, 100, 1};
    streams_left = 1;
    assert_int_equal(rlwe_new(&c, &shape, &(struct digest){{1}}, &err), PT_OK);
    return c;
}

static void no_stream_no_object(void **state)
{
    struct rlwe *c = NULL;
    struct rlwe_key *k = NULL;
    struct pt_err err = {0};
    struct rlwe_shape shape = {RLWE_P40, 100, 100, 1};

    (void)state;
    streams_left = 0;
    assert_int_equal(rlwe_new(&c, &shape, &(struct digest){{1}}, &err), PT_ENOMEM);
    assert_null(c);
    assert_non_null(strstr(err.msg, "cipher"));
    c = context();
    assert_int_equal(rlwe_key_new(&k, c, &(struct key32){{1}}), PT_ENOMEM);
    assert_null(k);
    streams_left = 1;
    reads_left = 0;
    assert_int_equal(rlwe_key_new(&k, c, &(struct key32){{1}}), PT_EBUG);
    assert_null(k);
    rlwe_free(c);
}

/* Goal: wherever the stream breaks, nothing comes out but zeros and the code; and the block that
 * was not encrypted still can be. */
static void encryption_fails_closed(void **state)
{
    static uint8_t out[5 * RLWE_DEGREE];
    static int8_t values[RLWE_DEGREE];
    struct rlwe *c = context();
    struct rlwe_key *k = NULL;
    enum pt_code rc = PT_EBUG;
    int reads = 0;

    (void)state;
    streams_left = 1;
    reads_left = 1;
    assert_int_equal(rlwe_key_new(&k, c, &(struct key32){{1}}), PT_OK);
    for (; rc != PT_OK; reads++) {
        assert_in_range(reads, 0, 5000);
        reads_left = reads;
        memset(out, 0xa5, sizeof out);
        rc = rlwe_encrypt_block(out, c, k, 0, values);
        if (rc != PT_OK) {
            assert_int_equal(rc, PT_EBUG);
            assert_int_equal(sodium_is_zero(out, sizeof out), 1);
        }
    }
    assert_int_equal(reads, 1 + 2048 + 1 + 1); /* words, their replacements, errors; one for luck */
    rlwe_key_free(k);
    rlwe_free(c);
}

static void replies_fail_closed(void **state)
{
    static uint8_t out[5 * (RLWE_DEGREE + 1)];
    static uint8_t column[2 * 5 * RLWE_DEGREE];
    static int8_t values[100];
    struct rlwe *c = context();
    struct inner_hint *h = NULL;
    uint64_t dot = 0;
    int64_t noise = 1;
    struct span span = {column, sizeof column};
    enum pt_code rc = PT_EBUG;

    (void)state;
    assert_int_equal(inner_hint_new(&h, c), PT_OK);
    reads_left = 0;
    assert_int_equal(inner_hint_add(h, c, (struct inner_row){.values = values}, 0, 1), PT_EBUG);
    reads_left = 5000;
    assert_int_equal(inner_hint_add(h, c, (struct inner_row){.values = values}, 0, 1), PT_OK);
    struct inner_reply_in in = {h, &dot, &noise, &span, 1, NULL};
    streams_left = 0;
    assert_int_equal(inner_reply(out, c, &in, &(struct key32){{1}}), PT_ENOMEM);
    for (int reads = 0; rc != PT_OK; reads++) {
        assert_in_range(reads, 0, 5000);
        streams_left = 1;
        reads_left = reads;
        memset(out, 0xa5, sizeof out);
        rc = inner_reply(out, c, &in, &(struct key32){{1}});
        if (rc != PT_OK)
            assert_int_equal(sodium_is_zero(out, sizeof out), 1);
        if (reads == 30)
            reads = 1000; /* between these it is one replaced word like another */
    }
    inner_hint_free(h);
    rlwe_free(c);
}

static void gaussians_fail_closed(void **state)
{
    static int8_t x[GAUSS_COUNT];
    struct prg g = {0};

    (void)state;
    for (int reads = 0; reads < 9; reads++) { /* signs, then eight batches */
        reads_left = reads;
        memset(x, 1, sizeof x);
        assert_int_equal(gauss_draw(x, &g, 0), PT_EBUG);
        assert_int_equal(sodium_is_zero((const uint8_t *)x, sizeof x), 1);
    }
    reads_left = 9;
    assert_int_equal(gauss_draw(x, &g, 0), PT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_stream_no_object),
        cmocka_unit_test(encryption_fails_closed),
        cmocka_unit_test(replies_fail_closed),
        cmocka_unit_test(gaussians_fail_closed),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
