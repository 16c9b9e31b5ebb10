#include "node/reconcile.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct told { /* one event; fields without the question */
    bool ours;
    const char *kind, *fields;
    int64_t at_s;
};

static enum pt_code add(struct reconcile *r, const struct told *t, uint64_t question,
                        struct pt_err *err)
{
    struct store_event_row *row = calloc(1, sizeof *row);

    assert_non_null(row);
    row->sequence = r->count + 1;
    row->at_s = t->at_s;
    snprintf(row->kind, sizeof row->kind, "%s", t->kind);
    snprintf(row->fields, sizeof row->fields, "%s question=%064" PRIx64, t->fields, question);
    enum pt_code rc = reconcile_add(r, row, t->ours, t->ours ? "them" : "us", err);
    free(row);
    return rc;
}

/* What their log has shown: 100 entries, made at 1000. */
static enum reconcile_verdict judge(const struct told *events, size_t count)
{
    const struct reconcile_shown shown = {.entries = 100, .until_s = 1000};
    struct reconcile r = {0};
    struct pt_err err = {0};

    for (size_t i = 0; i < count; i++)
        assert_int_equal(add(&r, &events[i], 7, &err), PT_OK);
    reconcile_judge(&r, shown);
    assert_int_equal(r.count, 1);
    enum reconcile_verdict v = r.lines[0].verdict;
    reconcile_free(&r);
    return v;
}

static void one_question_at_a_time(void **state)
{
#define WE_ASKED                                                                                   \
    {                                                                                              \
        true, "asked", "kind=overlap with=them rho=0.5", 500                                       \
    }
#define WE_PAID                                                                                    \
    {                                                                                              \
        true, "received", "kind=overlap with=them charged=0.5", 501                                \
    }
#define WE_AGAIN                                                                                   \
    {                                                                                              \
        true, "received", "kind=overlap with=them charged=0", 502                                  \
    }
#define THEY_CHARGED                                                                               \
    {                                                                                              \
        false, "charge", "kind=overlap recipient=us rho=0.5", 501                                  \
    }
    static const struct {
        struct told events[5];
        size_t count;
        enum reconcile_verdict want;
    } CASES[] = {
        {{WE_ASKED, WE_PAID, THEY_CHARGED}, 3, RECONCILE_EQUAL},
        {{WE_ASKED, WE_PAID, WE_ASKED, WE_AGAIN, THEY_CHARGED}, 5, RECONCILE_EQUAL},
        /* The connection broke before the answer, once or until it was asked again. */
        {{WE_ASKED, THEY_CHARGED}, 2, RECONCILE_EQUAL},
        {{WE_ASKED, WE_AGAIN, THEY_CHARGED}, 3, RECONCILE_EQUAL},
        {{WE_ASKED}, 1, RECONCILE_FREE},
        {{WE_ASKED, WE_AGAIN}, 2, RECONCILE_FREE},
        {{WE_ASKED, WE_PAID}, 2, RECONCILE_MISSING},
        {{THEY_CHARGED}, 1, RECONCILE_MISSING},
        {{WE_ASKED, {false, "charge", "kind=overlap recipient=us rho=0.6", 501}},
         2,
         RECONCILE_AMOUNT},
        {{WE_ASKED, {true, "received", "kind=overlap with=them charged=0.4", 501}, THEY_CHARGED},
         3,
         RECONCILE_AMOUNT},
        {{WE_ASKED, WE_PAID, WE_PAID, THEY_CHARGED}, 4, RECONCILE_AMOUNT},
        /* Younger by the place that they told, or by the clock where they told none. */
        {{WE_ASKED, {true, "received", "kind=overlap with=them charged=0.5 position=101", 501}},
         2,
         RECONCILE_NEWER},
        {{WE_ASKED, {true, "received", "kind=overlap with=them charged=0.5 position=100", 2000}},
         2,
         RECONCILE_MISSING},
        {{{true, "asked", "kind=overlap with=them rho=0.5", 1001}}, 1, RECONCILE_NEWER},
        /* They ask. */
        {{{true, "charge", "kind=overlap recipient=them rho=0.5", 500},
          {false, "asked", "kind=overlap with=us rho=0.5", 499}},
         2,
         RECONCILE_EQUAL},
        {{{true, "charge", "kind=overlap recipient=them rho=0.5", 500}}, 1, RECONCILE_MISSING},
        {{{true, "charge", "kind=overlap recipient=them rho=0.5", 1001}}, 1, RECONCILE_NEWER},
        {{{false, "received", "kind=overlap with=us charged=0.5", 400}}, 1, RECONCILE_MISSING},
        {{{false, "received", "kind=overlap with=us charged=0.5", 4000}}, 1, RECONCILE_MISSING},
        {{{false, "asked", "kind=overlap with=us rho=0.5", 400}}, 1, RECONCILE_FREE},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(CASES); i++) {
        enum reconcile_verdict got = judge(CASES[i].events, CASES[i].count);
        if (got != CASES[i].want)
            fail_msg("case %zu: %s, not %s", i, reconcile_name(got), reconcile_name(CASES[i].want));
        assert_int_equal(reconcile_bad(got), got >= RECONCILE_MISSING);
    }
}

