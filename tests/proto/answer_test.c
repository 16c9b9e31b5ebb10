/* Goal: cells carry the policy's labels in the policy's order, and refusals carry no figure.
 * Method: a parsed policy, questions as a planner types them, raw products made by hand (q = 1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/answer.h"
#include "proto/reach.h"
#include "proto/value.h"
#include "tests/policy_fixture.h"

enum { RAW_MAX = 400 };
static struct policy *policy;
static double raw[RAW_MAX], energy[32], own_size[32], other_size[32];

static int read_policy(void **state)
{
    struct buf file = {0};
    struct pt_err err = {0};
    char chunk[4096];
    size_t n;
    FILE *f = fopen("tests/policy/three.yaml", "rb");

    (void)state;
    assert_non_null(f);
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        assert_true(buf_add(&file, chunk, n));
    fclose(f);
    if (policy_parse(&policy, buf_span(&file), &err) != PT_OK)
        fail_msg("%s", err.msg);
    buf_free(&file);
    return 0;
}

static int free_policy(void **state)
{
    (void)state;
    policy_free(policy);
    return 0;
}

static struct question ask(const char *kind, const char *rows, const char *columns)
{
    struct question q;
    struct pt_err err = {0};
    struct question_words w = {
        .kind = kind, .asker = "freshmart", .with = "drinkco", .rows = rows, .columns = columns};
    if (question_from_words(&q, policy, &w, &err) != PT_OK)
        fail_msg("%s", err.msg);
    return q;
}

static struct question ask_of(const char *kind, const char *with)
{
    struct question q;
    struct pt_err err = {0};
    const struct question_words w = {.kind = kind, .asker = "freshmart", .with = with};
    if (question_from_words(&q, policy, &w, &err) != PT_OK)
        fail_msg("%s", err.msg);
    return q;
}

/* raw[b][a] = 10000 + 100 b + a: who is who shows in the value. */
static struct estimate_in world(size_t row_count, size_t column_count)
{
    assert_true((row_count + 1) * (column_count + 1) <= RAW_MAX);
    for (size_t b = 0; b <= column_count; b++) {
        other_size[b] = 50000;
        for (size_t a = 0; a <= row_count; a++)
            raw[b * (row_count + 1) + a] = 10000 + 100 * (double)b + (double)a;
    }
    for (size_t a = 0; a <= row_count; a++)
        own_size[a] = energy[a] = 40000;
    return (struct estimate_in){
        .frame = {.slot_count = 1 << 20,
                  .kept = 40000,
                  .customers = 40000,
                  .minimum_count = 100,
                  .minimum_audience = 1000},
        .row_count = row_count,
        .column_count = column_count,
        .raw = raw,
        .energy = energy,
        .own_size = own_size,
        .other_size = other_size,
        .cell_variance = 1,
        .margin_variance = 4,
    };
}

static void a_crosstab_is_labelled_in_policy_order(void **state)
{
    struct answer a = {0};
    struct pt_err err = {0};
    struct question q = ask("crosstab", "buys", "drinkco.tier");
    struct estimate_in in = world(8, 3);
    (void)state;
    assert_int_equal(answer_fill(&a, ANSWER_CROSSTAB, policy, &q, &in, &err), PT_OK);
    assert_int_equal(a.cell_count, 9 * 4);
    assert_string_equal(a.asker, "freshmart");
    assert_string_equal(a.rows, "buys");
    assert_string_equal(a.columns, "tier");
    assert_non_null(strstr(a.question, "kind=crosstab"));
    assert_string_equal(a.threat_model, answer_threat_model());
    assert_string_equal(a.cells[0].row, ANSWER_ALL);
    assert_string_equal(a.cells[0].column, ANSWER_ALL);
    /* row 2 of the asker is its second value, column 3 the other's third */
    const struct answer_cell *c = &a.cells[2 * 4 + 3];
    assert_string_equal(c->row, "vegetables");
    assert_string_equal(c->column, "gold");
    assert_int_equal(c->count.status, FIGURE_VALUE);
    assert_true(c->count.value == 10302);
    assert_int_equal(c->derived.status, FIGURE_REFUSED); /* unused */
    answer_free(&a);

    assert_int_equal(answer_fill(&a, ANSWER_AFFINITY, policy, &q, &in, &err), PT_OK);
    assert_int_equal(a.cells[11].derived.status, FIGURE_VALUE);
    assert_true(a.cells[11].count.value == 10302);
    answer_free(&a);
    assert_int_equal(answer_fill(&a, ANSWER_PROFILE, policy, &q, &in, &err), PT_OK);
    assert_true(a.cells[11].derived.value == 10302.0 / 10002.0);
    answer_free(&a);
    assert_int_equal(answer_fill(&a, ANSWER_SURPRISE, policy, &q, &in, &err), PT_OK);
    assert_true(a.cells[11].count.value == 10302);
    assert_int_equal(a.cells[11].derived.reason, REASON_FEW); /* 10,000 in common */
    assert_int_equal(a.cells[0].derived.reason, REASON_NONE); /* a margin: nothing to say */
    answer_free(&a);
    assert_int_equal(answer_fill(&a, ANSWER_ABSENT, policy, &q, &in, &err), PT_OK);
    assert_true(a.cells[4].derived.value == 10001.0 / 10000.0);
    answer_free(&a);
}

