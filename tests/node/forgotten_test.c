/* Goal: who was removed is on the list, with the token it had, and nobody else; an older list, one
 * made by other rules and a changed one are each refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/fileio.h"
#include "node/forgotten.h"
#include "tests/scratch.h"
#include "tests/vault_fixture.h"

enum { ROWS = 1000, DAY_S = 86400 };
static const int64_t NOON_S = 1796990400;

struct world {
    struct fixture f;
    struct key32 key;
    struct vault_place place;
};

/* It points into itself. */
static void world_init(struct world *w, void **state)
{
    *w = (struct world){.key = {.b = {7}}};
    fixture_init(&w->f);
    w->place = (struct vault_place){.dir = *state, .key = &w->key, .policy = &w->f.policy, .me = 0};
}

/* Rows first, first + step, ... of data, and `strangers` that are in no data. */
static void pick(struct digestset *who, const struct vault_data *d, uint64_t step,
                 uint8_t strangers)
{
    size_t number;
    bool added;

    digestset_init(who);
    for (uint64_t row = 0; d != NULL && row < d->count; row += step)
        assert_int_equal(digestset_add(&number, &added, who, &d->digests[row]), PT_OK);
    for (uint8_t i = 0; i < strangers; i++) {
        const struct digest stranger = {{0xee, i}};
        assert_int_equal(digestset_add(&number, &added, who, &stranger), PT_OK);
    }
}

/* Goal: exactly those go, from every column, and the others are untouched and in order. */
static void removes_exactly_those(void **state)
{
    struct world w;
    struct forgotten f = {0};
    struct digestset who;
    struct pt_err err = {0};
    uint64_t kept = 0;

    world_init(&w, state);
    struct vault_data *before = fixture_data(&w.f, ROWS, 1);
    struct vault_data *d = fixture_data(&w.f, ROWS, 1);
    pick(&who, d, 7, 2);
    assert_false(forgotten_any(d, &f));
    assert_int_equal(forgotten_add(&f, &who, d, NOON_S, &err), PT_OK);
    assert_int_equal(f.count, who.count);
    assert_true(forgotten_any(d, &f));
    assert_int_equal(forgotten_remove(d, &f), 143); /* ceil(1000 / 7) */
    assert_int_equal(d->count, 857);
    assert_int_equal(d->token_count, 857);
    assert_false(forgotten_any(d, &f));
    for (uint64_t row = 0; row < ROWS; row++) {
        if (row % 7 == 0)
            continue;
        assert_memory_equal(&d->digests[kept], &before->digests[row], 32);
        assert_memory_equal(&d->tokens[kept], &before->tokens[row], 16);
        assert_int_equal(d->columns[0].category[kept], before->columns[0].category[row]);
        assert_memory_equal(&d->columns[1].set[2 * kept], &before->columns[1].set[2 * row], 16);
        assert_memory_equal(&d->columns[2].number[kept], &before->columns[2].number[row], 8);
        kept++;
    }
    /* What is behind the last row is gone from memory too. */
    for (uint64_t row = d->count; row < ROWS; row++)
        assert_true(d->digests[row].b[0] == 0 && d->digests[row].b[31] == 0 &&
                    d->columns[1].set[2 * row] == 0 && d->columns[1].set[2 * row + 1] == 0);
    assert_int_equal(forgotten_remove(d, &f), 0);
    digestset_free(&who);
    /* Everybody. */
    pick(&who, d, 1, 0);
    assert_int_equal(forgotten_add(&f, &who, d, NOON_S, &err), PT_OK);
    assert_int_equal(forgotten_remove(d, &f), 857);
    assert_int_equal(d->count, 0);
    assert_false(forgotten_any(d, &f));
    digestset_free(&who);
    forgotten_free(&f);
    vault_data_free(d);
    vault_data_free(before);
}

/* Goal: the token a person had is kept, over a second forget without data, until its time is up. */
static void keeps_tokens_for_a_time(void **state)
{
    struct world w;
    struct forgotten f = {0};
    struct digestset who;
    struct pt_err err = {0};

    world_init(&w, state);
    struct vault_data *d = fixture_data(&w.f, 10, 1);
    const struct digest first = d->digests[0];
    snprintf(d->key_period, sizeof d->key_period, "231");
    d->has_token[5] = 0;
    pick(&who, d, 5, 1); /* rows 0 and 5, one stranger */
    assert_int_equal(forgotten_add(&f, &who, d, NOON_S, &err), PT_OK);
    assert_int_equal(forgotten_add(&f, &who, NULL, NOON_S + DAY_S, &err), PT_OK);
    assert_int_equal(f.count, 3);
    const struct forgotten_person *p = forgotten_find(&f, &first);
    assert_non_null(p);
    assert_string_equal(p->key_period, "231");
    assert_memory_equal(&p->token, &d->tokens[0], sizeof p->token);
    p = forgotten_find(&f, &d->digests[5]);
    assert_non_null(p);
    assert_string_equal(p->key_period, "");
    assert_null(forgotten_find(&f, &d->digests[1]));
    assert_int_equal(forgotten_store(&f, &w.place, NOON_S + DAY_S, &err), PT_OK);
    assert_string_equal(forgotten_find(&f, &first)->key_period, "231");
    assert_int_equal(forgotten_store(&f, &w.place, NOON_S + DAY_S + 1, &err), PT_OK);
    forgotten_free(&f);
    assert_int_equal(forgotten_load(&f, &w.place, &err), PT_OK);
    assert_int_equal(f.number, 2);
    const struct token none = {{0}};
    assert_string_equal(forgotten_find(&f, &first)->key_period, "");
    assert_memory_equal(&forgotten_find(&f, &first)->token, &none, sizeof none);
    digestset_free(&who);
    /* Taken back: off the list, the others stay. */
    pick(&who, NULL, 1, 2);
    assert_int_equal(forgotten_undo(&f, &who), 1);
    assert_int_equal(f.count, 2);
    assert_null(forgotten_find(&f, &who.digests[0]));
    assert_non_null(forgotten_find(&f, &first));
    digestset_free(&who);
    forgotten_free(&f);
    vault_data_free(d);
}

