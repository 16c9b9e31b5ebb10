#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>
#include <sqlite3.h>

#include "tests/ingest_fixture.h"
#include "tests/policy_fixture.h"

#define HEAD "patto-map: 1\nform: wide\nidentifier: {column: email}\n"
#define MAP                                                                                        \
    HEAD "attributes:\n"                                                                           \
         "  segment: {column: status}\n"                                                           \
         "  buys: {column: basket, separator: \"|\"}\n"                                            \
         "  spend: {column: revenue}\n"

static char dir[] = P_tmpdir "/patto-ingest-XXXXXX";
static char csv_path[FILEIO_PATH_MAX];
static char list_path[FILEIO_PATH_MAX];

static struct policy *policy;
static size_t segment, buys, spend; /* where the policy has them */

static int setup(void **state)
{
    struct pt_err err;

    (void)state;
    policy = fixture_policy(2);
    segment = (size_t)policy_find_attribute(&policy->partners[0], "segment");
    buys = (size_t)policy_find_attribute(&policy->partners[0], "buys");
    spend = (size_t)policy_find_attribute(&policy->partners[0], "spend");
    if (mkdtemp(dir) == NULL || fileio_join(csv_path, dir, "customers.csv", &err) != PT_OK ||
        fileio_join(list_path, dir, "gone.txt", &err) != PT_OK)
        return -1;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    policy_free(policy);
    unlink(csv_path);
    unlink(list_path);
    return rmdir(dir); /* fails when ingest left something */
}

static const struct forgotten *removed; /* NULL: nobody */

static void ingest_file(struct run *out, const char *path, const char *map_text,
                        const struct policy *p)
{
    const struct ingest_in in = {
        .path = path, .policy = p, .forgotten = removed, .now_s = 1790000000, .spool_dir = dir};

    ingest_run_with(out, &in, map_text);
}

static void ingest(struct run *out, const char *csv, const char *map_text)
{
    struct pt_err err;

    assert_int_equal(fileio_write(csv_path, span_z(csv), &err), PT_OK);
    ingest_file(out, csv_path, map_text, policy);
}

/* ---- merging ---- */

static void rows_of_one_person_merge(void **state)
{
    struct run r;

    (void)state;
    ingest(&r,
           "email,status,basket,revenue\n"
           "A.b@Gmail.com,new,dairy|fruit,10.50\n"
           "x@example.com,lapsed,, \n"
           " ab+list@gmail.com ,loyal,\"fruit| meat |\",0.25\n"
           "ab@gmail.com,,dairy,\n"
           "big@example.com,new,snacks,700\n"
           "low@example.com,,,-3\n",
           MAP);
    assert_good(&r);
    const struct vault_data *d = r.data;
    assert_int_equal(d->count, 4);
    for (size_t i = 1; i < 4; i++)
        assert_true(memcmp(&d->digests[i - 1], &d->digests[i], 32) < 0);
    size_t ab = row_of(d, "ab@gmail.com");
    assert_int_equal(d->columns[segment].category[ab], 1);                /* the last that said */
    assert_int_equal(d->columns[buys].set[ab], 1 << 0 | 1 << 1 | 1 << 4); /* dairy, fruit, meat */
    assert_true(d->columns[spend].number[ab] == 10.75);
    size_t x = row_of(d, "x@example.com");
    assert_int_equal(d->columns[segment].category[x], 2);
    assert_int_equal(d->columns[buys].set[x], 0);
    assert_true(isnan(d->columns[spend].number[x]));
    assert_true(d->columns[spend].number[row_of(d, "big@example.com")] == 500); /* clipped */
    assert_true(d->columns[spend].number[row_of(d, "low@example.com")] == 0);
    assert_int_equal(d->columns[segment].category[row_of(d, "low@example.com")], VAULT_NONE);
    assert_int_equal(r.report.attributes[spend].clipped, 2);
    assert_int_equal(r.report.customers, 4);
    assert_int_equal(r.report.stats.rows_read, 6);
    assert_int_equal(r.report.stats.ingested_s, 1790000000);
    assert_int_equal(d->token_count, 0);
    vault_data_free(r.data);
}

