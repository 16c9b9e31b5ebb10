/* Goal: planner messages say at one end what was said at the other, within bounds; a foreign
 * client's encoding is read too. Method: round trips of full values; then one defect at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/wire_planner.h"

static void query_round_trips(void **state)
{
    const char *where[] = {"segment=new", "drinkco.spend>=20"};
    struct planner_query q = {"crosstab", "drinkco", "buys", "drinkco.tier", where, 2, "1/16"};
    struct planner_query back;
    struct planner_in in;
    struct buf b = {0};
    struct pt_err err = {0};

    (void)state;
    assert_int_equal(planner_query_encode(&b, &q, &err), PT_OK);
    assert_int_equal(planner_query_decode(&back, &in, buf_span(&b), &err), PT_OK);
    assert_string_equal(back.kind, "crosstab");
    assert_string_equal(back.with, "drinkco");
    assert_string_equal(back.rows, "buys");
    assert_string_equal(back.columns, "drinkco.tier");
    assert_int_equal(back.where_count, 2);
    assert_string_equal(back.where[1], "drinkco.spend>=20");
    assert_string_equal(back.slots, "1/16");
    planner_in_free(&in);
    /* Nothing said: everything is empty, nothing is NULL. */
    assert_int_equal(planner_query_decode(&back, &in, (struct span){0}, &err), PT_OK);
    assert_string_equal(back.kind, "");
    assert_string_equal(back.columns, "");
    assert_string_equal(back.slots, "");
    assert_int_equal(back.where_count, 0);
    planner_in_free(&in);
    /* A default spelled out and a field of a later version, as another client writes them. */
    assert_int_equal(planner_query_decode(&back, &in, span_z("\x0a\x07overlap\x78\x05"), &err),
                     PT_OK);
    assert_string_equal(back.kind, "overlap");
    planner_in_free(&in);
    assert_int_equal(planner_query_decode(&back, &in, span_of("\x0a\x07overlap\x70\x00", 11), &err),
                     PT_OK);
    planner_in_free(&in);
    buf_free(&b);
}

static void bad_requests_are_refused(void **state)
{
    const char *where[9] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};
    struct planner_query q = {"overlap", "", "", "", where, 9, ""};
    struct planner_epoch e = {where, 9};
    struct planner_query back;
    struct planner_epoch epoch;
    struct planner_in in;
    struct buf b = {0};
    struct pt_err err = {0};

    (void)state;
    assert_int_equal(planner_query_encode(&b, &q, &err), PT_OK);
    assert_int_equal(planner_query_decode(&back, &in, buf_span(&b), &err), PT_EBADMSG);
    assert_non_null(strstr(err.msg, "filters"));
    b.n = 0;
    assert_int_equal(planner_epoch_encode(&b, &e, &err), PT_OK);
    assert_int_equal(planner_epoch_decode(&epoch, &in, buf_span(&b), &err), PT_EBADMSG);
    e.participant_count = 2;
    b.n = 0;
    assert_int_equal(planner_epoch_encode(&b, &e, &err), PT_OK);
    assert_int_equal(planner_epoch_decode(&epoch, &in, buf_span(&b), &err), PT_OK);
    assert_int_equal(epoch.participant_count, 2);
    assert_string_equal(epoch.participants[1], "b");
    planner_in_free(&in);
    /* NUL in a text; cut; not protobuf; too long. */
    assert_int_equal(planner_query_decode(&back, &in, span_of("\x0a\x03o\0p", 5), &err),
                     PT_EBADMSG);
    assert_non_null(strstr(err.msg, "NUL"));
    assert_int_equal(planner_epoch_decode(&epoch, &in, span_of("\x0a\x03o\0p", 5), &err),
                     PT_EBADMSG);
    assert_int_equal(planner_query_decode(&back, &in, span_z("\x0a\x09overlap"), &err), PT_EBADMSG);
    assert_int_equal(planner_epoch_decode(&epoch, &in, span_z("\xff\xff"), &err), PT_EBADMSG);
    assert_true(buf_reserve(&b, PLANNER_REQUEST_MAX + 1));
    assert_int_equal(planner_query_decode(&back, &in, span_of(b.p, PLANNER_REQUEST_MAX + 1), &err),
                     PT_ELIMIT);
    planner_in_free(&in);
    buf_free(&b);
}

