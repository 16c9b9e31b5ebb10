/* Goal: a question has one text and a text one question; words that cannot be meant are named.
 * Method: the example of question.h byte for byte; one defect a row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base/text.h"
#include "policy/question.h"
#include "tests/policy_fixture.h"

static enum pt_code from(struct question *q, const struct policy *p, struct question_words w,
                         struct pt_err *err)
{
    if (w.asker == NULL)
        w.asker = "freshmart";
    if (w.with == NULL)
        w.with = "drinkco";
    while (w.where != NULL && w.where[w.where_count] != NULL)
        w.where_count++;
    return question_from_words(q, p, &w, err);
}

static void expect_text(const struct policy *p, const struct question *q, const char *want)
{
    struct buf text;
    struct question again;
    struct pt_err err = {0};

    assert_int_equal(question_print(&text, p, q, &err), PT_OK);
    assert_int_equal(text.n, strlen(want));
    assert_memory_equal(text.p, want, text.n);
    assert_int_equal(question_parse(&again, p, buf_span(&text), &err), PT_OK);
    assert_memory_equal(&again, q, sizeof again);
    buf_free(&text);
}

static void words_become_canonical_text(void **state)
{
    struct policy *p = fixture_three();
    struct question q;
    struct pt_err err = {0};
    static const char *const where[] = {"drinkco.spend>=20.50", "segment=new", "spend<=-0.25",
                                        "freshmart.segment=new", NULL};

    (void)state;
    assert_int_equal(
        from(&q, p,
             (struct question_words){
                 .kind = "crosstab", .rows = "buys", .columns = "drinkco.tier", .where = where},
             &err),
        PT_OK);
    assert_int_equal(q.filter_count, 3);
    expect_text(p, &q,
                "patto-question-1\n"
                "kind=crosstab\n"
                "asker=freshmart\n"
                "with=drinkco\n"
                "rows=buys\n"
                "columns=tier\n"
                "where=drinkco.spend>=20.5\n"
                "where=freshmart.segment=new\n"
                "where=freshmart.spend<=-0.25\n"
                "rho=0.002\n");
    assert_int_equal(from(&q, p, (struct question_words){.kind = "overlap"}, &err), PT_OK);
    expect_text(p, &q,
                "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco\nrho=0.0005\n");
    assert_int_equal(
        from(&q, p,
             (struct question_words){.kind = "reach", .asker = "homeware", .with = "freshmart"},
             &err),
        PT_OK);
    expect_text(p, &q, "patto-question-1\nkind=reach\nasker=homeware\nwith=freshmart\nrho=0.001\n");
    policy_free(p);
}

/* The text that nodes hash, charge and sign; and words that are no value. */
static void a_value_has_groups_and_a_number(void **state)
{
    struct policy *p = fixture_value();
    struct question q;
    struct pt_err err = {0};
    static const struct {
        const char *rows, *columns, *says;
    } NONE[] = {
        {NULL, "drinkco.spend", "a value needs rows: an attribute of freshmart"},
        {"buys", NULL, "a value needs columns: a number of drinkco"},
        {"buys", "drinkco.tier", "columns: tier is no number; a value is of one"},
        {"spend", "drinkco.spend", "rows: spend is a number; a table needs a category or a set"},
        {"drinkco.tier", "drinkco.spend", "rows are an attribute of freshmart"},
        {"segment", "freshmart.spend", "columns are an attribute of drinkco"},
    };

    (void)state;
    assert_int_equal(
        from(&q, p,
             (struct question_words){.kind = "value", .rows = "buys", .columns = "drinkco.spend"},
             &err),
        PT_OK);
    assert_true(question_has_axes(q.kind) && !question_has_axes(QUESTION_REACH));
    expect_text(p, &q,
                "patto-question-1\nkind=value\nasker=freshmart\nwith=drinkco\nrows=buys\n"
                "columns=spend\nrho=0.002\n");
    for (size_t i = 0; i < PT_LEN(NONE); i++) {
        const struct question_words w = {
            .kind = "value", .rows = NONE[i].rows, .columns = NONE[i].columns};
        assert_int_equal(from(&q, p, w, &err), PT_EUSAGE);
        if (strstr(err.msg, NONE[i].says) == NULL)
            fail_msg("'%s' does not say '%s'", err.msg, NONE[i].says);
    }
    policy_free(p);
}

