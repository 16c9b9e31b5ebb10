/* Goal: on real purchases, estimates equal a plain SQL join within their error bars.
 * Method: one shop's purchases are split by item between two, then three companies; member N is
 * memberN@example.com, and each company lacks a random third of the members. SQLite joins the plain
 * tables; the estimates come from real slots (crypto/slot.h) over several salts, with noise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/slot.h"
#include "tests/keepsum.h"

enum { MEMBERS_MAX = 6000, ITEMS = 6, SALTS = 12, SLOTS = 1 << 16 };
static const char PURCHASES[] = "../shared/data/groceries/purchases.csv";

static struct keepsum_person persons[MEMBERS_MAX];
static struct token tokens[MEMBERS_MAX];

static void sql(sqlite3 *db, const char *text)
{
    char *message = NULL;
    if (sqlite3_exec(db, text, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", text, message);
}

/* Company of an item and whether a company lacks a member: from a hash, so the same every run. */
static void company_of(sqlite3_context *c, int n, sqlite3_value **v)
{
    uint64_t h = 7;
    for (const unsigned char *p = sqlite3_value_text(v[0]); *p != '\0'; p++)
        h = keepsum_mix(h ^ *p);
    (void)n;
    sqlite3_result_int(c, (int)(h % (uint64_t)sqlite3_value_int(v[1])));
}

static void is_customer(sqlite3_context *c, int n, sqlite3_value **v)
{
    uint64_t h =
        keepsum_mix((uint64_t)sqlite3_value_int64(v[0]) * 8 + (uint64_t)sqlite3_value_int(v[1]));
    (void)n;
    sqlite3_result_int(c, h % 3 != 0);
}

/* bought(company, member, item): what each company's own file says. */
static sqlite3 *load(int companies)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *insert = NULL;
    char line[256];
    FILE *f = fopen(PURCHASES, "r");

    if (f == NULL)
        fail_msg("%s is not there", PURCHASES);
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    sqlite3_create_function(db, "company_of", 2, SQLITE_UTF8, NULL, company_of, NULL, NULL);
    sqlite3_create_function(db, "is_customer", 2, SQLITE_UTF8, NULL, is_customer, NULL, NULL);
    sql(db, "CREATE TABLE purchase(member INTEGER, item TEXT); BEGIN");
    sqlite3_prepare_v2(db, "INSERT INTO purchase VALUES(?1, ?2)", -1, &insert, NULL);
    assert_non_null(fgets(line, sizeof line, f)); /* the header */
    while (fgets(line, sizeof line, f) != NULL) {
        char *item = strrchr(line, ',');
        assert_non_null(item);
        sqlite3_bind_int64(insert, 1, strtol(line, NULL, 10));
        sqlite3_bind_text(insert, 2, item + 1, (int)strcspn(item + 1, "\r\n"), SQLITE_TRANSIENT);
        assert_int_equal(sqlite3_step(insert), SQLITE_DONE);
        sqlite3_reset(insert);
    }
    fclose(f);
    sqlite3_finalize(insert);
    snprintf(line, sizeof line,
             "COMMIT; CREATE TABLE bought AS SELECT DISTINCT company_of(item, %d) AS company, "
             "member, item FROM purchase WHERE is_customer(member, company_of(item, %d))",
             companies, companies);
    sql(db, line);
    sql(db, "CREATE INDEX by_member ON bought(company, member)");
    return db;
}

static double number(sqlite3 *db, const char *fmt, ...)
{
    va_list ap;
    sqlite3_stmt *s = NULL;
    va_start(ap, fmt);
    char *text = sqlite3_vmprintf(fmt, ap);
    va_end(ap);
    if (sqlite3_prepare_v2(db, text, -1, &s, NULL) != SQLITE_OK || sqlite3_step(s) != SQLITE_ROW)
        fail_msg("%s: %s", text, sqlite3_errmsg(db));
    double v = sqlite3_column_double(s, 0);
    sqlite3_finalize(s);
    sqlite3_free(text);
    return v;
}

/* The company's commonest items become its categories 1..ITEMS. */
static void name_items(sqlite3 *db, int company)
{
    char *text = sqlite3_mprintf(
        "CREATE TABLE category%d AS SELECT item, row_number() OVER "
        "(ORDER BY count(*) DESC, item) AS place FROM bought WHERE company=%d GROUP BY item "
        "LIMIT %d",
        company, company, ITEMS);
    sql(db, text);
    sqlite3_free(text);
}

/* Persons as each side sees them. A token is a hash of the address here: what matters is that
 * both sides have the same one. */
