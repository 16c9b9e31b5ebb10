#include "crypto/hash_run.h"

#include <assert.h>

static void add_head(struct hash_run *h, uint64_t bytes)
{
    uint8_t head[4];

    assert(bytes <= UINT32_MAX);
    store_u32le(head, (uint32_t)bytes);
    sha256_run_add(&h->sha, span_of(head, sizeof head));
}

void hash_run_begin(struct hash_run *h, const char *label, uint64_t part_bytes)
{
    const struct span name = span_z(label);

    sha256_run_begin(&h->sha);
    add_head(h, name.n);
    sha256_run_add(&h->sha, name);
    add_head(h, part_bytes);
    h->left = part_bytes;
}

void hash_run_add(struct hash_run *h, struct span bytes)
{
    assert(bytes.n <= h->left);
    sha256_run_add(&h->sha, bytes);
    h->left -= bytes.n;
}

void hash_run_end(struct digest *out, struct hash_run *h)
{
    assert(h->left == 0);
    sha256_run_end(out, &h->sha);
}
