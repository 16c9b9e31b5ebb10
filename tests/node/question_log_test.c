#include "node/question_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/scratch.h"

#define ID "0500000000000000000000000000000000000000000000000000000000000000"

static struct store *open_store(void **state)
{
    struct store *s = NULL;
    struct pt_err err = {0};

    if (store_open(&s, scratch_path(state, "state.db"), STORE_WRITE, &err) != PT_OK)
        fail_msg("%s", err.msg);
    return s;
}

static void expect(struct store *s, uint64_t sequence, const char *kind, const char *fields)
{
    struct store_event_row *row = calloc(1, sizeof *row);
    struct pt_err err = {0};
    bool found;

    assert_non_null(row);
    assert_int_equal(store_event_next(row, &found, s, sequence - 1, &err), PT_OK);
    assert_true(found && row->sequence == sequence);
    assert_string_equal(row->kind, kind);
    assert_string_equal(row->fields, fields);
    free(row);
}

/* What `audit compare` and a partner's officer read: spelt out. */
static void events_are_spelt_so(void **state)
{
    struct store *s = open_store(state);
    struct question_note n = {
        .kind = "overlap", .peer = "drinkco", .id = {{5}}, .rho_nano = 625039};
    struct pt_err err = {0};

    assert_int_equal(question_log_asked(s, &n, 1, &err), PT_OK);
    expect(s, 1, "asked", "kind=overlap with=drinkco question=" ID " rho=0.000625039");
    n.position = 9;
    assert_int_equal(question_log_received(s, &n, true, 1, &err), PT_OK);
    expect(s, 2, "received",
           "kind=overlap with=drinkco question=" ID
           " charged=0.000625039 outcome=answered position=9");
    n.position = 0;
    n.rho_nano = 0;
    assert_int_equal(question_log_received(s, &n, false, 1, &err), PT_OK);
    expect(s, 3, "received", "kind=overlap with=drinkco question=" ID " charged=0 outcome=refused");
    assert_int_equal(question_log_answered(s, &n, true, 1, &err), PT_OK);
    expect(s, 4, "answered",
           "kind=overlap recipient=drinkco question=" ID " charged=0 outcome=answered");
    store_close(s);
}

/* A partner that is refused again and again fills no disk; another one's is still written. */
static void refusals_are_bounded(void **state)
{
    struct store *s = open_store(state);
    const struct question_refusal one = {.peer = "drinkco", .what = "ask", .reason = "QUOTA"};
    const struct question_refusal other = {
        .peer = "homeware", .what = "ask", .reason = "NOT_ALLOWED"};
    struct store_place head;
    struct pt_err err = {0};

    for (int i = 0; i < QUESTION_LOG_REFUSALS_A_DAY + 5; i++)
        assert_int_equal(question_log_refused(s, &one, 1000, &err), PT_OK);
    assert_int_equal(store_event_head(&head, s, &err), PT_OK);
    assert_int_equal(head.sequence, QUESTION_LOG_REFUSALS_A_DAY);
    expect(s, 1, "refused", "peer=drinkco what=ask reason=QUOTA");
    expect(s, head.sequence, "refused", "peer=drinkco what=ask reason=QUOTA more=uncounted");
    assert_int_equal(question_log_refused(s, &other, 1000, &err), PT_OK);
    assert_int_equal(question_log_refused(s, &one, 1000 + 86400, &err), PT_OK);
    assert_int_equal(store_event_head(&head, s, &err), PT_OK);
    assert_int_equal(head.sequence, QUESTION_LOG_REFUSALS_A_DAY + 2);
    store_close(s);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {CASE(events_are_spelt_so), CASE(refusals_are_bounded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
