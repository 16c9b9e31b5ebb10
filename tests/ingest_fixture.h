/* ingest_fixture.h - all customers of an ingest in memory, where a test can look at them. */
#ifndef PT_TESTS_INGEST_FIXTURE_H
#define PT_TESTS_INGEST_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "node/ingest.h"
#include "node/vault_format.h"

struct collected {
    const struct policy_partner *me;
    struct vault_data *data; /* NULL: none came */
};

/* ingest_in.take with a struct collected. */
static inline enum pt_code collect(void *context, struct vault_data *rows, struct pt_err *err)
{
    struct collected *c = context;
    const uint64_t before = c->data == NULL ? 0 : c->data->count;
    struct vault_part to[POLICY_ATTRIBUTES_MAX + 1];
    struct vault_part from[POLICY_ATTRIBUTES_MAX + 1];
    struct vault_data *all = NULL;

    if (vault_data_new(&all, c->me, before + rows->count, err) != PT_OK)
        abort();
    if (before > 0) {
        const size_t n = vault_parts(to, all, 0, before);
        (void)vault_parts(from, c->data, 0, before);
        for (size_t i = 0; i < n; i++)
            memcpy(to[i].p, from[i].p, from[i].n);
    }
    const size_t n = vault_parts(to, all, before, rows->count);
    (void)vault_parts(from, rows, 0, rows->count);
    for (size_t i = 0; i < n && rows->count > 0; i++)
        memcpy(to[i].p, from[i].p, from[i].n);
    vault_data_free(c->data);
    c->data = all;
    return PT_OK;
}

struct run { /* one ingest and all it left */
    enum pt_code rc;
    struct pt_err err;
    struct ingest_report report;
    struct vault_data *data;
};

/* in, whose map and take are set here. */
static inline void ingest_run_with(struct run *out, const struct ingest_in *in,
                                   const char *map_text)
{
    const struct map_for to = {in->policy, 0, in->spool_dir};
    struct collected all = {.me = &in->policy->partners[0]};
    struct ingest_in whole = *in;
    struct map *map = NULL;

    *out = (struct run){0};
    if (map_parse(&map, span_z(map_text), &to, &out->err) != PT_OK)
        fail_msg("map: %s", out->err.msg);
    whole.map = map;
    whole.take = collect;
    whole.context = &all;
    out->rc = ingest_run(&out->report, &whole, &out->err);
    map_free(map);
    if (out->rc == PT_OK) {
        assert_non_null(all.data);
        assert_int_equal(all.data->count, out->report.customers);
        out->data = all.data;
    } else {
        vault_data_free(all.data);
    }
}

static inline void assert_good(const struct run *r)
{
    if (r->rc != PT_OK)
        fail_msg("%s", r->err.msg);
}

/* Row of a normalised identifier; fails the test when it is not there. */
static inline size_t row_of(const struct vault_data *d, const char *normalised)
{
    struct digest want;

    crypto_hash_sha256(want.b, (const uint8_t *)normalised, strlen(normalised));
    for (size_t i = 0; i < d->count; i++)
        if (memcmp(&d->digests[i], &want, sizeof want) == 0)
            return i;
    fail_msg("%s is missing", normalised);
    return 0;
}

#endif
