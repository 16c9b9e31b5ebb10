/* Encrypted inner products, P40 and 2^20 slots. What is beside them is the textbook way: columns
 * and rows as ring elements in evaluation order, two pointwise products a block and cell. */
#include "crypto/blake2b_tree.h"
#include "crypto/inner.h"
#include "crypto/sha256.h"
#include "node/bench_kernels.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS_LOG2 = 20, COLUMNS = 50, ROWS_COUNT = 50 };

struct bed {
    struct rlwe *c;
    int8_t *values; /* a column and a row alike */
    struct rlwe_key *keys[COLUMNS];
    uint8_t *cipher[COLUMNS];
    struct span spans[COLUMNS];
    struct inner_row rows[ROWS_COUNT];
    uint64_t dots[COLUMNS * ROWS_COUNT];
    uint64_t textbook[2][RLWE_DEGREE];
};

/* As a question does it: a_k is expanded once for the columns of a batch. */
static void encrypt(void *bed, size_t n)
{
    struct bed *b = bed;
    uint64_t blocks = rlwe_block_count(b->c);
    struct rlwe_column columns[COLUMNS];

    for (size_t j = 0; j < n; j++) {
        rlwe_key_free(b->keys[j]); /* a key encrypts a block once */
        bench_must(rlwe_key_new(&b->keys[j], b->c, &(struct key32){{1, (uint8_t)j}}) == PT_OK,
                   "rlwe_key_new");
    }
    for (uint64_t k = 0; k <= blocks; k++) {
        for (size_t j = 0; j < n; j++)
            columns[j] =
                (struct rlwe_column){.out = b->cipher[j] + k * rlwe_block_bytes(b->c),
                                     .key = b->keys[j],
                                     .values = k == blocks ? NULL : b->values + k * RLWE_DEGREE};
        bench_must(rlwe_encrypt_columns(b->c, columns, n, k) == PT_OK, "rlwe_encrypt_columns");
    }
}

static void hint(void *bed, size_t n)
{
    struct bed *b = bed;
    struct inner_hint *hints[ROWS_COUNT];

    for (size_t i = 0; i < n; i++)
        bench_must(inner_hint_new(&hints[i], b->c) == PT_OK, "inner_hint_new");
    bench_must(inner_hints_add(hints, b->c, b->rows, n,
                               (struct inner_blocks){0, rlwe_block_count(b->c)}) == PT_OK,
               "inner_hints_add");
    for (size_t i = 0; i < n; i++)
        inner_hint_free(hints[i]);
}

/* n cells: all columns, as many rows as that makes. */
static void dot(void *bed, size_t n)
{
    struct bed *b = bed;

    bench_must(inner_dot(b->dots, b->c,
                         (struct inner_dot_in){b->rows, n / COLUMNS, b->spans, COLUMNS, NULL, 0,
                                               NULL}) == PT_OK,
               "inner_dot");
}

/* One cell a count: both parts of the ciphertext times the row, in evaluation order, and summed. */
static void dot_textbook(void *bed, size_t n)
{
    struct bed *b = bed;
    const struct ring *r = rlwe_ring(b->c);
    uint64_t blocks = rlwe_block_count(b->c);
    static uint64_t sum[2][RLWE_DEGREE];

    for (size_t cell = 0; cell < n; cell++)
        for (uint64_t k = 0; k < blocks; k++)
            for (int part = 0; part < 2; part++)
                for (size_t i = 0; i < RLWE_DEGREE; i++)
                    sum[part][i] = ring_add(
                        r, sum[part][i], ring_mul_mont(r, b->textbook[part][i], b->textbook[0][i]));
}

static void digest(void *bed, size_t n)
{
    const struct bed *b = bed;
    struct digest d;

    for (size_t j = 0; j < n; j++)
        blake2b_tree_digest(&d, "patto/column/2", b->spans[j]);
}

static void digest_sha256(void *bed, size_t n)
{
    const struct bed *b = bed;
    struct digest d;

    for (size_t j = 0; j < n; j++)
        sha256(&d, b->spans[j]);
}

static const struct bench_row ROWS[] = {
    {"encrypt, 2^20", "column", NULL, COLUMNS, 0, encrypt, NULL, NULL},
    {"digest, 2^20", "column", "SHA-256", COLUMNS, 4, digest, digest_sha256, NULL},
    {"hint, 2^20", "row", NULL, ROWS_COUNT, 0, hint, NULL, NULL},
    {"product, 2^20", "cell", "textbook", (size_t)COLUMNS *ROWS_COUNT, 1, dot, dot_textbook, NULL},
};

static void clear(void *bed)
{
    struct bed *b = bed;

    for (size_t j = 0; j < COLUMNS; j++) {
        rlwe_key_free(b->keys[j]);
        free(b->cipher[j]);
    }
    free(b->values);
    rlwe_free(b->c);
    free(b);
}

static void *lay(void)
{
    const uint64_t slots = (uint64_t)1 << SLOTS_LOG2;
    const struct rlwe_shape shape = {RLWE_P40, slots, slots / 4, 64};
    struct bed *b = calloc(1, sizeof *b);
    struct pt_err err;

    if (b == NULL)
        return NULL;
    bench_must(rlwe_new(&b->c, &shape, &(struct digest){{7}}, &err) == PT_OK, "rlwe_new");
    b->values = calloc(slots, 1);
    if (b->values == NULL) {
        clear(b);
        return NULL;
    }
    for (uint64_t i = 0; i < slots; i++)
        b->values[i] = (int8_t)((int)(i * 2654435761U >> 7 & 3) % 3 - 1);
    for (size_t j = 0; j < COLUMNS; j++) {
        b->cipher[j] = calloc(1, rlwe_column_bytes(b->c));
        bench_must(b->cipher[j] != NULL, "memory");
        b->spans[j] = span_of(b->cipher[j], rlwe_column_bytes(b->c));
    }
    for (size_t i = 0; i < ROWS_COUNT; i++)
        b->rows[i].values = b->values;
    for (size_t i = 0; i < RLWE_DEGREE; i++)
        b->textbook[0][i] = b->textbook[1][i] = (uint64_t)i * 2654435761U % rlwe_ring(b->c)->q;
    encrypt(b, COLUMNS);
    return b;
}

const struct bench_table bench_lattice = {
    .lay = lay, .clear = clear, .rows = ROWS, .row_count = PT_LEN(ROWS)};