/* A pair kept apart among 100,000: its cell says how many are missing, beside what chance has. */
static void a_surprise_lands_in_its_cell(void **state)
{
    struct answer a = {0};
    struct pt_err err = {0};
    struct question q = ask("crosstab", "buys", "drinkco.tier");
    struct estimate_in in = world(8, 3);
    (void)state;
    for (size_t b = 0; b <= 3; b++)
        for (size_t r = 0; r <= 8; r++)
            raw[b * 9 + r] = 100000 * (b == 0 ? 1 : 0.3) * (r == 0 ? 1 : 0.2);
    raw[3 * 9 + 2] = 1000; /* of 6,000 */
    in.frame.slot_count = 1e12;
    assert_int_equal(answer_fill(&a, ANSWER_SURPRISE, policy, &q, &in, &err), PT_OK);
    const struct answer_cell *c = &a.cells[2 * 4 + 3];
    assert_string_equal(c->row, "vegetables");
    assert_string_equal(c->column, "gold");
    assert_true(c->expected == 6000);
    assert_int_equal(c->derived.status, FIGURE_VALUE);
    assert_true(c->derived.value > 4900 && c->derived.value < 5100);
    for (size_t i = 0; i < a.cell_count; i++)
        if (&a.cells[i] != c)
            assert_int_equal(a.cells[i].derived.status, FIGURE_SUPPRESSED);
    answer_free(&a);
}

static void reach_names_who_adds_what(void **state)
{
    struct answer a = {0};
    struct pt_err err = {0};
    struct question q = ask("reach", NULL, NULL);
    struct estimate_in in = world(0, 0);
    (void)state;
    assert_int_equal(answer_fill(&a, ANSWER_REACH, policy, &q, &in, &err), PT_OK);
    assert_int_equal(a.cell_count, 6);
    assert_string_equal(a.cells[0].column, "freshmart & drinkco");
    assert_string_equal(a.cells[5].row, "reach");
    assert_true(a.cells[5].count.value == 80000);
    assert_string_equal(a.cells[4].row, "adds");
    assert_string_equal(a.cells[4].column, "drinkco");
    assert_true(a.cells[4].count.value == 40000);
    answer_free(&a);
}

/* Three partners in 2^20 slots, no two people in one: masks counted by hand, no noise drawn. */
static void reach_over_three_names_every_set(void **state)
{
    static const int64_t people[8] = {0, 3000, 5000, 700, 2000, 400, 600, 900};
    struct answer a = {0};
    struct pt_err err = {0};
    struct question q = ask_of("reach", "homeware,drinkco");
    struct reach_plan plan = {.parties = 7,
                              .party_count = 3,
                              .node = {0, 1, 2},
                              .slot_count = 1 << 20,
                              .dummy_mean = 500,
                              .dummy_variance = {500, 1}};
    int64_t counts[REGIONS_MAX] = {0};
    (void)state;
    for (size_t m = 0; m < 8; m++) {
        counts[m] = 1500 + people[m];
        counts[0] -= people[m];
    }
    counts[0] += 1 << 20;
    assert_int_equal(answer_fill_reach(&a, policy, &q, &plan, counts, &err), PT_OK);
    assert_string_equal(a.with, "drinkco,homeware");
    assert_int_equal(a.cell_count, 7 + 3 + 3 + 7);
    assert_string_equal(a.cells[0].row, "reach");
    assert_string_equal(a.cells[0].column, "drinkco | freshmart | homeware");
    /* 12,600 people: linear counting says some 76 more, for slots shared by chance. */
    assert_true(a.cells[0].count.value > 12600 && a.cells[0].count.value < 12700);
    assert_string_equal(a.cells[1].column, "drinkco | freshmart");
    assert_string_equal(a.cells[7].row, "adds");
    assert_string_equal(a.cells[7].column, "drinkco");
    assert_true(a.cells[7].count.value > 2980 && a.cells[7].count.value < 3040);
    assert_string_equal(a.cells[12].row, "exactly");
    assert_string_equal(a.cells[12].column, "3 partners");
    assert_string_equal(a.cells[13].row, "only");
    assert_string_equal(a.cells[13].column, "drinkco & freshmart & homeware");
    assert_true(a.cells[13].count.value > 700 && a.cells[13].count.value < 900);
    assert_non_null(strstr(a.threat_model, "drinkco, freshmart and homeware"));
    assert_non_null(strstr(a.threat_model, "Two of them together"));
    answer_free(&a);
    counts[0] += 3500; /* of homeware's 3,900 (bit 2) some 400 are left */
    counts[4] = counts[5] = counts[6] = counts[7] = 1600;
    assert_int_equal(answer_fill_reach(&a, policy, &q, &plan, counts, &err), PT_OK);
    for (size_t i = 0; i < a.cell_count; i++) {
        assert_int_equal(a.cells[i].count.status, FIGURE_REFUSED);
        assert_int_equal(a.cells[i].count.reason, REASON_AUDIENCE);
        assert_true(a.cells[i].count.value == 0);
    }
    assert_non_null(strstr(a.refusal, "minimum_audience"));
    answer_free(&a);
}

