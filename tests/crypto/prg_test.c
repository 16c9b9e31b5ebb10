#include "crypto/prg.h"

#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/crypto.h>

#include "tests/kat.h"

/* OpenSSL's memory ends after so many allocations; below zero, never. */
static int allocations_left = -1;

/* What OpenSSL holds, and what of it still held the secret when it was freed. */
static const uint8_t SECRET[16] = "sixteen, secret";
static void *held[4096];
static size_t held_count, freed_with_secret;
static bool watching; /* only while one thread runs */

static bool holds_secret(void *p)
{
    return p != NULL && memmem(p, malloc_usable_size(p), SECRET, sizeof SECRET) != NULL;
}

static void *limited_malloc(size_t n, const char *file, int line)
{
    (void)file, (void)line;
    if (allocations_left == 0)
        return NULL;
    if (allocations_left > 0)
        allocations_left--;
    void *p = calloc(1, n);
    if (watching && held_count < PT_LEN(held))
        held[held_count++] = p;
    return p;
}
static void *limited_realloc(void *p, size_t n, const char *file, int line)
{
    (void)file, (void)line;
    return allocations_left == 0 ? NULL : realloc(p, n);
}
static void plain_free(void *p, const char *file, int line)
{
    (void)file, (void)line;
    if (watching && holds_secret(p))
        freed_with_secret++;
    for (size_t i = 0; watching && i < held_count; i++)
        if (held[i] == p)
            held[i] = NULL;
    free(p);
}

static struct prg *made(uint8_t tag)
{
    struct prg *g = NULL;
    assert_int_equal(prg_new(&g, &(struct key32){{tag}}), PT_OK);
    return g;
}

/* Goal: block i of stream nonce is AES-256(key, le64(i) || le64(nonce)).
 * Method: FIPS-197 and SP 800-38A fix key and input block, so (i, nonce) are read off the block;
 * further vectors are the openssl command's. */
static void blocks_match_aes256(void **state)
{
    struct kat k = kat_open("tests/kat/prg.kat");

    (void)state;
    while (kat_next(&k)) {
        struct key32 key;
        struct prg *g = NULL;
        uint8_t counter[16];
        uint8_t got[64];
        kat_into(&k, "key", key.b, sizeof key.b);
        kat_into(&k, "counter", counter, sizeof counter);
        struct span want = kat_get(&k, "stream");
        assert_int_equal(prg_new(&g, &key), PT_OK);
        assert_in_range(want.n, 16, sizeof got);
        assert_int_equal(prg_read(g, load_u64le(counter + 8), load_u64le(counter), got, want.n),
                         PT_OK);
        assert_memory_equal(got, want.p, want.n);
        prg_free(g);
    }
    assert_int_equal(k.seen, 4);
}

/* Goal: any stretch equals the same stretch of one long read. */
static void reads_agree_however_cut(void **state)
{
    enum { LONG = 20000 };
    static uint8_t all[LONG], part[LONG + 1];
    struct prg *g = made(1);

    (void)state;
    assert_int_equal(prg_read(g, 7, 0, all, LONG), PT_OK);
    static const size_t AT[] = {0, 16, 8192, 8208, 16384};
    static const size_t N[] = {0, 1, 15, 16, 17, 3000};
    for (size_t i = 0; i < PT_LEN(AT); i++)
        for (size_t j = 0; j < PT_LEN(N); j++) {
            part[N[j]] = 0xa5;
            assert_int_equal(prg_read(g, 7, AT[i] / 16, part, N[j]), PT_OK);
            assert_memory_equal(part, all + AT[i], N[j]);
            assert_int_equal(part[N[j]], 0xa5); /* not one byte beyond */
        }
    prg_free(g);
}

static void streams_and_keys_differ(void **state)
{
    uint8_t a[32], b[32], c[32];
    struct prg *g = made(1);
    struct prg *h = made(2);

    (void)state;
    assert_int_equal(prg_read(g, 0, 0, a, sizeof a), PT_OK);
    assert_int_equal(prg_read(g, 1, 0, b, sizeof b), PT_OK);
    assert_int_equal(prg_read(h, 0, 0, c, sizeof c), PT_OK);
    assert_memory_not_equal(a, b, sizeof a);
    assert_memory_not_equal(a, c, sizeof a);
    assert_memory_not_equal(a, a + 16, 16);
    prg_free(g);
    prg_free(h);
}

struct reader {
    const struct prg *g;
    size_t wrong; /* counted: cmocka's asserts are for its own thread */
};

static void *read_often(void *arg)
{
    struct reader *r = arg;
    uint8_t want[64], got[64];

    r->wrong = prg_read(r->g, 5, 0, want, sizeof want) != PT_OK;
    for (int i = 0; i < 2000; i++)
        r->wrong += prg_read(r->g, 5, 0, got, sizeof got) != PT_OK || memcmp(got, want, 64) != 0;
    return NULL;
}

