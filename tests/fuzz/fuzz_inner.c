/* Property: a reply opens when its length is right and every coefficient is below q, and only then;
 * what opens is centred, what does not is zero. The input is repeated to a reply's length. */
#include <stdlib.h>
#include <string.h>

#include "crypto/inner.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COLUMNS = 2, LONGEST = 6 * (RLWE_DEGREE + COLUMNS) + 8 };

static void must(bool good)
{
    if (!good)
        __builtin_trap();
}

static bool well_formed(const struct rlwe *c, struct span reply)
{
    unsigned bytes = rlwe_ring(c)->coefficient_bytes;

    if (reply.n != inner_reply_bytes(c, COLUMNS))
        return false;
    for (size_t at = 0; at < reply.n; at += bytes) {
        uint64_t v = 0;
        for (unsigned p = bytes; p-- > 0;)
            v = v << 8 | reply.p[at + p];
        if (v >= rlwe_ring(c)->q)
            return false;
    }
    return true;
}

static struct rlwe *context(enum rlwe_set set)
{
    static struct rlwe *made[3]; /* once: they are not what is tested */
    struct pt_err err = {0};

    if (made[set] == NULL)
        must(rlwe_new(&made[set], &(struct rlwe_shape){set, 1, 1, 1}, &(struct digest){{1}},
                      &err) == PT_OK);
    return made[set];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t value[COLUMNS] = {1, 1};

    if (size < 3)
        return 0;
    struct rlwe *c = context((enum rlwe_set)(data[0] % 3));
    struct rlwe_key *keys[COLUMNS] = {0};
    for (size_t j = 0; j < COLUMNS; j++)
        must(rlwe_key_new(&keys[j], c, &(struct key32){{(uint8_t)j}}) == PT_OK);
    uint8_t *reply = malloc(LONGEST);
    must(reply != NULL);
    for (size_t i = 0; i < LONGEST; i++)
        reply[i] = data[2 + i % (size - 2)];
    /* Mostly the right length; else up to eight bytes off. */
    size_t n = inner_reply_bytes(c, COLUMNS) + (data[1] < 16 ? (size_t)data[1] - 8 : 0);
    struct span span = {reply, n};
    enum pt_code rc = inner_open(value, c, span, keys, COLUMNS);
    must(rc == (well_formed(c, span) ? PT_OK : PT_EBADMSG));
    int64_t half = (int64_t)(rlwe_ring(c)->q / 2);
    for (size_t j = 0; j < COLUMNS; j++)
        must(rc == PT_OK ? value[j] >= -half && value[j] <= half : value[j] == 0);
    for (size_t j = 0; j < COLUMNS; j++)
        rlwe_key_free(keys[j]);
    free(reply);
    return 0;
}