static void numbers_combine_as_the_policy_says(void **state)
{
    static const struct {
        enum attribute_combine combine;
        double want;
    } CASES[] = {
        {COMBINE_SUM, 130.5}, {COMBINE_MEAN, 43.5}, {COMBINE_MAX, 100.5}, {COMBINE_LAST, 10}};
    struct policy_attribute *a = &policy->partners[0].attributes[spend];
    enum attribute_combine was = a->combine;

    (void)state;
    for (size_t i = 0; i < PT_LEN(CASES); i++) {
        struct run r;
        a->combine = CASES[i].combine;
        ingest(&r,
               "email,status,basket,revenue\na@b.c,,,20\na@b.c,,,+100.5\na@b.c,,,\n"
               "a@b.c,,,010\n",
               MAP);
        assert_good(&r);
        assert_true(r.data->columns[spend].number[0] == CASES[i].want);
        vault_data_free(r.data);
    }
    a->combine = was;
}

/* Sum first, clip then: three purchases of 300 are 500 at most, and one return can bring it back. */
static void clipped_after_combining(void **state)
{
    struct run r;

    (void)state;
    ingest(&r,
           "email,status,basket,revenue\na@b.c,,,300\na@b.c,,,300\na@b.c,,,-200\nd@b.c,,,300\n"
           "d@b.c,,,300\n",
           MAP);
    assert_good(&r);
    assert_true(r.data->columns[spend].number[row_of(r.data, "a@b.c")] == 400);
    assert_true(r.data->columns[spend].number[row_of(r.data, "d@b.c")] == 500);
    assert_int_equal(r.report.attributes[spend].clipped, 1);
    vault_data_free(r.data);
}

/* ---- who is left out ---- */

static void consent_and_suppression_exclude_people(void **state)
{
    struct pt_err err;
    struct run r;

    (void)state;
    assert_int_equal(
        fileio_write(list_path,
                     span_z("\xef\xbb\xbfGone@Example.com\r\n\r\n Jane.Doe@gmail.com \n"
                            "never.seen@example.com"),
                     &err),
        PT_OK);
    ingest(&r,
           "email,status,basket,revenue,opt in\n"
           "a@example.com,new,,1,yes\n"
           "gone@example.com,new,,1,yes\n"
           "janedoe@gmail.com,new,,1,yes\n"
           "b@example.com,new,,1,no\n"
           "c@example.com,new,,1,\n"
           "d@example.com,new,,1,yes\n"
           "d@example.com,new,,1,NO\n" /* one refusal anywhere excludes the person */
           "e@example.com,new,,1,no\n"
           "e@example.com,new,,1, JA \n"
           "f@example.com,new,,1,JA\n",
           MAP "consent: {column: opt in, accept: [\"yes\", JA]}\n"
               "suppression: {file: gone.txt}\n");
    assert_good(&r);
    assert_int_equal(r.data->count, 2);
    row_of(r.data, "a@example.com");
    row_of(r.data, "f@example.com");
    assert_int_equal(r.report.rows_refused, 4);
    assert_int_equal(r.report.customers_refused, 4);
    assert_int_equal(r.report.rows_suppressed, 2);
    vault_data_free(r.data);

    /* A hashed list against a raw file. */
    char hex[65];
    struct digest d;
    crypto_hash_sha256(d.b, (const uint8_t *)"a@example.com", 13);
    sodium_bin2hex(hex, sizeof hex, d.b, sizeof d.b);
    assert_int_equal(fileio_write(list_path, span_z(hex), &err), PT_OK);
    ingest(&r, "email,status,basket,revenue\na@example.com,,,\nb@example.com,,,\n",
           MAP "suppression: {file: gone.txt, encoding: sha256-hex}\n");
    assert_good(&r);
    assert_int_equal(r.data->count, 1);
    vault_data_free(r.data);

    /* An entry that cannot be read must not be passed over. */
    assert_int_equal(fileio_write(list_path, span_z("email\nsecret.name@example.com\n"), &err),
                     PT_OK);
    ingest(&r, "email,status,basket,revenue\na@example.com,,,\n",
           MAP "suppression: {file: gone.txt}\n");
    assert_int_equal(r.rc, PT_EPARSE);
    assert_non_null(strstr(r.err.msg, "suppression list: "));
    assert_non_null(strstr(r.err.msg, "gone.txt: line 1: not an identifier"));
    assert_int_equal(fileio_write(list_path, (struct span){0}, &err), PT_OK);
    ingest(&r, "email,status,basket,revenue\na@example.com,,,\n",
           MAP "suppression: {file: gone.txt}\n");
    assert_good(&r);
    vault_data_free(r.data);
    unlink(list_path);
    ingest(&r, "email,status,basket,revenue\na@example.com,,,\n",
           MAP "suppression: {file: gone.txt}\n");
    assert_int_equal(r.rc, PT_EIO);
}