#define WHERE(...)                                                                                 \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

static void words_that_cannot_be_meant_are_named(void **state)
{
    struct policy *p = fixture_three();
    const struct {
        struct question_words w;
        const char *says;
    } cases[] = {
        {{.kind = "affinity"}, "'affinity' is no question; ask one of overlap, reach, crosstab"},
        {{.kind = NULL}, "'' is no question"},
        {{.kind = "overlap", .with = "drinkko"},
         "with: 'drinkko' is no partner with customers; expected one of drinkco, freshmart, "
         "homeware, did you mean 'drinkco'?"},
        {{.kind = "overlap",
          .with = "a-name-of-more-letters-than-any-partner-may-have-or-that-would-be-shown-to-you"},
         "with: '' is no partner"},
        {{.kind = "overlap", .with = ""}, "with: '' is no partner"},
        {{.kind = "reach", .with = "drinkco,"}, "with: '' is no partner"},
        {{.kind = "overlap", .asker = "nobody"}, "asker: 'nobody' is no partner"},
        {{.kind = "overlap", .with = "freshmart"}, "freshmart cannot ask itself"},
        {{.kind = "overlap", .rows = "buys"}, "overlap takes no rows"},
        {{.kind = "reach", .columns = "buys"}, "reach takes no rows"},
        {{.kind = "crosstab", .columns = "tier"}, "a crosstab needs rows: an attribute of freshm"},
        {{.kind = "crosstab", .rows = "buys"}, "a crosstab needs columns: an attribute of drinkc"},
        {{.kind = "crosstab", .rows = "bys", .columns = "tier"},
         "rows: freshmart has no attribute 'bys'; expected one of segment, buys, spend, did you "
         "mean 'buys'?"},
        {{.kind = "crosstab", .rows = "drinkco.tier", .columns = "tier"},
         "rows: drinkco.tier given; rows are an attribute of freshmart"},
        {{.kind = "crosstab", .rows = "buys", .columns = "freshmart.buys"},
         "columns: freshmart.buys given; columns are an attribute of drinkco"},
        {{.kind = "crosstab", .rows = "homeware.buys", .columns = "tier"},
         "rows: 'homeware' is not in this question; expected freshmart or drinkco"},
        {{.kind = "crosstab", .rows = "spend", .columns = "tier"},
         "rows: spend is a number; a table needs a category or a set"},
        {{.kind = "overlap", .where = WHERE("segment")}, "where 'segment': expected attribute="},
        {{.kind = "overlap", .where = WHERE("segment>new")}, "where 'segment>new': expected attr"},
        {{.kind = "overlap", .where = WHERE("tier=gold")},
         "where 'tier=gold': freshmart has no attribute 'tier'"},
        {{.kind = "overlap", .where = WHERE("segment=nwe")},
         "segment has no value 'nwe'; expected one of new, loyal, lapsed, did you mean 'new'?"},
        {{.kind = "overlap", .where = WHERE("spend=5")}, "spend is a number: compare it with >="},
        {{.kind = "overlap", .where = WHERE("buys>=5")}, "buys is a set: compare it with ="},
        {{.kind = "overlap", .where = WHERE("segment<=5")}, "segment is a category: compare it"},
        {{.kind = "overlap", .where = WHERE("segment=new", "segment=loyal")},
         "no customer is both new and loyal"},
        {{.kind = "overlap", .where = WHERE("spend>=")}, "spend: expected a number with at most 6"},
        {{.kind = "overlap", .where = WHERE("spend>=0.0000001")}, "at most 6 decimals after >="},
        {{.kind = "overlap", .where = WHERE("spend<=--1")}, "at most 6 decimals after <="},
        {{.kind = "overlap", .where = WHERE("spend<=1000000000001")}, "expected a number"},
        {{.kind = "overlap",
          .where = WHERE("spend>=1", "spend>=2", "spend>=3", "spend>=4", "spend>=5", "spend>=6",
                         "spend>=7", "spend>=8", "spend>=9")},
         "a question carries at most 8 filters"},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(cases); i++) {
        struct question q;
        struct question none = {0};
        struct pt_err err = {0};
        assert_int_equal(from(&q, p, cases[i].w, &err), PT_EUSAGE);
        assert_memory_equal(&q, &none, sizeof q);
        if (strstr(err.msg, cases[i].says) == NULL)
            fail_msg("case %zu says: %s", i, err.msg);
    }
    policy_free(p);
}

