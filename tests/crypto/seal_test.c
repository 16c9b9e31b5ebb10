#include "crypto/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sodium.h>

#include "tests/kat.h"

static const struct key32 KEY = {{1}};
static const struct digest CONTEXT = {{2}};

enum { CHUNKS = 4, BYTES = 100, BOX = BYTES + SEAL_OVERHEAD_BYTES };

struct sealed { /* four chunks of 100 bytes, the last of them last */
    uint8_t header[SEAL_HEADER_BYTES];
    uint8_t plain[CHUNKS][BYTES];
    uint8_t box[CHUNKS][BOX];
};

static void seal_all(struct sealed *s)
{
    struct seal_file f;

    for (size_t i = 0; i < CHUNKS; i++)
        memset(s->plain[i], (int)(i + 1), BYTES);
    seal_begin(&f, &KEY, &CONTEXT);
    memcpy(s->header, f.header, sizeof s->header);
    for (size_t i = 0; i < CHUNKS; i++)
        assert_int_equal(
            seal_next(s->box[i], &f, (struct span){s->plain[i], BYTES}, i == CHUNKS - 1), PT_OK);
    seal_file_wipe(&f);
}

/* Opens chunk `at` as the one after `skip` good ones; checks that failure leaves zeros. */
static enum pt_code open_after(const struct sealed *s, size_t skip, size_t at, bool last)
{
    struct seal_file f;
    uint8_t out[BYTES];
    enum pt_code rc;

    seal_resume(&f, &KEY, &CONTEXT, s->header);
    for (size_t i = 0; i < skip; i++)
        assert_int_equal(seal_open_next(out, &f, (struct span){s->box[i], BOX}, i == CHUNKS - 1),
                         PT_OK);
    memset(out, 0xa5, sizeof out);
    rc = seal_open_next(out, &f, (struct span){s->box[at], BOX}, last);
    if (rc == PT_OK)
        assert_memory_equal(out, s->plain[at], BYTES);
    else
        assert_true(sodium_is_zero(out, sizeof out) == 1);
    return rc;
}

static void what_is_sealed_opens(void **state)
{
    static const size_t SIZES[] = {0, 1, 15, 16, 4096, SEAL_CHUNK_MAX};
    uint8_t *plain = malloc(SEAL_CHUNK_MAX);
    uint8_t *box = malloc(SEAL_CHUNK_MAX + SEAL_OVERHEAD_BYTES);
    uint8_t *back = malloc(SEAL_CHUNK_MAX);
    struct seal_file w, r;

    (void)state;
    assert_true(plain != NULL && box != NULL && back != NULL);
    for (size_t i = 0; i < SEAL_CHUNK_MAX; i++)
        plain[i] = (uint8_t)(i * 7 + 1);
    seal_begin(&w, &KEY, &CONTEXT);
    seal_resume(&r, &KEY, &CONTEXT, w.header);
    for (size_t i = 0; i < PT_LEN(SIZES); i++) {
        bool last = i + 1 == PT_LEN(SIZES);
        struct span sealed = {box, SIZES[i] + SEAL_OVERHEAD_BYTES};
        assert_int_equal(seal_next(box, &w, (struct span){plain, SIZES[i]}, last), PT_OK);
        assert_int_equal(seal_open_next(back, &r, sealed, last), PT_OK);
        assert_memory_equal(back, plain, SIZES[i]);
    }
    /* Ended: neither side goes on. */
    assert_int_equal(seal_next(box, &w, (struct span){plain, 1}, true), PT_ESTATE);
    assert_int_equal(seal_open_next(back, &r, (struct span){box, 17}, true), PT_ESTATE);
    free(plain);
    free(box);
    free(back);
}

/* Goal: the construction is what seal.c says, by another implementation's XChaCha20-Poly1305 and
 * BLAKE2b. Method: tests/kat/seal.py. */
static void boxes_match_vectors(void **state)
{
    struct kat k = kat_open("tests/kat/seal.kat");

    (void)state;
    while (kat_next(&k)) {
        struct key32 key;
        struct digest context;
        uint8_t header[SEAL_HEADER_BYTES], out[256];
        struct seal_file f;
        kat_into(&k, "key", key.b, sizeof key.b);
        kat_into(&k, "context", context.b, sizeof context.b);
        kat_into(&k, "header", header, sizeof header);
        seal_resume(&f, &key, &context, header);
        for (int i = 0; i < 2; i++) {
            struct span box = kat_get(&k, i == 0 ? "first" : "last");
            struct span plain = kat_get(&k, "plain");
            assert_int_equal(seal_open_next(out, &f, box, i == 1), PT_OK);
            assert_int_equal(box.n, plain.n + SEAL_OVERHEAD_BYTES);
            assert_memory_equal(out, plain.p, plain.n);
        }
    }
    assert_int_equal(k.seen, 1);
}

/* Which chunk may stand where: only number i at place i, and only the last as the last. */
static void chunks_keep_their_places(void **state)
{
    struct sealed s;

    (void)state;
    seal_all(&s);
    for (size_t place = 0; place < CHUNKS; place++)
        for (size_t chunk = 0; chunk < CHUNKS; chunk++)
            for (int last = 0; last < 2; last++) {
                bool good = chunk == place && (last == 1) == (chunk == CHUNKS - 1);
                assert_int_equal(open_after(&s, place, chunk, last == 1),
                                 good ? PT_OK : PT_EBADMSG);
            }
    assert_int_equal(open_after(&s, CHUNKS, 0, false), PT_ESTATE);
}

