/* vault_fixture.h - a small federation in memory and rows for it, made without any file: partner 0
 * is "freshmart" with segment (3 values), buys (set of 70, at most 3 a person), spend (number). */
#ifndef PT_TESTS_VAULT_FIXTURE_H
#define PT_TESTS_VAULT_FIXTURE_H

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/vault.h"

enum { FIXTURE_SEGMENTS = 3, FIXTURE_BUYS = 70, FIXTURE_CUT = 3 };
enum { FIXTURE_SEGMENT, FIXTURE_SET, FIXTURE_SPEND };

struct fixture {
    struct policy policy;
    struct policy_partner partner;
    struct policy_attribute attributes[3];
    char segments[FIXTURE_SEGMENTS][POLICY_VALUE_MAX + 1];
    char buys[FIXTURE_BUYS][POLICY_VALUE_MAX + 1];
};
/* It points into itself: do not copy. */
static inline void fixture_init(struct fixture *f)
{
    *f = (struct fixture){0};
    for (int i = 0; i < FIXTURE_SEGMENTS; i++)
        snprintf(f->segments[i], sizeof f->segments[i], "segment%d", i);
    for (int i = 0; i < FIXTURE_BUYS; i++)
        snprintf(f->buys[i], sizeof f->buys[i], "item%d", i);
    f->attributes[FIXTURE_SEGMENT] = (struct policy_attribute){.name = "segment",
                                                               .type = ATTRIBUTE_CATEGORY,
                                                               .values = f->segments,
                                                               .value_count = FIXTURE_SEGMENTS,
                                                               .max_per_person = 1};
    f->attributes[FIXTURE_SET] = (struct policy_attribute){.name = "buys",
                                                           .type = ATTRIBUTE_SET,
                                                           .values = f->buys,
                                                           .value_count = FIXTURE_BUYS,
                                                           .max_per_person = FIXTURE_CUT};
    f->attributes[FIXTURE_SPEND] = (struct policy_attribute){
        .name = "spend", .type = ATTRIBUTE_NUMBER, .min = 0, .max = 500, .combine = COMBINE_SUM};
    f->partner = (struct policy_partner){.name = "freshmart",
                                         .customers_min = 1,
                                         .customers_max = 1000000,
                                         .attributes = f->attributes,
                                         .attribute_count = 3};
    f->policy = (struct policy){.federation = "alpine-groceries",
                                .identifier = IDENTIFIER_EMAIL,
                                .rules = RULES_UID2,
                                .partners = &f->partner,
                                .partner_count = 1};
}

static inline int fixture_compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct digest));
}

/* count rows, ascending digests and all tokens, both functions of `seed` and the row's number;
 * values likewise: category i % 3 (every 7th unknown), i % 6 values of the set, spend i % 500. */
static inline struct vault_data *fixture_data(const struct fixture *f, uint64_t count,
                                              uint64_t seed)
{
    struct vault_data *d = NULL;
    struct pt_err err;

    if (vault_data_new(&d, &f->partner, count, &err) != PT_OK)
        abort();
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t name[2] = {seed, i};
        crypto_hash_sha256(d->digests[i].b, (const uint8_t *)name, sizeof name);
    }
    qsort(d->digests, (size_t)count, sizeof *d->digests, fixture_compare);
    for (uint64_t i = 0; i < count; i++) {
        crypto_generichash(d->tokens[i].b, sizeof d->tokens[i].b, d->digests[i].b, 32, NULL, 0);
        d->has_token[i] = 1;
        if (i % 7 != 0)
            d->columns[FIXTURE_SEGMENT].category[i] = (uint16_t)(i % FIXTURE_SEGMENTS);
        for (uint64_t k = 0; k < i % 6; k++) {
            uint64_t value = (i + 13 * k) % FIXTURE_BUYS;
            d->columns[FIXTURE_SET].set[2 * i + value / 64] |= UINT64_C(1) << value % 64;
        }
        d->columns[FIXTURE_SPEND].number[i] = (double)(i % 500);
    }
    d->token_count = count;
    return d;
}

#endif
