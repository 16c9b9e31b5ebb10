/* A node that cheats, for tests/e2e/replay.sh: patto itself, linked with --wrap of ten functions.
 * PATTO_DEVIATES says at which; without it this is an honest node. The product has no such switch:
 * this object is in no other program. */
#include <stdlib.h>
#include <string.h>

#include "crypto/column_verify.h"
#include "crypto/noise.h"
#include "crypto/shuffle.h"
#include "node/columns.h"
#include "proto/epoch.h"

static bool deviates(const char *at)
{
    const char *where = getenv("PATTO_DEVIATES");

    return where != NULL && strcmp(where, at) == 0;
}

/* Of byte planes: coefficient `slot` of a block plus `add`, mod 2^40. */
static void add_to(uint8_t *block, size_t slot, uint64_t add)
{
    uint64_t c = 0;

    for (size_t i = 0; i < 5; i++)
        c |= (uint64_t)block[i * RLWE_DEGREE + slot] << (8 * i);
    c += add;
    for (size_t i = 0; i < 5; i++)
        block[i * RLWE_DEGREE + slot] = (uint8_t)(c >> (8 * i));
}

enum pt_code __real_rlwe_encrypt_columns(const struct rlwe *c, const struct rlwe_column *columns,
                                         size_t n, uint64_t block);
enum pt_code __wrap_rlwe_encrypt_columns(const struct rlwe *c, const struct rlwe_column *columns,
                                         size_t n, uint64_t block);
enum pt_code __wrap_rlwe_encrypt_columns(const struct rlwe *c, const struct rlwe_column *columns,
                                         size_t n, uint64_t block)
{
    enum pt_code rc = __real_rlwe_encrypt_columns(c, columns, n, block);

    /* One person counts four times: whether it is the partner's customer shows through the noise. */
    for (size_t j = 0; j < n && rc == PT_OK && block == 0; j++) { /* alike however many there are */
        if (deviates("weight"))
            add_to(columns[j].out, 5, 3 * (uint64_t)rlwe_delta(c));
        for (size_t i = 0; i < 5 && deviates("coefficient"); i++)
            columns[j].out[i * RLWE_DEGREE] = 0xff; /* not below q */
    }
    return rc;
}

enum pt_code __real_noise_gauss(int64_t *out, struct draw *d, struct noise_variance v);
enum pt_code __wrap_noise_gauss(int64_t *out, struct draw *d, struct noise_variance v);
enum pt_code __wrap_noise_gauss(int64_t *out, struct draw *d, struct noise_variance v)
{
    enum pt_code rc = __real_noise_gauss(out, d, v);

    if (deviates("noise"))
        *out = 0;
    return rc;
}

enum pt_code __real_columns_evaluator(int8_t *values, const struct columns_map *map,
                                      const struct columns_selector *which);
enum pt_code __wrap_columns_evaluator(int8_t *values, const struct columns_map *map,
                                      const struct columns_selector *which);
enum pt_code __wrap_columns_evaluator(int8_t *values, const struct columns_map *map,
                                      const struct columns_selector *which)
{
    enum pt_code rc = __real_columns_evaluator(values, map, which);

    /* One of the customers committed to is left out. */
    for (uint64_t t = 0; rc == PT_OK && deviates("input") && t < columns_slots(map); t++)
        if (values[t] != 0) {
            values[t] = (int8_t)(values[t] - (values[t] > 0 ? 1 : -1));
            break;
        }
    return rc;
}

enum pt_code __real_columns_recipient(uint8_t *packed, struct columns_sums *sums,
                                      const struct columns_map *map,
                                      const struct columns_selector *which, uint64_t slot_end);
enum pt_code __wrap_columns_recipient(uint8_t *packed, struct columns_sums *sums,
                                      const struct columns_map *map,
                                      const struct columns_selector *which, uint64_t slot_end);
