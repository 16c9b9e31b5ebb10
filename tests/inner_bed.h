/* inner_bed.h - one question in memory for the tests of crypto/inner.h: rows and columns of a kind,
 * encrypted, with hints, products and room for a reply. Fails the test when anything does. */
#ifndef PT_TESTS_INNER_BED_H
#define PT_TESTS_INNER_BED_H

#include "crypto/inner.h"

/* Everything of one question: rows of one kind against columns of one kind. */
struct bed {
    struct rlwe *c;
    size_t row_count, column_count;
    int8_t **row, **column; /* plain; columns padded to whole blocks */
    struct inner_row *rows;
    struct rlwe_key **keys;
    uint8_t **cipher; /* what spans lends */
    struct span *spans;
    struct inner_hint **hints;
    uint64_t *dot;
    int64_t *noise, *value; /* of the row being asked */
    uint8_t *reply;
};

struct kinds {
    size_t row_count, column_count;
    int8_t (*row)(uint64_t);
    int8_t (*column)(uint64_t);
};

struct bed bed_laid(struct rlwe_shape shape, struct kinds kinds);
void bed_free(struct bed *b);
void bed_hint(struct bed *b, size_t i);
void bed_ask(struct bed *b, size_t i, uint8_t seed);
struct span bed_reply(const struct bed *b);
int64_t bed_truth(const struct bed *b, size_t i, size_t j);
double bed_energy(const struct bed *b, size_t i);
double bed_residue(const struct bed *b, size_t i, size_t j);
int8_t bed_one(uint64_t i);
int8_t bed_trit(uint64_t i);
int8_t bed_byte(uint64_t i);
int8_t bed_zero(uint64_t i);
void *bed_memory(size_t n, size_t each);
uint64_t bed_mixed(uint64_t i);

#endif
