/* Property: whatever of a session of the column proof is changed on its way, nothing crashes; an answer
 * is accepted when it is the honest one and only then; a commitment is taken when its length is right
 * and its numbers are below q, and only then; other messages are taken or refused as malformed.
 * Input: which message (its number less one, or 3 for the answer), what to add to its length, then
 * patches of four bytes: place, place, place, xor. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/column_prove.h"
#include "crypto/column_verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    CHOICES,
    TREES,
    COMMITMENT,
    ANSWER,
    MESSAGES,
    BLOCKS = 2,
    COLUMN = BLOCKS * 5 * RLWE_DEGREE
};

static struct {
    struct rlwe *c;
    struct rlwe_key *key;
    uint8_t column[COLUMN];
    struct buf honest[MESSAGES];
} bed; /* made once: it is not what is tested */

static const struct digest SESSION = {{1}};
static const struct span CHALLENGE = {SESSION.b, sizeof SESSION.b};

static void must(bool good)
{
    if (!good)
        __builtin_trap();
}

static struct column_verifier *verifier(struct buf *choices)
{
    const struct proof_setup setup = {bed.c, &SESSION, &(struct key32){{2}}};
    struct column_verifier *v;
    struct pt_err err;

    must(column_verifier_new(&v, choices, &setup, &err) == PT_OK);
    return v;
}

static enum pt_code prover(struct column_prover **p, struct buf *trees, struct span choices)
{
    const struct proof_setup setup = {bed.c, &SESSION, &(struct key32){{3}}};
    struct pt_err err;

    return column_prover_new(p, trees, &setup, choices, &err);
}

static void block_of(void *self, int8_t out[RLWE_DEGREE], size_t j, uint64_t k)
{
    (void)j;
    (void)k;
    memcpy(out, self, RLWE_DEGREE);
}

static void lay(void)
{
    const struct rlwe_shape shape = {RLWE_P40, 1, 1000, 1};
    int8_t block[RLWE_DEGREE] = {1};
    struct column_prover *p;
    struct pt_err err;

    must(sodium_init() >= 0 && rlwe_new(&bed.c, &shape, &SESSION, &err) == PT_OK);
    must(rlwe_key_new(&bed.key, bed.c, &(struct key32){{4}}) == PT_OK);
    must(rlwe_encrypt_block(bed.column, bed.c, bed.key, 0, block) == PT_OK);
    must(rlwe_encrypt_block(bed.column + COLUMN / BLOCKS, bed.c, bed.key, 1, NULL) == PT_OK);
    const struct rlwe_key *const keys[] = {bed.key};
    const struct prove_columns in = {.count = 1, .keys = keys, .values = {block, block_of}};
    column_verifier_free(verifier(&bed.honest[CHOICES]));
    must(prover(&p, &bed.honest[TREES], buf_span(&bed.honest[CHOICES])) == PT_OK);
    must(column_prover_commit(p, &bed.honest[COMMITMENT], &in, &err) == PT_OK);
    must(column_prover_answer(p, &bed.honest[ANSWER], CHALLENGE, &in, &err) == PT_OK);
    column_prover_free(p);
    rlwe_key_free(bed.key); /* no sanitizer sees what locked memory points to */
    bed.key = NULL;
}

/* The honest message with what the input says done to it; exactly sized. */
static struct span changed(const struct buf *honest, const uint8_t *data, size_t size)
{
    const size_t n = honest->n + data[0] - (data[0] < 128 ? 0 : 256);
    uint8_t *p = calloc(1, n);

    must(p != NULL);
    memcpy(p, honest->p, n < honest->n ? n : honest->n);
    for (size_t i = 1; i + 4 <= size; i += 4) {
        const size_t at = data[i] | (size_t)data[i + 1] << 8 | (size_t)data[i + 2] << 16;
        p[at % n] ^= data[i + 3];
    }
    return span_of(p, n);
}

static bool numbers_are_small(struct span commitment)
{
    const struct ring *r = rlwe_ring(bed.c);
    const size_t column = vole_correction_bytes(r, RLWE_DEGREE, false);
    bool small = true;

    for (size_t at = 0; at < commitment.n;) {
        const size_t n = at < column ? RLWE_DEGREE : PROOF_MASK_VECTOR;
        for (size_t i = 0; i < n; i++) {
            uint64_t v = 0;
            for (unsigned p = 5; p-- > 0;)
                v = v << 8 | commitment.p[at + p * n + i];
            small &= v < r->q;
        }
        at += 5 * n;
    }
    return small;
}

static void judge(struct column_verifier *v, size_t kind, struct span message)
{
    const struct span trees = kind == TREES ? message : buf_span(&bed.honest[TREES]);
    const struct span commitment = kind == COMMITMENT ? message : buf_span(&bed.honest[COMMITMENT]);
    const struct span answer = kind == ANSWER ? message : buf_span(&bed.honest[ANSWER]);
    const struct span column = {bed.column, COLUMN};
    const struct verify_columns in = {.count = 1, .columns = &column};
    struct pt_err err;
    enum pt_code rc = column_verifier_accept(v, trees, &err);

    if (kind == TREES && rc == PT_EBADMSG)
        return;
    must(rc == PT_OK);
    rc = column_verifier_commit(v, commitment, 1, NULL, &err);
    const bool whole = commitment.n == proof_commitment_bytes(bed.c, 1);
    must(rc == (whole && numbers_are_small(commitment) ? PT_OK : PT_EBADMSG));
    if (rc != PT_OK)
        return;
    must(column_verifier_challenge(v, CHALLENGE, &err) == PT_OK);
    rc = column_verifier_check(v, answer, &in, &err);
    must(rc == PT_OK || rc == PT_EBADMSG);
    if (kind == ANSWER)
        must((rc == PT_OK) == span_eq_vartime(answer, buf_span(&bed.honest[ANSWER])));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf unused = {0};

    if (bed.c == NULL)
        lay();
    if (size < 2)
        return 0;
    const size_t kind = data[0] % MESSAGES;
    const struct span message = changed(&bed.honest[kind], data + 1, size - 1);
    if (kind == CHOICES) {
        struct column_prover *p = NULL;
        const enum pt_code rc = prover(&p, &unused, message);
        must(rc == PT_OK || (rc == PT_EBADMSG && p == NULL && unused.n == 0));
        column_prover_free(p);
    } else {
        struct column_verifier *v = verifier(&unused);
        judge(v, kind, message);
        column_verifier_free(v);
    }
    buf_free(&unused);
    free((void *)(uintptr_t)message.p);
    return 0;
}
