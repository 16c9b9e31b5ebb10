/* Goal: a batch is a function of its seed and its rows, and its note leads back to both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/batch.h"
#include "tests/decoded.h"
#include "tests/policy_fixture.h"
#include "tests/vault_fixture.h"

static void notes_come_back(void **state)
{
    static uint32_t rows[][6] = {{0, 1, 2, 3, 4, 5}, {7, 9, 11, 13, 15, 17}, {3, 4, 9, 10, 11, 40}};

    (void)state;
    for (size_t i = 0; i < PT_LEN(rows); i++) {
        struct batch_note n = {
            .label = {{1, 2, 3}}, .generation = "0123456789abcdef", .rows = rows[i]};
        struct batch_note back;
        struct pt_err err = {0};
        struct buf b = {0};
        n.row_count = PT_LEN(rows[i]);
        assert_int_equal(batch_note_print(&b, &n, &err), PT_OK);
        assert_int_equal(batch_note_parse(&back, buf_span(&b), &err), PT_OK);
        assert_memory_equal(back.label.b, n.label.b, 32);
        assert_string_equal(back.generation, n.generation);
        assert_int_equal(back.row_count, n.row_count);
        assert_memory_equal(back.rows, n.rows, sizeof rows[i]);
        batch_note_free(&back);
        for (size_t cut = 0; cut < b.n; cut++) /* shorter anywhere */
            assert_int_equal(batch_note_parse(&back, span_of(b.p, cut), &err), PT_EBADMSG);
        assert_true(buf_u8(&b, 0));
        assert_int_equal(batch_note_parse(&back, buf_span(&b), &err), PT_EBADMSG);
        store_u32le(b.p, 1); /* an older patto's */
        assert_int_equal(batch_note_parse(&back, buf_span(&b), &err), PT_ESTATE);
        store_u32le(b.p, 3);
        assert_int_equal(batch_note_parse(&back, buf_span(&b), &err), PT_EBADMSG);
        buf_free(&b);
    }
}

/* Rows that overlap, end beyond what a vault holds, or are a run of none. */
static void false_notes_are_refused(void **state)
{
    static const uint32_t RUNS[][4] = {
        {0, 0, 0, 0}, {0, 1, 0, 1}, {0, 3, 0, 0}, {VAULT_ROWS_MAX, 1, 0, 1}, {UINT32_MAX, 2, 0, 0}};
    struct pt_err err = {0};

    (void)state;
    for (size_t i = 0; i < PT_LEN(RUNS); i++) {
        struct batch_note n = {.generation = "0123456789abcdef"};
        struct batch_note back;
        struct buf b = {0};
        assert_int_equal(batch_note_print(&b, &n, &err), PT_OK);
        store_u64le(b.p + b.n - 8, 2); /* two rows */
        for (size_t k = 0; k < PT_LEN(RUNS[i]); k++)
            assert_true(buf_u32le(&b, RUNS[i][k]));
        assert_int_equal(batch_note_parse(&back, buf_span(&b), &err), PT_EBADMSG);
        assert_null(back.rows);
        buf_free(&b);
    }
}

static struct point first_point(const struct home *h, const struct vault_data *d, uint8_t label)
{
    struct batch b = {.label = {{label}}};
    struct pt_err err = {0};
    struct point first;

    assert_int_equal(batch_rows(&b, d, &err), PT_OK);
    assert_int_equal(batch_plan(&b, h, "7", &err), PT_OK);
    assert_int_equal(b.todo_count, d->count);
    assert_true(b.point_count >= d->count && b.point_count <= d->count + 2200);
    struct point *points = calloc(b.plan.chunk_points, sizeof *points);
    assert_int_equal(batch_blind(points, &b, 0, &err), PT_OK);
    first = points[0];
    free(points);
    batch_free(&b);
    return first;
}

static void the_seed_decides(void **state)
{
    struct home_keys keys = {0};
    struct home h = {.keys = &keys, .policy = fixture_three()};
    struct fixture f;

    (void)state;
    fixture_init(&f);
    struct vault_data *d = fixture_data(&f, 5, 7);
    vault_forget_tokens(d);
    struct point one = first_point(&h, d, 1);
    struct point again = first_point(&h, d, 1);
    struct point two = first_point(&h, d, 2);
    assert_memory_equal(one.b, again.b, sizeof one.b);
    assert_memory_not_equal(one.b, two.b, sizeof one.b);
    keys.epoch.b[0] = 1; /* of another home */
    two = first_point(&h, d, 1);
    assert_memory_not_equal(one.b, two.b, sizeof one.b);
    vault_data_free(d);
    policy_free(h.policy);
}

/* Goal: no two key holders get points under one blind; together they could take it away.
 * Method: a holder whose key is 1/2 returns 2H + rB as H + (r/2)B; blinded again these are 2H + r'B, which
 * are the first ones again if, and only if, r' is r. */
static void holders_get_other_blinds(void **state)
{
    struct home_keys keys = {0};
    struct home h = {.keys = &keys, .policy = fixture_three()};
    struct batch b = {.label = {{1}}};
    struct pt_err err = {0};
    const struct scalar one = {{1}};
    struct scalar half;
    struct point public_key;
    struct fixture f;

    (void)state;
    fixture_init(&f);
    struct vault_data *d = fixture_data(&f, 5, 7);
    vault_forget_tokens(d);
    assert_int_equal(batch_rows(&b, d, &err), PT_OK);
    assert_int_equal(batch_plan(&b, &h, "7", &err), PT_OK);
    const size_t n = tokenise_chunk_size(&b.plan, 0);
    struct point *first = calloc(n, sizeof *first);
    struct point *next = calloc(n, sizeof *next);
    assert_true(first != NULL && next != NULL);
    scalar_half(&half, &one);
    group_base_mul(&public_key, &half);
    assert_int_equal(batch_blind(first, &b, 0, &err), PT_OK);
    assert_true(group_mul(next, &half, first, n) == GROUP_ALL_GOOD);
    struct group_term *const back = decoded_of(next, n);
    const struct batch_chunk c = {.public_key = &public_key, .points = back, .n = n};
    assert_int_equal(batch_blind_again(next, &b, &c, &err), PT_OK);
    for (size_t i = 0; i < n; i++)
        assert_memory_not_equal(&next[i], &first[i], sizeof *next);
    group_terms_free(back);
    free(first);
    free(next);
    batch_free(&b);
    vault_data_free(d);
    policy_free(h.policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notes_come_back),
        cmocka_unit_test(false_notes_are_refused),
        cmocka_unit_test(the_seed_decides),
        cmocka_unit_test(holders_get_other_blinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