/* The same id asked by both is two questions; sizes and other partners are none. */
static void what_belongs_together(void **state)
{
    static const struct told OTHERS[] = {
        {true, "charge", "kind=batch recipient=them rho=0.0002", 1},
        {true, "charge", "kind=size recipient=them rho=0.0002", 1},
        {true, "charge", "kind=overlap recipient=somebody rho=0.5", 1},
        {true, "answered", "kind=overlap recipient=them charged=0.5", 1},
        {false, "asked", "kind=overlap with=them rho=0.5", 1},
        {true, "asked", "kind=overlap rho=0.5", 1},
    };
    static const struct told BOTH[] = {
        {true, "asked", "kind=overlap with=them rho=0.5", 1},
        {true, "charge", "kind=overlap recipient=them rho=0.5", 1},
    };
    struct reconcile r = {0};
    struct pt_err err = {0};

    (void)state;
    for (size_t i = 0; i < PT_LEN(OTHERS); i++)
        assert_int_equal(add(&r, &OTHERS[i], 1, &err), PT_OK);
    assert_int_equal(r.count, 0);
    for (size_t i = 0; i < PT_LEN(BOTH); i++)
        assert_int_equal(add(&r, &BOTH[i], 1, &err), PT_OK);
    assert_int_equal(r.count, 2);
    reconcile_free(&r);
}

static void unreadable_events_end_it(void **state)
{
    static const char *const BAD[] = {
        "with=us rho=0.5",
        "kind=overlap with=us",
        "kind=overlap with=us rho=x",
        "kind=overlap with=us rho=-1",
        "kind=averyveryverylongkind with=us rho=0.5",
        "kind=overlap with=us rho=0.5 position=x",
        "question=12 kind=overlap with=us rho=0.5",
    };
    struct reconcile r = {0};
    struct pt_err err = {0};

    (void)state;
    for (size_t i = 0; i < PT_LEN(BAD); i++) {
        const struct told t = {false, "asked", BAD[i], 1};
        assert_int_equal(add(&r, &t, 1, &err), PT_EBADMSG);
        assert_non_null(strstr(err.msg, "partner's record"));
    }
    assert_int_equal(r.count, 0);
    reconcile_free(&r);
}

/* Goal: many questions are kept apart, also when the index has grown several times. */
static void many_questions(void **state)
{
    const struct reconcile_shown shown = {.entries = 1, .until_s = 1};
    static const struct told ASKED = {true, "asked", "kind=reach with=them rho=0.25", 1};
    static const struct told CHARGED = {false, "charge", "kind=reach recipient=us rho=0.25", 1};
    struct reconcile r = {0};
    struct pt_err err = {0};

    (void)state;
    for (uint64_t i = 0; i < 5000; i++)
        assert_int_equal(add(&r, &ASKED, i * 0x9e3779b97f4a7c15, &err), PT_OK);
    for (uint64_t i = 0; i < 5000; i += 2)
        assert_int_equal(add(&r, &CHARGED, i * 0x9e3779b97f4a7c15, &err), PT_OK);
    assert_int_equal(r.count, 5000);
    reconcile_judge(&r, shown);
    for (uint64_t i = 0; i < 5000; i++)
        assert_int_equal(r.lines[i].verdict, i % 2 == 0 ? RECONCILE_EQUAL : RECONCILE_FREE);
    reconcile_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_question_at_a_time),
        cmocka_unit_test(what_belongs_together),
        cmocka_unit_test(unreadable_events_end_it),
        cmocka_unit_test(many_questions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
