/* Goal: when memory ends, or the cipher fails, anywhere in a computation, nothing comes out but the
 * code: no point, no product, no reply, no half of a key.
 * Method: each operation with each of its calls for memory failing, alone and with all that follow.
 * scrypt is a stand-in here: it is the 256 MiB that it asks for that may fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <sodium.h>

#include "crypto/minisign.h"
#include "crypto/oprf.h"
#include "crypto/shuffle.h"
#include "tests/decoded.h"
#include "tests/failing_memory.h"
#include "tests/inner_bed.h"

enum { POINTS = 70, SLOTS = 5000, ROWS = 2, COLUMNS = 2, BYTES = 3000, CALLS_MAX = 2000 };

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's names */
EVP_CIPHER_CTX *__real_EVP_CIPHER_CTX_new(void);
EVP_CIPHER_CTX *__wrap_EVP_CIPHER_CTX_new(void);
EVP_CIPHER_CTX *__wrap_EVP_CIPHER_CTX_new(void)
{
    return memory_ends() ? NULL : __real_EVP_CIPHER_CTX_new();
}
int __real_EVP_CIPHER_CTX_copy(EVP_CIPHER_CTX *to, const EVP_CIPHER_CTX *from);
int __wrap_EVP_CIPHER_CTX_copy(EVP_CIPHER_CTX *to, const EVP_CIPHER_CTX *from);
int __wrap_EVP_CIPHER_CTX_copy(EVP_CIPHER_CTX *to, const EVP_CIPHER_CTX *from)
{
    return memory_ends() ? 0 : __real_EVP_CIPHER_CTX_copy(to, from);
}
int __real_EVP_EncryptUpdate(EVP_CIPHER_CTX *c, uint8_t *out, int *n, const uint8_t *in, int in_n);
int __wrap_EVP_EncryptUpdate(EVP_CIPHER_CTX *c, uint8_t *out, int *n, const uint8_t *in, int in_n);
int __wrap_EVP_EncryptUpdate(EVP_CIPHER_CTX *c, uint8_t *out, int *n, const uint8_t *in, int in_n)
{
    return memory_ends() ? 0 : __real_EVP_EncryptUpdate(c, out, n, in, in_n);
}
int __wrap_crypto_pwhash_scryptsalsa208sha256(uint8_t *out, unsigned long long n, const char *word,
                                              unsigned long long word_n, const uint8_t *salt,
                                              unsigned long long ops, size_t bytes);
int __wrap_crypto_pwhash_scryptsalsa208sha256(uint8_t *out, unsigned long long n, const char *word,
                                              unsigned long long word_n, const uint8_t *salt,
                                              unsigned long long ops, size_t bytes)
{
    (void)word, (void)word_n, (void)ops, (void)bytes;
    for (size_t i = 0; i < n; i++)
        out[i] = salt[i % 32];
    return memory_ends() ? -1 : 0;
}
/* NOLINTEND(bugprone-reserved-identifier) */

static struct point blinded[POINTS], evaluated[POINTS]; /* test state */
static struct digest digests[POINTS];
static const struct blind_key blind = {{{1}}};
static struct group_term *decoded;
static struct dleq_proof proof;
static struct oprf_key key;
static struct bed bed;
static struct minisign_key officer;
static struct buf key_text, signature;

static bool is_zero(const void *p, size_t n)
{
    return sodium_is_zero(p, n) == 1;
}

static enum pt_code evaluate(void)
{
    struct point out[POINTS];
    struct dleq_proof made;
    size_t bad;

    memset(out, 0xa5, sizeof out);
    enum pt_code rc = oprf_evaluate(out, &made, &bad,
                                    &(struct oprf_evaluate_in){.key = &key,
                                                               .proof_seed = &(struct key32){{2}},
                                                               .points = {blinded, POINTS}});
    if (rc == PT_OK)
        assert_memory_equal(out, evaluated, sizeof out);
    else
        assert_true(is_zero(out, sizeof out) && is_zero(&made, sizeof made));
    return rc;
}

static enum pt_code verify(void)
{
    const struct oprf_verify_in in = {
        &key.public_key, {blinded, POINTS}, {evaluated, POINTS}, &proof, NULL};

    return oprf_verify(decoded, &in);
}

static enum pt_code blind_points(void)
{
    struct point out[POINTS];