static void status_round_trips(void **state)
{
    static struct planner_status s;
    static struct planner_status back;
    struct buf b = {0};
    struct pt_err err = {0};

    (void)state;
    s = (struct planner_status){.build = "patto 1",
                                .federation = "f",
                                .self = "freshmart",
                                .policy_version = 3,
                                .policy_hash = "sha256:00",
                                .policy_valid_until_s = -1,
                                .customers = 1ULL << 40,
                                .tokens = 2,
                                .key_period = 4,
                                .epoch_number = 5,
                                .epoch_id = "ab",
                                .slots = 1 << 20,
                                .sent_bytes = 1234567890123,
                                .received_bytes = 3,
                                .partner_count = PLANNER_STATUS_PARTNERS_MAX,
                                .audit_position = 9,
                                .note_count = 2};
    for (size_t i = 0; i < s.partner_count; i++)
        s.partners[i] = (struct planner_partner){"drinkco", "h:1", i % 2 == 0, true, i, 7};
    snprintf(s.notes[1], sizeof s.notes[1], "run `patto tokenise`");
    assert_int_equal(planner_status_encode(&b, &s, &err), PT_OK);
    assert_int_equal(planner_status_decode(&back, buf_span(&b), &err), PT_OK);
    assert_string_equal(back.self, "freshmart");
    assert_true(back.policy_valid_until_s == -1 && back.customers == 1ULL << 40);
    assert_int_equal(back.partner_count, s.partner_count);
    assert_true(back.partners[2].neutral && !back.partners[3].neutral);
    assert_int_equal(back.partners[3].spent_nano, 3);
    assert_string_equal(back.notes[1], "run `patto tokenise`");
    assert_int_equal(back.audit_position, 9);
    assert_true(back.sent_bytes == 1234567890123 && back.received_bytes == 3);
    /* Longer than a node's own texts can be. */
    b.n = 0;
    assert_true(buf_add(&b, "\x0a\x64", 2));
    for (int i = 0; i < 100; i++)
        assert_true(buf_u8(&b, 'x'));
    assert_int_equal(planner_status_decode(&back, buf_span(&b), &err), PT_EBADMSG);
    assert_int_equal(planner_status_decode(&back, span_z("\xff"), &err), PT_EBADMSG);
    b.n = 0;
    for (size_t i = 0; i <= PLANNER_NOTES_MAX; i++)
        assert_true(buf_add(&b, "\x7a\x01x", 3));
    assert_int_equal(planner_status_decode(&back, buf_span(&b), &err), PT_EBADMSG);
    s.note_count = PLANNER_NOTES_MAX + 1;
    assert_int_equal(planner_status_encode(&b, &s, &err), PT_EBUG);
    buf_free(&b);
}

static void progress_round_trips(void **state)
{
    struct planner_progress p = {.stage = "tokens", .text = "with drinkco", .done = 3, .total = 9};
    struct planner_progress back;
    static struct planner_update u;
    struct buf b = {0};
    struct pt_err err = {0};

    (void)state;
    assert_int_equal(planner_progress_encode(&b, &p, &err), PT_OK);
    assert_int_equal(planner_progress_decode(&back, buf_span(&b), &err), PT_OK);
    assert_memory_equal(&back, &p, sizeof p);
    assert_int_equal(planner_progress_decode(&back, span_z("\xff"), &err), PT_EBADMSG);
    b.n = 0;
    assert_int_equal(planner_update_progress(&b, &p, &err), PT_OK);
    assert_int_equal(planner_update_decode(&u, buf_span(&b), &err), PT_OK);
    assert_false(u.is_answer);
    assert_memory_equal(&u.progress, &p, sizeof p);
    assert_int_equal(planner_update_decode(&u, (struct span){0}, &err), PT_EBADMSG);
    assert_non_null(strstr(err.msg, "progress or an answer"));
    buf_free(&b);
}

static void fill(struct answer *a, size_t cells)
{
    *a = (struct answer){.kind = ANSWER_AFFINITY,
                         .asker = "freshmart",
                         .with = "drinkco",
                         .rows = "buys",
                         .columns = "tier",
                         .question = "patto-question-1\n",
                         .refusal = "",
                         .threat_model = "semi-honest",
                         .build = "patto 1",
                         .epoch = "5",
                         .charged_rho_nano = 2000000,
                         .left_rho_nano = 3,
                         .repeated = true,
                         .audit_position = 12,
                         .receipts = "drinkco-1.tlog-proof",
                         .hashes = "drinkco=ab",
                         .since = "29733119",
                         .cell_count = cells};
    memset(a->policy.b, 1, 32);
    memset(a->own_data.b, 2, 32);
    memset(a->other_data.b, 3, 32);
    a->cells = calloc(cells, sizeof *a->cells);
    assert_non_null(a->cells);
    for (size_t i = 0; i < cells; i++) {
        struct answer_cell *c = &a->cells[i];
        snprintf(c->row, sizeof c->row, "row %zu", i);
        snprintf(c->column, sizeof c->column, "%s", ANSWER_ALL);
        c->count = (struct figure){FIGURE_VALUE, REASON_NONE, -1.25 * (double)i, 0.5};
        c->derived.status = FIGURE_SUPPRESSED;
        c->derived.reason = REASON_EXPECTED;
        c->expected = 7.5 * (double)i;
    }
}