/* Goal: who was removed stays out, with every row and in any spelling, and is counted apart. */
static void removed_people_stay_out(void **state)
{
    struct run r;
    struct forgotten_person people[2] = {{.removed_s = 1}, {.removed_s = 1}};
    const struct forgotten f = {.number = 1, .people = people, .count = 2};
    struct buf text = {0};
    struct pt_err err;

    (void)state;
    crypto_hash_sha256(people[0].digest.b, (const uint8_t *)"ab@gmail.com", 12);
    crypto_hash_sha256(people[1].digest.b, (const uint8_t *)"z@example.com", 13);
    if (memcmp(people[0].digest.b, people[1].digest.b, 32) > 0) {
        const struct forgotten_person first = people[0];
        people[0] = people[1];
        people[1] = first;
    }
    removed = &f;
    ingest(&r,
           "email,status,basket,revenue\nA.B@gmail.com,new,,\nc@example.com,new,,\n"
           "ab+x@gmail.com,,,\n",
           MAP);
    removed = NULL;
    assert_good(&r);
    assert_int_equal(r.data->count, 1);
    (void)row_of(r.data, "c@example.com");
    assert_int_equal(r.report.rows_forgotten, 2);
    assert_int_equal(r.report.rows_suppressed, 0);
    assert_int_equal(r.report.stats.rows_suppressed, 2);
    assert_int_equal(ingest_print(&text, &r.report, &policy->partners[0], &err), PT_OK);
    assert_true(buf_u8(&text, 0));
    assert_non_null(strstr((const char *)text.p, "2 rows of people who were removed"));
    buf_free(&text);
    vault_data_free(r.data);
}

static void unusable_rows_are_counted_by_line(void **state)
{
    struct run r;
    struct buf csv = {0};
    struct buf text = {0};
    struct pt_err err;

    (void)state;
    assert_true(buf_printf(&csv, "email,status,basket,revenue\n"
                                 "good@example.com,new,,1\n"
                                 ",new,,1\n"
                                 "\"not an\naddress\",new,,1\n"
                                 "also@wrong,new,,1\n"));
    for (int i = 0; i < 30; i++)
        assert_true(buf_printf(&csv, "  ,,,\n"));
    for (int i = 0; i < 200; i++)
        assert_true(buf_printf(&csv, "c%d@example.com,loyal,dairy,1\n", i));
    assert_true(buf_printf(&csv, "short@example.com,new\nlast@example.com,gold,dairy,n/a\n"));
    assert_true(buf_u8(&csv, 0));
    ingest(&r, (const char *)csv.p, MAP);
    assert_good(&r);
    assert_int_equal(r.report.rows, 236);
    assert_int_equal(r.report.customers, 202);
    assert_int_equal(r.report.empty.count, 31);
    assert_int_equal(r.report.empty.first[0], 3);
    assert_int_equal(r.report.empty.first[19], 25);
    assert_int_equal(r.report.malformed.count, 2);
    assert_int_equal(r.report.malformed.first[0], 4);
    assert_int_equal(r.report.malformed.first[1], 6);
    assert_int_equal(r.report.width.count, 1);
    assert_int_equal(r.report.width.first[0], 237);
    assert_int_equal(r.report.attributes[segment].outside.count, 1);
    assert_int_equal(r.report.attributes[segment].outside.first[0], 238);
    assert_int_equal(r.report.attributes[spend].outside.count, 1);
    assert_int_equal(r.data->columns[segment].category[row_of(r.data, "last@example.com")],
                     VAULT_NONE);
    assert_int_equal(r.report.stats.values_dropped, 2);

    assert_int_equal(ingest_print(&text, &r.report, &policy->partners[0], &err), PT_OK);
    assert_true(buf_u8(&text, 0));
    assert_non_null(strstr((const char *)text.p, "202 customers from 236 rows\n"));
    assert_non_null(
        strstr((const char *)text.p, "2 rows with a malformed identifier, left out: lines 4, 6\n"));
    assert_non_null(strstr((const char *)text.p,
                           "1 values of segment outside the policy, dropped: line 238\n"));
    assert_non_null(strstr((const char *)text.p, "24, 25, ...\n"));
    assert_null(strstr((const char *)text.p, "@"));
    vault_data_free(r.data);
    buf_free(&csv);
    buf_free(&text);
}

