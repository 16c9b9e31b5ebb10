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

struct bed { /* made once: it is not what is tested */
    struct rlwe *c;
    struct rlwe_key *keys[COLUMNS];
};

static struct bed *bed(enum rlwe_set set)
{
    static struct bed beds[3];
    struct bed *b = &beds[set];
    struct pt_err err = {0};

    if (b->c != NULL)
        return b;
    must(rlwe_new(&b->c, &(struct rlwe_shape){set, 1, 1, 1}, &(struct digest){{1}}, &err) == PT_OK);
    for (size_t j = 0; j < COLUMNS; j++)
        must(rlwe_key_new(&b->keys[j], b->c, &(struct key32){{(uint8_t)j}}) == PT_OK);
    return b;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t value[COLUMNS] = {1, 1};

    if (size < 3)
        return 0;
    struct bed *b = bed((enum rlwe_set)(data[0] % 3));
    uint8_t *reply = malloc(LONGEST);
    must(reply != NULL);
    for (size_t i = 0; i < LONGEST; i++)
        reply[i] = data[2 + i % (size - 2)];
    /* Mostly the right length; else up to eight bytes off. */
    size_t n = inner_reply_bytes(b->c, COLUMNS) + (data[1] < 16 ? (size_t)data[1] - 8 : 0);
    struct span span = {reply, n};
    enum pt_code rc = inner_open(value, b->c, span, b->keys, COLUMNS);
    must(rc == (well_formed(b->c, span) ? PT_OK : PT_EBADMSG));
    int64_t half = (int64_t)(rlwe_ring(b->c)->q / 2);
    for (size_t j = 0; j < COLUMNS; j++)
        must(rc == PT_OK ? value[j] >= -half && value[j] <= half : value[j] == 0);
    free(reply);
    return 0;
}