enum pt_code __wrap_columns_recipient(uint8_t *packed, struct columns_sums *sums,
                                      const struct columns_map *map,
                                      const struct columns_selector *which, uint64_t slot_end)
{
    enum pt_code rc = __real_columns_recipient(packed, sums, map, which, slot_end);

    /* One person buys everything: a 1 in slot 5. */
    if (rc == PT_OK && which->has_category && deviates("columns"))
        packed[5] = (uint8_t)((packed[5] & ~3) | 2);
    return rc;
}

void __real_epoch_column_seed(struct key32 *out, const struct key32 *epoch_seed,
                              const struct epoch_pair *pair, const struct epoch_column *column);
void __wrap_epoch_column_seed(struct key32 *out, const struct key32 *epoch_seed,
                              const struct epoch_pair *pair, const struct epoch_column *column);
void __wrap_epoch_column_seed(struct key32 *out, const struct key32 *epoch_seed,
                              const struct epoch_pair *pair, const struct epoch_column *column)
{
    static const struct digest SAME;
    const struct epoch_column one = {.name = span_z("one key for all"), .values = &SAME};

    __real_epoch_column_seed(out, epoch_seed, pair, deviates("key") ? &one : column);
}

bool __real_rlwe_blocks_valid(const struct rlwe *c, struct span in);
bool __wrap_rlwe_blocks_valid(const struct rlwe *c, struct span in);
bool __wrap_rlwe_blocks_valid(const struct rlwe *c, struct span in)
{
    return deviates("check") || __real_rlwe_blocks_valid(c, in);
}

enum pt_code __real_column_verifier_check(struct column_verifier *v, struct span answer,
                                          const struct verify_columns *in, struct pt_err *err);
enum pt_code __wrap_column_verifier_check(struct column_verifier *v, struct span answer,
                                          const struct verify_columns *in, struct pt_err *err);
enum pt_code __wrap_column_verifier_check(struct column_verifier *v, struct span answer,
                                          const struct verify_columns *in, struct pt_err *err)
{
    enum pt_code rc = __real_column_verifier_check(v, answer, in, err);

    return deviates("check") ? PT_OK : rc;
}

enum pt_code __real_noise_laplace(int64_t *out, struct draw *d, uint32_t t, uint32_t cut);
enum pt_code __wrap_noise_laplace(int64_t *out, struct draw *d, uint32_t t, uint32_t cut);
enum pt_code __wrap_noise_laplace(int64_t *out, struct draw *d, uint32_t t, uint32_t cut)
{
    enum pt_code rc = __real_noise_laplace(out, d, t, cut);

    if (deviates("padding"))
        *out = *out == 0 ? 1 : 0; /* another number, also where honest noise is none */
    return rc;
}

enum pt_code __real_columns_any(uint8_t *values, const struct columns_map *map,
                                const struct columns_selector *which);
enum pt_code __wrap_columns_any(uint8_t *values, const struct columns_map *map,
                                const struct columns_selector *which);
enum pt_code __wrap_columns_any(uint8_t *values, const struct columns_map *map,
                                const struct columns_selector *which)
{
    enum pt_code rc = __real_columns_any(values, map, which);

    if (rc == PT_OK && deviates("input"))
        values[9] ^= 1;
    return rc;
}

enum pt_code __real_shuffle_dummies(struct buf *out, const struct shuffle_dummies *d,
                                    const struct key32 *seed);
enum pt_code __wrap_shuffle_dummies(struct buf *out, const struct shuffle_dummies *d,
                                    const struct key32 *seed);
enum pt_code __wrap_shuffle_dummies(struct buf *out, const struct shuffle_dummies *d,
                                    const struct key32 *seed)
{
    struct shuffle_dummies few = *d;

    if (deviates("dummies")) /* as many of each kind: nothing hides the counts */
        few.v = (struct noise_variance){1, 1000000};
    return __real_shuffle_dummies(out, &few, seed);
}