static size_t read_persons(sqlite3 *db, int own, int other)
{
    sqlite3_stmt *s = NULL;
    size_t count = 0;
    long last = -1;
    char *text = sqlite3_mprintf(
        "SELECT member, company, coalesce(a.place, 0), coalesce(b.place, 0) FROM bought "
        "LEFT JOIN category%d a ON company=%d AND a.item=bought.item "
        "LEFT JOIN category%d b ON company=%d AND b.item=bought.item "
        "WHERE company IN (%d, %d) ORDER BY member",
        own, own, other, other, own, other);

    memset(persons, 0, sizeof persons);
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &s, NULL), SQLITE_OK);
    sqlite3_free(text);
    while (sqlite3_step(s) == SQLITE_ROW) {
        long member = (long)sqlite3_column_int64(s, 0);
        if (member != last) {
            char address[64];
            struct digest d;
            snprintf(address, sizeof address, "member%ld@example.com", member);
            struct span part = span_z(address);
            hash_parts(&d, "patto/test/member", &part, 1);
            assert_true(count < MEMBERS_MAX);
            memcpy(tokens[count].b, d.b, sizeof tokens[count].b);
            last = member;
            count++;
        }
        struct keepsum_person *p = &persons[count - 1];
        if (sqlite3_column_int(s, 1) == own) {
            p->own = true;
            p->rows |= 1U | 1U << sqlite3_column_int(s, 2);
        } else {
            p->other = true;
            p->columns |= 1U | 1U << sqlite3_column_int(s, 3);
        }
    }
    sqlite3_finalize(s);
    return count;
}

static struct keepsum_place real_place(const void *ctx, uint64_t salt_number, size_t person)
{
    struct digest salt = {{0}};
    PT_WIPED(slot_place) at = {0};
    (void)ctx;
    store_u64le(salt.b, salt_number);
    slot_of(&at, &salt, &tokens[person], SLOTS);
    return (struct keepsum_place){at.slot, at.priority, at.sign};
}

/* The plain join: members of both who bought this item here and that item there (0: anything). */
static double join(sqlite3 *db, int own, int other, size_t a, size_t b)
{
    return number(
        db,
        "SELECT count(*) FROM (SELECT member FROM bought WHERE company=%d AND (%d=0 OR item IN "
        "(SELECT item FROM category%d WHERE place=%d)) INTERSECT SELECT member FROM bought WHERE "
        "company=%d AND (%d=0 OR item IN (SELECT item FROM category%d WHERE place=%d)))",
        own, (int)a, own, (int)a, other, (int)b, other, (int)b);
}

struct tally {
    double inside, sum; /* of z: errors in standard errors */
};

static void tally(struct tally *t, const struct estimate_in *in, const double *truth)
{
    const size_t side = ITEMS + 1;
    for (size_t i = 0; i < side * side; i++) {
        struct estimate e = estimate_cell(in, i / side, i % side);
        double z = (e.value - truth[i]) / sqrt(e.variance);
        if (fabs(z) > 3 * 1.96)
            fail_msg("cell %zu: %.0f, truth %.0f", i, e.value, truth[i]);
        t->inside += fabs(z) <= 1.96;
        t->sum += z;
    }
}

static void compare(sqlite3 *db, int own, int other)
{
    static struct keepsum_run run;
    struct keepsum_world w = {.persons = persons,
                              .slot_count = SLOTS,
                              .row_count = ITEMS,
                              .column_count = ITEMS,
                              .cell_variance = 100,
                              .margin_variance = 400,
                              .place = real_place};
    double truth[(ITEMS + 1) * (ITEMS + 1)];

    name_items(db, own);
    name_items(db, other);
    w.person_count = read_persons(db, own, other);
    for (size_t i = 0; i < PT_LEN(truth); i++)
        truth[i] = join(db, own, other, i / (ITEMS + 1), i % (ITEMS + 1));
    assert_true(truth[0] > 1000); /* an empty join would prove nothing */
    struct tally t = {0};
    for (uint64_t salt = 0; salt < SALTS; salt++) {
        keepsum_run(&run, &w, salt + 1);
        tally(&t, &run.in, truth);
    }
    double total = (double)SALTS * (double)PT_LEN(truth);
    print_message("%d and %d: %.0f members in common, %.1f %% of %.0f cells inside, mean z %+.2f\n",
                  own, other, truth[0], 100 * t.inside / total, total, t.sum / total);
    assert_true(t.inside / total > 0.93);
    /* Cells of one salt share its collisions, so count salts, generously: 4 standard errors. */
    assert_true(fabs(t.sum / total) < 4 / sqrt(2.0 * SALTS));
}

static void two_companies_join_as_sql_does(void **state)
{
    (void)state;
    sqlite3 *db = load(2);
    compare(db, 0, 1);
    sqlite3_close(db);
}

static void three_companies_join_pair_by_pair(void **state)
{
    (void)state;
    for (int own = 0; own < 3; own++) {
        sqlite3 *db = load(3);
        compare(db, own, (own + 1) % 3);
        sqlite3_close(db);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_companies_join_as_sql_does),
        cmocka_unit_test(three_companies_join_pair_by_pair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