static void threads_share_a_stream(void **state)
{
    struct prg *g = made(6);
    struct reader here = {.g = g}, there = {.g = g};
    pthread_t other;

    (void)state;
    assert_int_equal(pthread_create(&other, NULL, read_often, &there), 0);
    (void)read_often(&here);
    assert_int_equal(pthread_join(other, NULL), 0);
    assert_int_equal(here.wrong + there.wrong, 0);
    prg_free(g);
}

/* A cursor yields the stream's bytes in order, however many at a time. */
static void draws_follow_the_stream(void **state)
{
    static uint8_t all[2000], got[2000];
    struct prg *g = made(3);
    struct draw d;
    size_t at = 0;

    (void)state;
    assert_int_equal(prg_read(g, 9, 0, all, sizeof all), PT_OK);
    draw_init(&d, g, 9);
    for (size_t n = 0; at + n <= sizeof got; n++) {
        draw_bytes(&d, got + at, n);
        at += n;
    }
    assert_memory_equal(got, all, at);
    draw_init(&d, g, 9);
    for (size_t i = 0; i + 8 <= sizeof all; i += 8)
        assert_true(draw_u64(&d) == load_u64le(all + i));
    assert_false(d.bad);
    draw_wipe(&d);
    prg_free(g);
}

/* A stream that fails yields zeros for ever, and says so. */
static void failure_sticks(void **state)
{
    uint8_t got[600];
    struct prg *g = made(4);
    struct draw d;

    (void)state;
    memset(got, 0xa5, sizeof got);
    assert_int_equal(prg_read(NULL, 0, 0, got, sizeof got), PT_EBUG);
    for (size_t i = 0; i < sizeof got; i++)
        assert_int_equal(got[i], 0);
    draw_init(&d, g, 0);
    assert_true(draw_u64(&d) != 0);
    d.g = NULL; /* the stream breaks after what was read ahead */
    memset(got, 0xa5, sizeof got);
    draw_bytes(&d, got, sizeof got);
    assert_true(d.bad);
    for (size_t i = 0; i < sizeof got; i++)
        assert_int_equal(got[i], 0);
    d.g = g; /* healing is not believed */
    assert_true(draw_u64(&d) == 0);
    assert_true(d.bad);
    prg_free(g);
    prg_free(NULL);
}

/* Goal: wherever memory ends within OpenSSL, there is no object, or no bytes. */
static void memory_may_end_anywhere(void **state)
{
    struct prg *g = NULL;
    uint8_t got[40];
    enum pt_code rc = PT_EBUG;
    int made_after = 0, read_after = 0;

    (void)state;
    for (; g == NULL; made_after++) {
        assert_in_range(made_after, 0, 100);
        allocations_left = made_after;
        rc = prg_new(&g, &(struct key32){{5}});
        assert_int_equal(rc, g == NULL ? PT_ENOMEM : PT_OK);
    }
    for (rc = PT_EBUG; rc != PT_OK; read_after++) {
        assert_in_range(read_after, 0, 100);
        allocations_left = read_after;
        memset(got, 0xa5, sizeof got);
        rc = prg_read(g, 0, 0, got, sizeof got);
        for (size_t i = 0; i < sizeof got && rc != PT_OK; i++)
            assert_int_equal(got[i], 0);
    }
    assert_true(made_after > 1 && read_after > 1); /* else nothing was ever refused */
    allocations_left = -1;
    prg_free(g);
}

/* Goal: freed keys are wiped. Method: the first bytes of the schedule are the key's own; they are
 * there while the object lives, and in nothing that is freed. */
static void keys_are_wiped(void **state)
{
    struct prg *g = NULL;
    struct key32 key = {{0}};
    uint8_t got[40];
    size_t found = 0;

    (void)state;
    memcpy(key.b, SECRET, sizeof SECRET);
    watching = true;
    assert_int_equal(prg_new(&g, &key), PT_OK);
    assert_int_equal(prg_read(g, 0, 0, got, sizeof got), PT_OK);
    for (size_t i = 0; i < held_count; i++)
        found += holds_secret(held[i]);
    assert_true(found > 0);
    prg_free(g);
    for (size_t i = 0; i < held_count; i++)
        assert_false(holds_secret(held[i]));
    assert_int_equal(freed_with_secret, 0);
    watching = false;
}

/* OpenSSL's way, which needs memory and may fail; aes_wide_test holds the other one to its bytes. */
int main(void)
{
    setenv("PATTO_CPU", "portable", 1);
    if (CRYPTO_set_mem_functions(limited_malloc, limited_realloc, plain_free) != 1)
        return 1;

    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_match_aes256),     cmocka_unit_test(reads_agree_however_cut),
        cmocka_unit_test(streams_and_keys_differ), cmocka_unit_test(draws_follow_the_stream),
        cmocka_unit_test(failure_sticks),          cmocka_unit_test(memory_may_end_anywhere),
        cmocka_unit_test(keys_are_wiped),          cmocka_unit_test(threads_share_a_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