    enum pt_code rc = oprf_blind(out, &blind, span_z("p"), digests, POINTS, NULL);
    if (rc == PT_OK)
        assert_memory_equal(out, blinded, sizeof out);
    return rc;
}

static enum pt_code blind_again(void)
{
    const struct oprf_again_in in = {&blind, &blind, &key.public_key, decoded, POINTS, NULL};
    struct point out[POINTS];

    memset(out, 0xa5, sizeof out);
    enum pt_code rc = oprf_blind_again(out, &in);
    if (rc != PT_OK)
        assert_true(is_zero(out, sizeof out));
    return rc;
}

static enum pt_code finish(void)
{
    const struct oprf_finish_in in = {span_z("p"),     digests, decoded, POINTS,
                                      &key.public_key, 1,       NULL};
    struct token out[POINTS];

    memset(out, 0xa5, sizeof out);
    enum pt_code rc = oprf_finish(out, &key, &blind, in);
    if (rc != PT_OK)
        assert_true(is_zero(out, sizeof out));
    return rc;
}

static enum pt_code make_context(void)
{
    const struct rlwe_shape shape = {RLWE_P40, SLOTS, SLOTS, 1};
    struct pt_err err = {0};
    struct rlwe *c;
    struct rlwe_key *k = NULL;
    enum pt_code rc = rlwe_new(&c, &shape, &(struct digest){{1}}, &err);

    assert_true((rc == PT_OK) == (c != NULL));
    if (rc == PT_OK) {
        rc = rlwe_key_new(&k, c, &(struct key32){{1}});
        assert_true((rc == PT_OK) == (k != NULL));
    }
    rlwe_key_free(k);
    rlwe_free(c);
    return rc;
}

static enum pt_code make_hint(void)
{
    struct inner_hint *h = NULL;
    enum pt_code rc = inner_hint_new(&h, bed.c);

    if (rc == PT_OK)
        rc = inner_hint_add(h, bed.c, bed.rows[0], 0, rlwe_block_count(bed.c));
    inner_hint_free(h);
    return rc;
}

static enum pt_code multiply(void)
{
    uint64_t dot[ROWS * COLUMNS];
    const struct inner_dot_in in = {bed.rows, ROWS, bed.spans, COLUMNS, NULL, 0, NULL};

    memset(dot, 0xa5, sizeof dot);
    enum pt_code rc = inner_dot(dot, bed.c, in);
    if (rc == PT_OK)
        assert_memory_equal(dot, bed.dot, sizeof dot);
    else
        assert_true(is_zero(dot, sizeof dot));
    return rc;
}

static enum pt_code reply(void)
{
    const struct inner_reply_in in = {bed.hints[0], bed.dot, bed.noise, bed.spans, COLUMNS, NULL};
    size_t n = inner_reply_bytes(bed.c, COLUMNS);

    memset(bed.reply, 0xa5, n);
    enum pt_code rc = inner_reply(bed.reply, bed.c, &in, &(struct key32){{3}});
    if (rc != PT_OK)
        assert_true(is_zero(bed.reply, n));
    return rc;
}

static enum pt_code open_reply(void)
{
    int64_t value[COLUMNS];

    memset(value, 0xa5, sizeof value);
    enum pt_code rc = inner_open(value, bed.c, bed_reply(&bed), bed.keys, COLUMNS);
    if (rc == PT_OK)
        assert_memory_equal(value, bed.value, sizeof value);
    else
        assert_true(is_zero(value, sizeof value));
    return rc;
}

static enum pt_code mask(void)
{
    uint8_t x[BYTES];

    memset(x, 0xa5, sizeof x);
    enum pt_code rc = shuffle_mask(x, sizeof x, &(struct key32){{1}});
    assert_true(rc == PT_OK || is_zero(x, sizeof x));
    return rc;
}

static enum pt_code permute(void)
{
    uint8_t x[BYTES];

    memset(x, 0xa5, sizeof x);
    enum pt_code rc = shuffle_permute(x, sizeof x, &(struct key32){{1}});
    assert_true(rc == PT_OK || is_zero(x, sizeof x));
    return rc;
}

static enum pt_code draw_dummies(void)
{
    const struct shuffle_dummies in = {.cells = 4, .mean = 30, .v = {25, 1}};
    struct buf out = {0};
    enum pt_code rc = shuffle_dummies(&out, &in, &(struct key32){{1}});