/* Goal: values are the same doubles, and the largest table of the policy fits. */
static void answers_round_trip(void **state)
{
    static const size_t sizes[] = {1, 16, 66049 /* 257 x 257 */};

    (void)state;
    for (size_t k = 0; k < PT_LEN(sizes); k++) {
        static struct answer a;
        static struct planner_update u;
        struct buf b = {0};
        struct pt_err err = {0};
        fill(&a, sizes[k]);
        assert_int_equal(planner_update_answer(&b, &a, &err), PT_OK);
        if (planner_update_decode(&u, buf_span(&b), &err) != PT_OK)
            fail_msg("%s", err.msg);
        assert_true(u.is_answer);
        assert_int_equal(u.answer.kind, ANSWER_AFFINITY);
        assert_string_equal(u.answer.with, "drinkco");
        assert_string_equal(u.answer.threat_model, "semi-honest");
        assert_memory_equal(u.answer.other_data.b, a.other_data.b, 32);
        assert_int_equal(u.answer.charged_rho_nano, 2000000);
        assert_true(u.answer.repeated);
        assert_string_equal(u.answer.receipts, "drinkco-1.tlog-proof");
        assert_string_equal(u.answer.hashes, "drinkco=ab");
        assert_string_equal(u.answer.since, "29733119");
        assert_int_equal(u.answer.cell_count, sizes[k]);
        for (size_t i = 0; i < sizes[k]; i++) {
            assert_string_equal(u.answer.cells[i].row, a.cells[i].row);
            assert_true(u.answer.cells[i].count.value == a.cells[i].count.value);
            assert_int_equal(u.answer.cells[i].derived.reason, REASON_EXPECTED);
            assert_true(u.answer.cells[i].expected == a.cells[i].expected);
        }
        answer_free(&u.answer);
        answer_free(&a);
        buf_free(&b);
    }
}

/* Of a value three figures travel; where it is another kind the third does not. */
static void sums_travel_with_values(void **state)
{
    (void)state;
    for (int value = 0; value < 2; value++) {
        static struct answer a;
        static struct planner_update u;
        struct buf b = {0};
        struct pt_err err = {0};
        fill(&a, 3);
        if (value)
            a.kind = ANSWER_VALUE;
        for (size_t i = 0; i < 3; i++)
            a.cells[i].sum = (struct figure){FIGURE_VALUE, REASON_NONE, 12.5 + (double)i, 0.25};
        assert_int_equal(planner_update_answer(&b, &a, &err), PT_OK);
        assert_int_equal(planner_update_decode(&u, buf_span(&b), &err), PT_OK);
        assert_int_equal(u.answer.kind, a.kind);
        assert_true(u.answer.cells[2].sum.value == (value ? 14.5 : 0));
        assert_int_equal(u.answer.cells[2].sum.status, value ? FIGURE_VALUE : FIGURE_REFUSED);
        answer_free(&u.answer);
        answer_free(&a);
        buf_free(&b);
    }
}

static void bad_answers_are_refused(void **state)
{
    static struct answer a;
    static struct planner_update u;
    struct buf b = {0};
    struct pt_err err = {0};

    (void)state;
    fill(&a, 1);
    a.cells[0].count.status = (enum figure_status)3;
    assert_int_equal(planner_update_answer(&b, &a, &err), PT_OK);
    assert_int_equal(planner_update_decode(&u, buf_span(&b), &err), PT_EBADMSG);
    assert_non_null(strstr(err.msg, "status"));
    assert_null(u.answer.cells);
    b.n = 0;
    a.cells[0].count.status = FIGURE_VALUE;
    a.cells[0].count.reason = REASON_COUNT;
    assert_int_equal(planner_update_answer(&b, &a, &err), PT_OK);
    assert_int_equal(planner_update_decode(&u, buf_span(&b), &err), PT_EBADMSG);
    /* An answer without anything: no kind. */
    assert_int_equal(planner_update_decode(&u, span_of("\x12\x00", 2), &err), PT_EBADMSG);
    size_t n = a.cell_count;
    a.cell_count = ANSWER_CELLS_MAX + 1;
    assert_int_equal(planner_update_answer(&b, &a, &err), PT_EBUG);
    a.cell_count = n;
    answer_free(&a);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(query_round_trips),       cmocka_unit_test(bad_requests_are_refused),
        cmocka_unit_test(status_round_trips),      cmocka_unit_test(progress_round_trips),
        cmocka_unit_test(answers_round_trip),      cmocka_unit_test(bad_answers_are_refused),
        cmocka_unit_test(sums_travel_with_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