static void the_largest_bounds_survive(void **state)
{
    struct policy *p = fixture_three();
    struct question q;
    struct pt_err err = {0};

    (void)state;
    assert_int_equal(from(&q, p,
                          (struct question_words){.kind = "overlap",
                                                  .where = WHERE("spend<=1e12", "spend>=-1e12",
                                                                 "spend>=0.000001", "spend<=-0")},
                          &err),
                     PT_OK);
    expect_text(p, &q,
                "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco\n"
                "where=freshmart.spend<=0\nwhere=freshmart.spend<=1000000000000\n"
                "where=freshmart.spend>=-1000000000000\nwhere=freshmart.spend>=0.000001\n"
                "rho=0.0005\n");
    policy_free(p);
}

static void other_texts_are_refused(void **state)
{
    struct policy *p = fixture_three();
    static const char good[] = "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco\n"
                               "where=freshmart.segment=new\nrho=0.0005\n";
    static const char *const bad[] = {
        "",
        "\n",
        "patto-question-1",
        "patto-question-2\nkind=overlap\nasker=freshmart\nwith=drinkco\nrho=0.0005\n",
        "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco\nrho=0.0005",
        "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco\nrho=0.0005\n\n",
        "patto-question-1\r\nkind=overlap\nasker=freshmart\nwith=drinkco\nrho=0.0005\n",
        "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco\nrho=0.00050\n",
        "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco\nrho=0.0006\n",
        "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco\n",
        "patto-question-1\nkind=overlap\nwith=drinkco\nasker=freshmart\nrho=0.0005\n",
        "patto-question-1\nkind=overlap\nkind=overlap\nasker=freshmart\nwith=drinkco\nrho=0.0005\n",
        "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco\nsalt=1\nrho=0.0005\n",
        "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco\nrho=0.0005\nrho\n",
        "patto-question-1\nkind=profile\nasker=freshmart\nwith=drinkco\nrho=0.0005\n",
        "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco\nwhere=segment=new\n"
        "rho=0.0005\n",
        "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco\n"
        "where=freshmart.spend>=2.0\nrho=0.0005\n",
        "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco\n"
        "where=freshmart.segment=new\nwhere=drinkco.tier=gold\nrho=0.0005\n",
        "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco\n"
        "where=freshmart.segment=new\nwhere=freshmart.segment=new\nrho=0.0005\n",
        "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco\nwhere=freshmart.spend>=-0\n"
        "rho=0.0005\n",
        "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco\nwhere=a\nwhere=a\nwhere=a\n"
        "where=a\nwhere=a\nwhere=a\nwhere=a\nwhere=a\nwhere=a\nrho=0.0005\n",
    };
    struct question q;
    struct pt_err err = {0};
    char *large = calloc(1, QUESTION_TEXT_MAX + 2);

    (void)state;
    assert_int_equal(question_parse(&q, p, span_z(good), &err), PT_OK);
    for (size_t i = 0; i < PT_LEN(bad); i++) {
        err = (struct pt_err){0};
        if (question_parse(&q, p, span_z(bad[i]), &err) != PT_EBADMSG || err.msg[0] == '\0')
            fail_msg("accepted: %s", bad[i]);
    }
    /* A NUL inside, and a text longer than any question. */
    assert_int_equal(question_parse(&q, p, span_of(good, sizeof good), &err), PT_EBADMSG);
    memset(large, 'x', QUESTION_TEXT_MAX + 1);
    assert_int_equal(question_parse(&q, p, span_z(large), &err), PT_EBADMSG);
    free(large);
    policy_free(p);
}