/* Goal: a chunk that was left open and sealed last opens in its place, and there only; each number is
 * sealed once. */
static void a_chunk_can_be_sealed_last(void **state)
{
    struct sealed s;
    struct seal_file f;
    uint8_t twice[BOX];

    (void)state;
    for (size_t left = 0; left + 1 < CHUNKS; left++) {
        memset(s.plain, 3, sizeof s.plain);
        seal_begin(&f, &KEY, &CONTEXT);
        memcpy(s.header, f.header, sizeof s.header);
        assert_int_equal(seal_left(twice, &f, (struct span){s.plain[0], BYTES}), PT_ESTATE);
        for (size_t i = 0; i < CHUNKS; i++)
            assert_int_equal(i == left ? seal_leave(&f)
                                       : seal_next(s.box[i], &f, (struct span){s.plain[i], BYTES},
                                                   i == CHUNKS - 1),
                             PT_OK);
        memset(s.plain[left], 9, BYTES);
        assert_int_equal(seal_left(s.box[left], &f, (struct span){s.plain[left], BYTES}), PT_OK);
        assert_int_equal(seal_left(twice, &f, (struct span){s.plain[left], BYTES}), PT_ESTATE);
        assert_int_equal(seal_leave(&f), PT_ESTATE); /* ended */
        for (size_t i = 0; i < CHUNKS; i++)
            assert_int_equal(open_after(&s, i, i, i == CHUNKS - 1), PT_OK);
        assert_int_equal(open_after(&s, left + 1, left, false), PT_EBADMSG);
    }
    seal_begin(&f, &KEY, &CONTEXT);
    assert_int_equal(seal_leave(&f), PT_OK);
    assert_int_equal(seal_leave(&f), PT_ESTATE); /* one at a time */
}

static void altered_bytes_are_refused(void **state)
{
    struct sealed s;
    struct seal_file f;
    uint8_t out[BYTES];

    (void)state;
    seal_all(&s);
    for (size_t bit = 0; bit < 8 * (size_t)BOX; bit++) {
        s.box[1][bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(open_after(&s, 1, 1, false), PT_EBADMSG);
        s.box[1][bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(open_after(&s, 1, 1, false), PT_OK);
    for (size_t n = 0; n < BOX; n++) { /* cut short */
        seal_resume(&f, &KEY, &CONTEXT, s.header);
        memset(out, 0xa5, sizeof out);
        assert_int_equal(seal_open_next(out, &f, (struct span){s.box[0], n}, false), PT_EBADMSG);
        for (size_t i = SEAL_OVERHEAD_BYTES; i < n; i++)
            assert_int_equal(out[i - SEAL_OVERHEAD_BYTES], 0);
    }
    for (size_t bit = 0; bit < 8 * (size_t)SEAL_HEADER_BYTES; bit++) {
        s.header[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(open_after(&s, 0, 0, false), PT_EBADMSG);
        s.header[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void files_do_not_mix(void **state)
{
    struct sealed a, b;
    struct seal_file f;
    uint8_t out[BYTES];
    const struct digest other_context = {{3}};
    const struct key32 other_key = {{3}};

    (void)state;
    seal_all(&a);
    seal_all(&b);
    assert_memory_not_equal(a.header, b.header, sizeof a.header);
    assert_memory_not_equal(a.box, b.box, sizeof a.box);
    memcpy(a.box[0], b.box[0], BOX); /* a chunk of another file, same key and context */
    assert_int_equal(open_after(&a, 0, 0, false), PT_EBADMSG);
    seal_resume(&f, &KEY, &other_context, b.header);
    assert_int_equal(seal_open_next(out, &f, (struct span){b.box[0], BOX}, false), PT_EBADMSG);
    seal_resume(&f, &other_key, &CONTEXT, b.header);
    assert_int_equal(seal_open_next(out, &f, (struct span){b.box[0], BOX}, false), PT_EBADMSG);
}

static void oversized_chunks_are_refused(void **state)
{
    size_t n = SEAL_CHUNK_MAX + 1;
    uint8_t *plain = calloc(1, n);
    uint8_t *box = calloc(1, n + SEAL_OVERHEAD_BYTES);
    struct seal_file f;

    (void)state;
    assert_true(plain != NULL && box != NULL);
    seal_begin(&f, &KEY, &CONTEXT);
    assert_int_equal(seal_next(box, &f, (struct span){plain, n}, false), PT_ELIMIT);
    assert_int_equal(f.next, 0);
    memset(plain, 1, n);
    struct span big = {box, n + SEAL_OVERHEAD_BYTES};
    assert_int_equal(seal_open_next(plain, &f, big, false), PT_ELIMIT);
    assert_true(sodium_is_zero(plain, n) == 1);
    free(plain);
    free(box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sealed_opens),         cmocka_unit_test(boxes_match_vectors),
        cmocka_unit_test(chunks_keep_their_places),     cmocka_unit_test(altered_bytes_are_refused),
        cmocka_unit_test(a_chunk_can_be_sealed_last),   cmocka_unit_test(files_do_not_mix),
        cmocka_unit_test(oversized_chunks_are_refused),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