/* ---- refusals: one defect a row, and no identifier in any message ---- */

static void refusals(void **state)
{
#define HEADER "email,status,basket,revenue\n"
    static const struct {
        const char *csv, *map;
        enum pt_code code;
        const char *want;
    } CASES[] = {
        {"", MAP, PT_EPARSE, "customers.csv: the file is empty"},
        {"\n\n", MAP, PT_EPARSE, "the file has no header line"},
        {HEADER, MAP, PT_EPARSE, "the file has a header and no rows"},
        {"mail,status,basket,revenue\nsecret@example.com,,,\n", MAP, PT_EPARSE,
         "line 1: no column \"email\" (identifier); the file has: mail, status, basket, revenue; "
         "is the delimiter right?"},
        {"email,basket,revenue\nsecret@example.com,,,\n", MAP, PT_EPARSE,
         "no column \"status\" (segment)"},
        {"email;status;basket;revenue\nsecret@example.com;;;\n", MAP, PT_EPARSE,
         "the file has: email;status;basket;revenue"},
        {"secret@example.com,new,,\n", MAP, PT_EPARSE, "does the file begin with a header?"},
        {"+43 664 1234567,new,,\n", MAP, PT_EPARSE, "does the file begin with a header?"},
        {"email,status,email,basket,revenue\n", MAP, PT_EPARSE,
         "line 1: two columns are named \"email\" (identifier)"},
        {HEADER "secret@example.com,new,,\nsecret\xff@example.com,,,\n", MAP, PT_EPARSE,
         "customers.csv: line 3: not UTF-8 text"},
        {HEADER "secret@example.com,\"new,,\n", MAP, PT_EPARSE,
         "line 2: a quote in the row that begins here is never closed"},
        {HEADER "secret@example.com,gold,,\nsecret2@example.com,new,,\n", MAP, PT_ELIMIT,
         "segment: 1 of 2 values are not among the policy's, more than max_bad_share (1 %); lines "
         "2; correct the file, or list words under values: in the map"},
        {HEADER "secret@example.com,,,\"1,5\"\n", MAP, PT_ELIMIT,
         "spend: 1 of 1 values are no numbers, more than max_bad_share (1 %); lines 2; correct the "
         "file, or set decimal:"},
        {HEADER "secret@example.com,,,1e3\n", MAP, PT_ELIMIT, "are no numbers"},
        {HEADER "secret@example.com,,,-\n", MAP, PT_ELIMIT, "are no numbers"},
        {HEADER "secret@example.com,,,1.2.3\n", MAP, PT_ELIMIT, "are no numbers"},
        {HEADER "secret@example.com,,,1234567890123456789\n", MAP, PT_ELIMIT, "are no numbers"},
        {HEADER "secret@example.com,new,,1,5\n", MAP, PT_ELIMIT,
         "1 of 1 rows have not the 4 fields of the header"},
        {HEADER "not an address,new,,1\n", MAP, PT_ELIMIT,
         "0 customers, and the policy says drinkco has 1 to 1000000 (customers); of 1 rows 0 had "
         "no identifier, 1 a malformed one"},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(CASES); i++) {
        struct run r;
        ingest(&r, CASES[i].csv, CASES[i].map);
        if (r.rc != CASES[i].code || strstr(r.err.msg, CASES[i].want) == NULL)
            fail_msg("case %zu: code %d, \"%s\" lacks \"%s\"", i, (int)r.rc, r.err.msg,
                     CASES[i].want);
        assert_null(strstr(r.err.msg, "secret"));
        assert_null(strstr(r.err.msg, "664"));
    }
}