static void a_refusal_has_every_cell_and_no_figure(void **state)
{
    struct answer a = {0};
    struct pt_err err = {0};
    struct question q = ask("crosstab", "buys", "drinkco.tier");
    struct estimate_in in = world(8, 3);
    (void)state;
    assert_int_equal(answer_refuse(&a, ANSWER_AFFINITY, policy, &q,
                                   (struct answer_refusal){REASON_POLICY, "line 7: no"}, &err),
                     PT_OK);
    assert_int_equal(a.cell_count, 36);
    assert_string_equal(a.refusal, "line 7: no");
    for (size_t i = 0; i < a.cell_count; i++) {
        assert_int_equal(a.cells[i].count.status, FIGURE_REFUSED);
        assert_int_equal(a.cells[i].count.reason, REASON_POLICY);
        assert_true(a.cells[i].count.value == 0);
        assert_int_equal(a.cells[i].derived.reason, REASON_POLICY);
    }
    answer_free(&a);
    other_size[0] = 999; /* the second lock on small audiences */
    assert_int_equal(answer_fill(&a, ANSWER_CROSSTAB, policy, &q, &in, &err), PT_OK);
    assert_int_equal(a.cells[11].count.status, FIGURE_REFUSED);
    assert_non_null(strstr(a.refusal, "minimum_audience"));
    answer_free(&a);
    q = ask("overlap", NULL, NULL);
    assert_int_equal(answer_refuse(&a, ANSWER_OVERLAP, policy, &q,
                                   (struct answer_refusal){REASON_AUDIENCE, "small"}, &err),
                     PT_OK);
    assert_int_equal(a.cell_count, 3);
    answer_free(&a);
}

static void a_wrong_shape_is_our_bug(void **state)
{
    struct answer a = {0};
    struct pt_err err = {0};
    struct question q = ask("crosstab", "buys", "drinkco.tier");
    struct estimate_in in = world(8, 2);
    (void)state;
    assert_int_equal(answer_fill(&a, ANSWER_CROSSTAB, policy, &q, &in, &err), PT_EBUG);
    assert_non_null(strstr(err.msg, "8 x 2 for a question of 8 x 3"));
    answer_free(&a);
    assert_int_equal(answer_fill(&a, ANSWER_OVERLAP, policy, &q, &in, &err), PT_EBUG);
    answer_free(&a);
}

/* The policy's own words for a while: freshmart.segment by drinkco.tier. */
static void rename_value(uint16_t partner, const char *from, const char *to)
{
    struct policy_attribute *a = policy->partners[partner].attributes;
    for (size_t i = 0; i < policy->partners[partner].attribute_count; i++)
        for (size_t v = 0; v < a[i].value_count; v++)
            if (strcmp(a[i].values[v], from) == 0)
                snprintf(a[i].values[v], sizeof a[i].values[v], "%s", to);
}