static void a_neutral_partner_is_not_asked(void **state)
{
    struct fixture_partner partners[3];
    struct buf text;
    struct question q;
    struct pt_err err = {0};

    (void)state;
    for (size_t i = 0; i < 3; i++)
        fixture_partner_init(&partners[i], i, NULL);
    partners[2].neutral = true;
    fixture_policy_text(&text, partners, 3);
    struct policy *p = fixture_parse(buf_span(&text));
    assert_int_equal(
        from(&q, p, (struct question_words){.kind = "overlap", .with = "homeware"}, &err),
        PT_EUSAGE);
    assert_int_equal(
        from(&q, p, (struct question_words){.kind = "overlap", .asker = "homeware"}, &err),
        PT_EUSAGE);
    policy_free(p);
    buf_free(&text);
}

static void a_reach_takes_several_in_any_order(void **state)
{
    struct policy *p = fixture_three();
    struct question q;
    struct pt_err err = {0};
    static const char *const where[] = {"segment=new", "drinkco.tier=gold", NULL};

    (void)state;
    assert_int_equal(
        from(&q, p,
             (struct question_words){.kind = "reach", .with = "homeware,drinkco", .where = where},
             &err),
        PT_OK);
    assert_int_equal(question_parties(&q), 7);
    expect_text(p, &q,
                "patto-question-1\n"
                "kind=reach\n"
                "asker=freshmart\n"
                "with=drinkco,homeware\n"
                "where=drinkco.tier=gold\n"
                "where=freshmart.segment=new\n"
                "rho=0.001\n");
    static const struct {
        const char *kind, *with, *says;
    } bad[] = {
        {"reach", "drinkco,drinkco", "drinkco is named twice"},
        {"reach", "drinkco,freshmart", "freshmart cannot ask itself"},
        {"reach", "drinkco,", "is no partner with customers"},
        {"reach", "drinkco,homewear", "did you mean"},
        {"overlap", "drinkco,homeware", "overlap is between two partners; reach takes more"},
    };
    for (size_t i = 0; i < PT_LEN(bad); i++) {
        assert_int_equal(
            from(&q, p, (struct question_words){.kind = bad[i].kind, .with = bad[i].with}, &err),
            PT_EUSAGE);
        if (strstr(err.msg, bad[i].says) == NULL)
            fail_msg("%s: %s", bad[i].with, err.msg);
    }
    /* A peer that writes the names in another order has another text for the same question. */
    struct span text = span_z("patto-question-1\nkind=reach\nasker=freshmart\n"
                              "with=homeware,drinkco\nrho=0.001\n");
    assert_int_equal(question_parse(&q, p, text, &err), PT_EBADMSG);
    policy_free(p);
}