static void huge_field_and_odd_files(void **state)
{
    struct run r;
    struct pt_err err;
    size_t n = 10u << 20;
    char *csv = malloc(n + 1);

    (void)state;
    assert_non_null(csv);
    memset(csv, 'a', n);
    csv[n] = '\0';
    memcpy(csv, HEADER "a@b.c,\"", 35);
    ingest(&r, csv, MAP);
    assert_int_equal(r.rc, PT_ELIMIT);
    assert_non_null(strstr(r.err.msg, "line 2: a field of more than 1 MiB"));
    free(csv);
    ingest_file(&r, dir, MAP, policy);
    assert_int_equal(r.rc, PT_EIO);
    assert_non_null(strstr(r.err.msg, "it is a folder"));
    assert_int_equal(fileio_remove(csv_path, &err), PT_OK);
    ingest_file(&r, csv_path, MAP, policy);
    assert_int_equal(r.rc, PT_EIO);
    assert_non_null(strstr(r.err.msg, "no such file or folder"));
}

static void counts_outside_the_policy_are_refused(void **state)
{
    struct policy_partner *me = &policy->partners[0];
    struct run r;

    (void)state;
    me->customers_min = 3;
    ingest(&r, HEADER "a@b.c,,,\nb@b.c,,,\na@b.c,,,\n", MAP);
    assert_int_equal(r.rc, PT_ELIMIT);
    assert_non_null(strstr(r.err.msg, "2 customers, and the policy says drinkco has 3 to 1000000"));
    me->customers_min = 1;
    me->customers_max = 1;
    ingest(&r, HEADER "a@b.c,,,\nb@b.c,,,\n", MAP);
    assert_int_equal(r.rc, PT_ELIMIT);
    me->customers_max = 1000000;
}

/* At the share it passes, above it does not; words that the map says to drop do not count. */
static void the_stated_share_is_the_limit(void **state)
{
    static const char csv[] = HEADER "a@b.c,new,,\nb@b.c,loyal,,\nc@b.c,gold,,\nd@b.c,new,,\n";
    struct run r;

    (void)state;
    ingest(&r, csv, MAP "max_bad_share: 0.25\n");
    assert_good(&r);
    vault_data_free(r.data);
    ingest(&r, csv, MAP "max_bad_share: 0.249999\n");
    assert_int_equal(r.rc, PT_ELIMIT);
    ingest(&r, csv,
           HEAD "attributes:\n"
                "  segment: {column: status, values: {new: new, loyal: lapsed}}\n"
                "  buys: {column: basket, separator: \"|\"}\n"
                "  spend: {column: revenue}\n"
                "max_bad_share: 0\n");
    assert_good(&r);
    assert_int_equal(r.report.attributes[segment].dropped, 1);
    assert_int_equal(r.data->columns[segment].category[row_of(r.data, "b@b.c")], 2);
    vault_data_free(r.data);
}

/* ---- long form on real data ---- */

static sqlite3 *purchases; /* (member, item): the groceries file as a table */

