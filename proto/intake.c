#include "proto/intake.h"

#include <assert.h>
#include <string.h>

#include "proto/reply.h"

void intake_begin(struct intake *in, const struct rlwe *rlwe)
{
    assert(rlwe_block_bytes(rlwe) <= sizeof in->block);
    in->rlwe = rlwe;
    in->block_fill = 0;
    in->below_q = true;
    blake2b_tree_begin(&in->hash);
}

static void look_at(struct intake *in, struct span blocks)
{
    in->below_q = in->below_q && rlwe_blocks_valid(in->rlwe, blocks);
}

void intake_add(struct intake *in, struct span bytes)
{
    const size_t block_bytes = rlwe_block_bytes(in->rlwe);

    blake2b_tree_add(&in->hash, bytes);
    if (in->block_fill > 0) {
        const size_t room = block_bytes - in->block_fill;
        const size_t n = bytes.n < room ? bytes.n : room;
        memcpy(in->block + in->block_fill, bytes.p, n);
        in->block_fill += n;
        bytes = span_of(bytes.p + n, bytes.n - n);
        if (in->block_fill < block_bytes)
            return;
        look_at(in, span_of(in->block, block_bytes));
        in->block_fill = 0;
    }
    const size_t rest = bytes.n % block_bytes;
    look_at(in, span_of(bytes.p, bytes.n - rest));
    if (rest > 0)
        memcpy(in->block, bytes.p + bytes.n - rest, rest);
    in->block_fill = rest;
}

void intake_end(struct digest *digest, bool *below_q, struct intake *in)
{
    assert(in->block_fill == 0);
    reply_column_digest_end(digest, &in->hash);
    *below_q = in->below_q;
}