/* Goal: a look is another question, for its part of the price: an eighth, an eighth and the rest. */
static void looks_have_their_part_of_the_price(void **state)
{
    static const struct {
        const char *kind, *slots, *rho;
    } CASES[] = {
        {"overlap", "1/16", "0.0000625"}, {"overlap", "1/4", "0.0000625"},
        {"overlap", "1", "0.000375"},     {"reach", "1/16", "0.000125"},
        {"reach", "1", "0.00075"},
    };
    struct policy *p = fixture_three();
    struct question q;
    struct pt_err err = {0};
    char text[256];

    (void)state;
    for (size_t i = 0; i < PT_LEN(CASES); i++) {
        const struct question_words w = {.kind = CASES[i].kind, .slots = CASES[i].slots};
        assert_int_equal(from(&q, p, w, &err), PT_OK);
        snprintf(text, sizeof text,
                 "patto-question-1\nkind=%s\nasker=freshmart\nwith=drinkco\nslots=%s\nrho=%s\n",
                 CASES[i].kind, CASES[i].slots, CASES[i].rho);
        expect_text(p, &q, text);
    }
    /* Of a price that cannot be divided nothing is lost, and no look is for nothing. */
    for (uint64_t price = 1; price < 40; price++) {
        uint64_t sum = 0;
        p->privacy.count_rho_nano = price;
        for (int s = QUESTION_SLOTS_SIXTEENTH; s < QUESTION_SLOTS_COUNT; s++) {
            const struct question_words w = {.kind = "overlap",
                                             .slots = question_slots_name((enum question_slots)s)};
            assert_int_equal(from(&q, p, w, &err), PT_OK);
            assert_true(q.rho_nano > 0);
            sum += q.rho_nano;
        }
        assert_true(sum == price || (price < 8 && sum == price + 2));
    }
    policy_free(p);
}

static void other_looks_are_refused(void **state)
{
    static const struct {
        const char *kind, *with, *slots, *says;
    } WORDS[] = {
        {"overlap", "drinkco", "1/2", "expected 1/16, 1/4 or 1"},
        {"overlap", "drinkco", "", "expected 1/16, 1/4 or 1"},
        {"overlap", "drinkco", "1/16 ", "expected 1/16, 1/4 or 1"},
        {"reach", "drinkco,homeware", "1/16", "between two partners"},
        {"value", "drinkco", "1/16", "all slots at once"},
    };
    static const char *const TEXTS[] = {
        /* the whole price for a look, a look's for the whole, no slots, twice, elsewhere */
        "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco\nslots=1/16\nrho=0.0005\n",
        "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco\nrho=0.0000625\n",
        "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco\nslots=\nrho=0.0005\n",
        "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco\nslots=1/16\nslots=1/16\n"
        "rho=0.0000625\n",
        "patto-question-1\nkind=overlap\nasker=freshmart\nslots=1/"
        "16\nwith=drinkco\nrho=0.0000625\n",
        "patto-question-1\nkind=overlap\nasker=freshmart\nwith=drinkco\nslots=1/8\nrho=0.0000625\n",
    };
    struct policy *p = fixture_three();
    struct question q;
    struct pt_err err = {0};

    (void)state;
    for (size_t i = 0; i < PT_LEN(WORDS); i++) {
        const struct question_words w = {
            .kind = WORDS[i].kind, .with = WORDS[i].with, .slots = WORDS[i].slots};
        assert_int_equal(from(&q, p, w, &err), PT_EUSAGE);
        if (strstr(err.msg, WORDS[i].says) == NULL)
            fail_msg("%s: %s", WORDS[i].slots, err.msg);
    }
    for (size_t i = 0; i < PT_LEN(TEXTS); i++)
        if (question_parse(&q, p, span_z(TEXTS[i]), &err) != PT_EBADMSG)
            fail_msg("accepted: %s", TEXTS[i]);
    policy_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reach_takes_several_in_any_order),
        cmocka_unit_test(looks_have_their_part_of_the_price),
        cmocka_unit_test(other_looks_are_refused),
        cmocka_unit_test(words_become_canonical_text),
        cmocka_unit_test(a_value_has_groups_and_a_number),
        cmocka_unit_test(words_that_cannot_be_meant_are_named),
        cmocka_unit_test(the_largest_bounds_survive),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(a_neutral_partner_is_not_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