static void expect_usage(enum answer_kind kind, const struct question *q, const char *says)
{
    struct pt_err err = {0};
    assert_int_equal(answer_check(kind, policy, q, &err), PT_EUSAGE);
    if (strstr(err.msg, says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.msg, says);
}

static void lift_has_a_line_for_each_group_and_outcome(void **state)
{
    struct answer a = {0};
    struct pt_err err = {0};
    struct question q = ask("crosstab", "segment", "drinkco.tier");
    struct estimate_in in = world(3, 3);
    (void)state;
    expect_usage(ANSWER_LIFT, &q, "one must be a category with a value \"control\"");
    rename_value(q.asker, "loyal", "control");
    in.frame.slot_count = 1e12;
    assert_int_equal(answer_fill(&a, ANSWER_LIFT, policy, &q, &in, &err), PT_OK);
    assert_int_equal(answer_table_cells(&a), 16);
    assert_int_equal(a.cell_count, 16 + 5 * 2 * 3); /* two groups beside the control */
    const struct answer_cell *c = &a.cells[16 + 5 * 3 + 5];
    assert_true(answer_is_measure(c));
    assert_string_equal(c->row, "difference, share");
    assert_string_equal(c->column, "lapsed, silver");
    /* raw is 10000 + 100 b + a: lapsed is 3, control 2, silver 2. */
    double want = 10203.0 / 10003 - 10202.0 / 10002;
    assert_true(c->count.value > want - 1e-12 && c->count.value < want + 1e-12);
    assert_string_equal(c[1].row, "ratio, times");
    assert_string_equal(c[4].row, "extra, people");
    answer_free(&a);
    rename_value(q.with, "gold", "control");
    expect_usage(ANSWER_LIFT, &q, "just one must be");
    rename_value(q.asker, "control", "loyal"); /* now the groups are the partner's */
    assert_int_equal(answer_fill(&a, ANSWER_LIFT, policy, &q, &in, &err), PT_OK);
    assert_string_equal(a.cells[16].column, "basic, new");
    assert_string_equal(a.cells[a.cell_count - 1].column, "silver, lapsed");
    answer_free(&a);
    rename_value(q.with, "control", "gold");
}

static void journey_needs_one_list_of_stages(void **state)
{
    static const char *const NAMES[] = {"basic", "silver", "gold", "new", "loyal", "lapsed"};
    struct answer a = {0};
    struct pt_err err = {0};
    struct question q = ask("crosstab", "segment", "drinkco.tier");
    struct question sets = ask("crosstab", "buys", "drinkco.tier");
    struct estimate_in in = world(3, 3);
    (void)state;
    expect_usage(ANSWER_JOURNEY, &q, "the same stages in the same order");
    expect_usage(ANSWER_JOURNEY, &sets, "buys and tier");
    for (int i = 0; i < 3; i++)
        rename_value(q.with, NAMES[i], NAMES[i + 3]);
    assert_int_equal(answer_fill(&a, ANSWER_JOURNEY, policy, &q, &in, &err), PT_OK);
    assert_int_equal(a.cell_count, 16 + 12);
    assert_true(a.cells[5].derived.value == 10101.0 / 10001); /* a share beside each count */
    assert_string_equal(a.cells[16].row, "moved, people");
    assert_string_equal(a.cells[16].column, "up");
    assert_true(a.cells[16].count.value == 10201 + 10301 + 10302);
    answer_free(&a);
    assert_int_equal(answer_refuse(&a, ANSWER_JOURNEY, policy, &q,
                                   (struct answer_refusal){REASON_POLICY, "no"}, &err),
                     PT_OK);
    for (size_t i = 0; i < a.cell_count; i++)
        assert_int_equal(a.cells[i].count.reason, REASON_POLICY);
    assert_string_equal(a.cells[27].column, "net (up - down)");
    answer_free(&a);
    for (int i = 0; i < 3; i++)
        rename_value(q.with, NAMES[i + 3], NAMES[i]);
}

static void bubble_has_a_line_for_each_row(void **state)
{
    struct answer a = {0};
    struct pt_err err = {0};
    struct question q = ask("crosstab", "buys", "drinkco.tier");
    struct estimate_in in = world(8, 3);
    (void)state;
    in.frame.slot_count = 1e12;
    assert_int_equal(answer_fill(&a, ANSWER_BUBBLE, policy, &q, &in, &err), PT_OK);
    assert_int_equal(a.cell_count, 36 + 7 * 9);
    assert_string_equal(a.cells[36].column, ANSWER_ALL);
    assert_string_equal(a.cells[36 + 7].column, "dairy");
    assert_string_equal(a.cells[36 + 7 + 1].row, "categories, effective");
    double effective = a.cells[36 + 7 + 1].count.value; /* three, almost even */
    assert_true(effective > 2.99 && effective < 3.001);
    assert_string_equal(a.cells[36 + 7 + 4].row, "renewal, share");
    assert_int_equal(a.cells[36 + 7 + 4].count.status, FIGURE_SUPPRESSED);
    assert_int_equal(a.cells[36 + 7 + 4].count.reason, REASON_EARLIER);
    answer_free(&a);
}

/* 10000 + a in common of group a, whose centred sum is 20 a head: 70 hundredths of 0..300 EUR. */
static void a_value_has_a_line_for_each_group(void **state)
{
    static double sums[4];
    struct policy *with_value = fixture_value();
    struct estimate_in counts = world(3, 0);
    struct value_in in = {.counts = &counts,
                          .raw = sums,
                          .variance = 2500,
                          .all_variance = 10000,
                          .square_sum = 400.0 * 50000,
                          .minimum = 0,
                          .maximum = 300};
    struct answer a = {0};
    struct pt_err err = {0};
    const struct question_words w = {.kind = "value",
                                     .asker = "freshmart",
                                     .with = "drinkco",
                                     .rows = "segment",
                                     .columns = "spend"};
    struct question q;

    (void)state;
    assert_int_equal(question_from_words(&q, with_value, &w, &err), PT_OK);
    for (size_t i = 0; i < 4; i++)
        sums[i] = 20 * raw[i];
    raw[3] = 40; /* too few */
    assert_int_equal(answer_fill_value(&a, with_value, &q, &in, &err), PT_OK);
    assert_int_equal(a.kind, ANSWER_VALUE);
    assert_string_equal(a.rows, "segment");
    assert_string_equal(a.columns, "spend");
    assert_int_equal(a.cell_count, 4);
    assert_int_equal(answer_table_cells(&a), 4);
    assert_string_equal(a.cells[0].row, ANSWER_ALL);
    assert_string_equal(a.cells[2].row, "loyal");
    assert_string_equal(a.cells[2].column, "spend, EUR");
    assert_true(a.cells[2].count.value == 10002);
    assert_true(a.cells[2].derived.value > 209.999 && a.cells[2].derived.value < 210.001);
    assert_true(a.cells[2].sum.value > 210.0 * 10002 - 1 &&
                a.cells[2].sum.value < 210.0 * 10002 + 1);
    assert_int_equal(a.cells[3].count.status, FIGURE_SUPPRESSED);
    assert_int_equal(a.cells[3].derived.reason, REASON_DERIVED);
    assert_int_equal(a.cells[3].sum.status, FIGURE_SUPPRESSED);
    answer_free(&a);
    other_size[0] = 999;
    assert_int_equal(answer_fill_value(&a, with_value, &q, &in, &err), PT_OK);
    assert_int_equal(a.cells[1].sum.status, FIGURE_REFUSED);
    assert_non_null(strstr(a.refusal, "minimum_audience"));
    answer_free(&a);
    counts.row_count = 2;
    assert_int_equal(answer_fill_value(&a, with_value, &q, &in, &err), PT_EBUG);
    answer_free(&a);
    assert_int_equal(answer_fill(&a, ANSWER_VALUE, with_value, &q, &counts, &err), PT_EBUG);
    answer_free(&a);
    const struct answer_refusal why = {REASON_POLICY, "no"};
    assert_int_equal(answer_refuse(&a, ANSWER_VALUE, with_value, &q, why, &err), PT_OK);
    assert_int_equal(a.cell_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(a.cells[i].count.reason, REASON_POLICY);
        assert_int_equal(a.cells[i].derived.reason, REASON_POLICY);
        assert_int_equal(a.cells[i].sum.reason, REASON_POLICY);
    }
    answer_free(&a);
    policy_free(with_value);
}

static void kinds_have_names(void **state)
{
    enum answer_kind k;
    (void)state;
    for (int i = 0; i < ANSWER_KIND_COUNT; i++) {
        assert_true(answer_kind_parse(&k, answer_kind_name((enum answer_kind)i)));
        assert_int_equal(k, i);
    }
    assert_false(answer_kind_parse(&k, "lifts"));
    assert_int_equal(answer_question_kind(ANSWER_PROFILE), QUESTION_CROSSTAB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crosstab_is_labelled_in_policy_order),
        cmocka_unit_test(a_surprise_lands_in_its_cell),
        cmocka_unit_test(reach_names_who_adds_what),
        cmocka_unit_test(reach_over_three_names_every_set),
        cmocka_unit_test(a_refusal_has_every_cell_and_no_figure),
        cmocka_unit_test(a_wrong_shape_is_our_bug),
        cmocka_unit_test(lift_has_a_line_for_each_group_and_outcome),
        cmocka_unit_test(journey_needs_one_list_of_stages),
        cmocka_unit_test(bubble_has_a_line_for_each_row),
        cmocka_unit_test(a_value_has_a_line_for_each_group),
        cmocka_unit_test(kinds_have_names),
    };
    return cmocka_run_group_tests(tests, read_policy, free_policy);
}