static void expect_load(const struct vault_place *place, enum pt_code code, const char *says)
{
    struct forgotten f;
    struct pt_err err = {0};

    assert_int_equal(forgotten_load(&f, place, &err), code);
    assert_int_equal(f.count, 0);
    assert_null(f.people);
    if (code != PT_OK)
        assert_non_null(strstr(err.msg, says));
}

static void refuses_what_is_not_its_own(void **state)
{
    struct world w;
    struct forgotten f = {0};
    struct digestset who;
    struct key32 other_key = {.b = {8}};
    struct buf file = {0};
    struct pt_err err = {0};

    world_init(&w, state);
    expect_load(&w.place, PT_OK, ""); /* nobody yet */
    pick(&who, NULL, 1, 200);
    assert_int_equal(forgotten_add(&f, &who, NULL, NOON_S, &err), PT_OK);
    assert_int_equal(forgotten_store(&f, &w.place, 0, &err), PT_OK);
    /* Not in the clear. */
    const char *path = scratch_path(state, "forgotten.vault");
    assert_int_equal(fileio_read(&file, path, 1 << 20, &err), PT_OK);
    assert_null(memmem(file.p, file.n, &who.digests[3], 8));

    w.f.policy.rules = RULES_GOOGLE;
    expect_load(&w.place, PT_ESTATE, "forget --rebuild");
    w.f.policy.rules = RULES_UID2;
    w.f.policy.identifier = IDENTIFIER_PHONE;
    expect_load(&w.place, PT_ESTATE, "forget --rebuild");
    w.f.policy.identifier = IDENTIFIER_EMAIL;
    w.place.key = &other_key;
    expect_load(&w.place, PT_EBADMSG, "people who were removed");
    w.place.key = &w.key;
    snprintf(w.f.policy.federation, sizeof w.f.policy.federation, "another");
    expect_load(&w.place, PT_EBADMSG, "people who were removed");
    snprintf(w.f.policy.federation, sizeof w.f.policy.federation, "alpine-groceries");
    file.p[file.n / 2] ^= 1;
    scratch_write(path, buf_span(&file));
    expect_load(&w.place, PT_EBADMSG, "people who were removed");
    file.p[file.n / 2] ^= 1;
    scratch_write(path, span_of(file.p, file.n - 1));
    expect_load(&w.place, PT_EBADMSG, "people who were removed");
    scratch_write(path, buf_span(&file));
    forgotten_free(&f);
    assert_int_equal(forgotten_load(&f, &w.place, &err), PT_OK);
    assert_int_equal(f.count, 200);
    buf_free(&file);
    digestset_free(&who);
    forgotten_free(&f);
}

/* Goal: state.db knows the newest number; whatever is older is refused until made anew. */
static void an_older_list_is_noticed(void **state)
{
    struct world w;
    struct store *s = NULL;
    struct forgotten f = {0};
    struct pt_err err = {0};

    world_init(&w, state);
    assert_int_equal(store_open(&s, scratch_path(state, "state.db"), STORE_WRITE, &err), PT_OK);
    assert_int_equal(forgotten_check(&f, s, &err), PT_OK);
    assert_int_equal(forgotten_store(&f, &w.place, 0, &err), PT_OK);
    assert_int_equal(f.number, 1);
    assert_int_equal(forgotten_check(&f, s, &err), PT_OK); /* killed before it was noted */
    assert_int_equal(forgotten_note(&f, s, &err), PT_OK);
    assert_int_equal(forgotten_check(&f, s, &err), PT_OK);
    f.number = 0; /* it is gone */
    assert_int_equal(forgotten_check(&f, s, &err), PT_ESTATE);
    assert_non_null(strstr(err.msg, "forget --rebuild"));
    assert_int_equal(forgotten_rebuild(&f, s, &err), PT_OK);
    assert_int_equal(f.number, 1);
    assert_int_equal(forgotten_store(&f, &w.place, 0, &err), PT_OK);
    assert_int_equal(forgotten_note(&f, s, &err), PT_OK);
    assert_int_equal(f.number, 2);
    f.number = 1;
    assert_int_equal(forgotten_check(&f, s, &err), PT_ESTATE);
    assert_int_equal(store_fact_put(s, "forgotten.number", span_z("two"), &err), PT_OK);
    assert_int_equal(forgotten_check(&f, s, &err), PT_EIO);
    store_close(s);
    forgotten_free(&f);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        CASE(removes_exactly_those),
        CASE(keeps_tokens_for_a_time),
        CASE(refuses_what_is_not_its_own),
        CASE(an_older_list_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