    assert_true((rc == PT_OK) == (out.n > 0));
    buf_free(&out);
    return rc;
}

static enum pt_code print_key(const char *password)
{
    struct buf out;
    struct pt_err err = {0};
    enum pt_code rc = minisign_key_print(&out, &officer, span_z(password), &err);

    assert_true((rc == PT_OK) == (out.n > 0));
    buf_free(&out);
    return rc;
}
static enum pt_code print_plain_key(void)
{
    return print_key("");
}
static enum pt_code print_locked_key(void)
{
    return print_key("a long password");
}

static enum pt_code read_locked_key(void)
{
    struct minisign_key k;
    struct pt_err err = {0};
    enum pt_code rc = minisign_key_parse(&k, buf_span(&key_text), span_z("a long password"), &err);

    if (rc == PT_OK)
        assert_memory_equal(&k, &officer, sizeof k);
    else
        assert_true(is_zero(&k, sizeof k));
    return rc;
}

static enum pt_code sign(void)
{
    struct buf out;
    struct pt_err err = {0};
    enum pt_code rc = minisign_sign(&out, &officer, span_z("words"), "comment", &err);

    assert_true((rc == PT_OK) == (out.n > 0));
    buf_free(&out);
    return rc;
}

static enum pt_code check_signature(void)
{
    struct minisign_public who;
    struct pt_err err = {0};

    minisign_key_public(&who, &officer);
    return minisign_verify(&who, span_z("words"), buf_span(&signature), &err);
}

/* PT_EBUG is what a failing cipher is; no failure may be taken for a peer's or a user's fault. */
static void nothing_comes_out(void **state)
{
    static enum pt_code (*const RUNS[])(void) = {
        evaluate,        verify, make_context,    make_hint,    multiply,        open_reply,
        reply,           mask,   permute,         draw_dummies, print_plain_key, print_locked_key,
        read_locked_key, sign,   check_signature, blind_points, blind_again,     finish,
    };

    (void)state;
    for (size_t i = 0; i < 2 * PT_LEN(RUNS); i++) {
        size_t n = 0;
        for (bool ended = true; ended; n++) {
            memory_end_after(n, i % 2 == 1);
            enum pt_code rc = RUNS[i / 2]();
            memory_is_enough();
            ended = memory_failed;
            assert_true(n < CALLS_MAX);
            if (ended ? rc != PT_ENOMEM && rc != PT_EBUG : rc != PT_OK)
                fail_msg("run %zu: call %zu, code %d", i / 2, n, rc);
        }
        assert_true(n > 1); /* otherwise nothing was tried */
    }
}

static int prepare(void **state)
{
    const struct rlwe_shape shape = {RLWE_P40, SLOTS, SLOTS, 1};
    const struct kinds kinds = {ROWS, COLUMNS, bed_trit, bed_trit};
    struct pt_err err = {0};
    size_t bad;

    (void)state;
    for (size_t i = 0; i < POINTS; i++)
        digests[i].b[0] = (uint8_t)(i + 1);
    assert_int_equal(oprf_key_derive(&key, &(struct key32){{1}}, span_z("test")), PT_OK);
    assert_int_equal(oprf_blind(blinded, &blind, span_z("p"), digests, POINTS, NULL), PT_OK);
    assert_int_equal(oprf_evaluate(evaluated, &proof, &bad,
                                   &(struct oprf_evaluate_in){.key = &key,
                                                              .proof_seed = &(struct key32){{2}},
                                                              .points = {blinded, POINTS}}),
                     PT_OK);
    decoded = decoded_of(evaluated, POINTS);
    bed = bed_laid(shape, kinds);
    bed_ask(&bed, 0, 4); /* what open_reply() opens: it runs before reply() */
    minisign_key_random(&officer);
    assert_int_equal(minisign_key_print(&key_text, &officer, span_z("a long password"), &err),
                     PT_OK);
    assert_int_equal(minisign_sign(&signature, &officer, span_z("words"), "comment", &err), PT_OK);
    return 0;
}

static int clean(void **state)
{
    (void)state;
    group_terms_free(decoded);
    bed_free(&bed);
    buf_free(&key_text);
    buf_free(&signature);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_comes_out)};
    return cmocka_run_group_tests(tests, prepare, clean);
}