static void load_purchases(FILE *out)
{
    FILE *f = fopen("../shared/data/groceries/purchases.csv", "r");
    sqlite3_stmt *insert = NULL;
    char line[256];

    assert_int_equal(sqlite3_open(":memory:", &purchases), SQLITE_OK);
    assert_int_equal(sqlite3_exec(purchases, "CREATE TABLE p(member INTEGER, item TEXT); BEGIN",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(purchases, "INSERT INTO p VALUES(?, ?)", -1, &insert, NULL),
                     SQLITE_OK);
    assert_non_null(fgets(line, sizeof line, f));
    fputs("card,item\r\n", out);
    while (fgets(line, sizeof line, f) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        int member = (int)strtol(line, NULL, 10); /* 0: some cells are empty */
        assert_non_null(strchr(line, ','));
        const char *item = strrchr(line, ',') + 1;
        if (member > 0)
            fprintf(out, "\"Member%d@Example.COM\"", member);
        fprintf(out, ",%s\r\n", item);
        sqlite3_bind_int(insert, 1, member);
        sqlite3_bind_text(insert, 2, item, -1, SQLITE_TRANSIENT);
        assert_int_equal(sqlite3_step(insert), SQLITE_DONE);
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    assert_int_equal(sqlite3_exec(purchases, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    fclose(f);
}

static sqlite3_stmt *query(const char *sql)
{
    sqlite3_stmt *s = NULL;
    assert_int_equal(sqlite3_prepare_v2(purchases, sql, -1, &s, NULL), SQLITE_OK);
    return s;
}

/* Goal: 38,765 purchases become 3,898 people with exactly their items.
 * Method: SQLite's own DISTINCT over the same file, in which "cream cheese " has a space behind
 * it, and some members and some items are empty. */
static void groceries_in_long_form(void **state)
{
    static char items[POLICY_VALUES_MAX][POLICY_VALUE_MAX + 1];
    struct policy_attribute bought = {
        .name = "bought", .type = ATTRIBUTE_SET, .values = items, .max_per_person = 10};
    struct policy_partner me = {.name = "grocer",
                                .customers_min = 1000,
                                .customers_max = 10000,
                                .attributes = &bought,
                                .attribute_count = 1};
    const struct policy p = {
        .identifier = IDENTIFIER_EMAIL, .rules = RULES_UID2, .partners = &me, .partner_count = 1};
    struct run r;

    (void)state;
    if (access("../shared/data/groceries/purchases.csv", R_OK) != 0)
        skip();
    FILE *out = fopen(csv_path, "w");
    assert_non_null(out);
    load_purchases(out);
    assert_int_equal(fclose(out), 0);
    sqlite3_stmt *s = query("SELECT DISTINCT trim(item) FROM p WHERE trim(item) <> '' ORDER BY 1");
    while (sqlite3_step(s) == SQLITE_ROW)
        snprintf(items[bought.value_count++], sizeof items[0], "%s",
                 (const char *)sqlite3_column_text(s, 0));
    sqlite3_finalize(s);

    ingest_file(&r, csv_path,
                "patto-map: 1\nform: long\nidentifier: {column: card}\n"
                "attributes: {bought: {column: item}}\n",
                &p);
    assert_good(&r);
    assert_int_equal(r.report.rows, 38765);
    assert_int_equal(r.data->count, 3898);
    s = query("SELECT count(*) FROM p WHERE member = 0");
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    assert_int_equal(r.report.empty.count, sqlite3_column_int64(s, 0));
    sqlite3_finalize(s);
    uint64_t pairs = 0;
    s = query("SELECT DISTINCT member, trim(item) FROM p WHERE trim(item) <> '' AND member > 0 "
              "ORDER BY member");
    int last = -1;
    size_t row = 0;
    while (sqlite3_step(s) == SQLITE_ROW) {
        char name[64];
        int member = sqlite3_column_int(s, 0);
        snprintf(name, sizeof name, "member%d@example.com", member);
        if (member != last)
            row = row_of(r.data, name);
        last = member;
        int v = policy_find_value(&bought, span_z((const char *)sqlite3_column_text(s, 1)));
        assert_true(v >= 0);
        assert_true(r.data->columns[0].set[row * 3 + (size_t)v / 64] >> v % 64 & 1);
        pairs++;
    }
    sqlite3_finalize(s);
    for (size_t i = 0; i < 3898 * 3; i++)
        pairs -= (uint64_t)__builtin_popcountll(r.data->columns[0].set[i]);
    assert_int_equal(pairs, 0); /* and not one item more */
    vault_data_free(r.data);
    sqlite3_close(purchases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(removed_people_stay_out),
        cmocka_unit_test(rows_of_one_person_merge),
        cmocka_unit_test(numbers_combine_as_the_policy_says),
        cmocka_unit_test(clipped_after_combining),
        cmocka_unit_test(consent_and_suppression_exclude_people),
        cmocka_unit_test(unusable_rows_are_counted_by_line),
        cmocka_unit_test(refusals),
        cmocka_unit_test(huge_field_and_odd_files),
        cmocka_unit_test(counts_outside_the_policy_are_refused),
        cmocka_unit_test(the_stated_share_is_the_limit),
        cmocka_unit_test(groceries_in_long_form),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
