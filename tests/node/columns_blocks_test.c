#include "node/columns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "crypto/slot.h"
#include "tests/vault_fixture.h"

enum { N = 2600, M = 4096, WORD = 64 };
static const struct digest SALT = {.b = {7, 1}};

/* Has row i the value, of a set of one word? cut: among the few that stay. */
static bool in_word(const struct vault_data *d, uint64_t i, uint16_t value, bool cut)
{
    const uint64_t mine = d->columns[FIXTURE_SET].set[i];
    const uint64_t own = slot_truncation_key(&SALT, &d->tokens[i], value);
    unsigned before = 0;

    if ((mine >> value & 1) == 0)
        return false;
    for (uint32_t other = 0; cut && other < WORD; other++)
        before +=
            (mine >> other & 1) != 0 && slot_truncation_key(&SALT, &d->tokens[i], other) < own;
    return before < FIXTURE_CUT;
}

/* The evaluator's vector of one value, record by record; how many there are. */
static uint64_t record_by_record(int8_t want[M], const struct vault_data *d,
                                 const struct columns_selector *which)
{
    uint64_t audience = 0;

    memset(want, 0, M);
    for (uint64_t i = 0; i < N; i++) {
        struct slot_place p;
        const bool holds = which->attribute == FIXTURE_SEGMENT
                               ? d->columns[FIXTURE_SEGMENT].category[i] == which->value
                               : in_word(d, i, which->value, which->has_category);
        if (!d->has_token[i] || !holds)
            continue;
        slot_of(&p, &SALT, &d->tokens[i], M);
        want[p.slot] = (int8_t)(want[p.slot] + p.sign);
        audience++;
    }
    return audience;
}

static void expect_records(const struct columns_map *map, const struct vault_data *d,
                           const struct columns_selector *which)
{
    static int8_t g[M];
    static int8_t want[M];
    const uint64_t audience = record_by_record(want, d, which);
    uint64_t count;

    assert_int_equal(columns_evaluator(g, map, which), PT_OK);
    assert_memory_equal(g, want, sizeof want);
    assert_int_equal(columns_audience_count(&count, map, which), PT_OK);
    assert_int_equal(count, audience);
}

/* Goal: whole blocks of records, which are compared as vectors, give what single records give.
 * Method: more than two blocks and a part; with tokens for all, which lets blocks be compared, and for
 * all but one; every category, and every value of a set of one word, cut and as a filter. */
static void blocks_hold_what_records_hold(void **state)
{
    struct fixture f;
    struct columns_map *map;
    struct pt_err err = {0};

    (void)state;
    fixture_init(&f);
    struct vault_data *d = fixture_data(&f, N, 4);
    d->columns[FIXTURE_SET].words = 1; /* of the two that there are */
    f.attributes[FIXTURE_SET].value_count = WORD;
    const struct columns_in in = {.data = d, .me = &f.partner, .salt = SALT, .m = M};
    for (unsigned out = 0; out < 2; out++) {
        d->has_token[N - 1] = out == 0;
        assert_int_equal(columns_place(&map, &in, &err), PT_OK);
        for (uint16_t v = 0; v < WORD; v++) {
            const struct question_filter has = {
                .on = {0, FIXTURE_SET}, .op = FILTER_EQ, .value = v};
            const struct columns_selector cut = {
                .has_category = true, .attribute = FIXTURE_SET, .value = v};
            const struct columns_selector filter = {
                .filters = &has, .filter_count = 1, .attribute = FIXTURE_SET, .value = v};
            expect_records(map, d, &cut);
            expect_records(map, d, &filter);
        }
        for (uint16_t v = 0; v < FIXTURE_SEGMENTS; v++) {
            const struct columns_selector category = {
                .has_category = true, .attribute = FIXTURE_SEGMENT, .value = v};
            expect_records(map, d, &category);
        }
        columns_free(map);
    }
    vault_data_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(blocks_hold_what_records_hold)};

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
