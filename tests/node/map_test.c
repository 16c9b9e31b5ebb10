#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "node/map.h"
#include "tests/policy_fixture.h"

#define HEAD       "patto-map: 1\nform: wide\nidentifier: {column: email}\n"
#define SEGMENT    "  segment: {column: status}\n"
#define BUYS       "  buys: {column: basket, separator: \"|\"}\n"
#define SPEND      "  spend: {column: revenue}\n"
#define ATTRIBUTES "attributes:\n" SEGMENT BUYS SPEND

static int make_policy(void **state)
{
    *state = fixture_policy(2);
    return 0;
}

static int free_policy(void **state)
{
    policy_free(*state);
    return 0;
}

/* drinkco is partner 0 in name order; both have the same attributes. */
static enum pt_code parse(struct map **m, const char *text, const struct policy *policy,
                          struct pt_err *err)
{
    const struct map_for to = {policy, 0, "some/folder"};
    return map_parse(m, span_z(text), &to, err);
}

static void everything_a_map_can_say(void **state)
{
    struct map *m = NULL;
    struct pt_err err = {0};

    assert_int_equal(parse(&m,
                           "patto-map: 1\n"
                           "form: long\n"
                           "delimiter: tab\n"
                           "max_bad_share: 0.05\n"
                           "identifier: {column: mail, encoding: sha256-hex}\n"
                           "attributes:\n"
                           "  segment: {column: status, values: {N: new, \"99\": lapsed, "
                           "n: new}, others: report}\n"
                           "  buys:\n"
                           "    column: item\n"
                           "    values: {whole milk: dairy, butter: dairy, apple: fruit}\n"
                           "  spend: {column: revenue, decimal: \",\"}\n"
                           "consent: {column: opt_in, accept: [yes, \"1\"]}\n"
                           "suppression: {file: gone.txt, encoding: raw}\n",
                           *state, &err),
                     PT_OK);
    assert_int_equal(m->form, MAP_LONG);
    assert_int_equal(m->delimiter, '\t');
    assert_int_equal(m->bad_micro, 50000);
    assert_true(span_eq_vartime(m->identifier_column, span_z("mail")));
    assert_int_equal(m->identifier.encoding, ENCODING_SHA256_HEX);
    assert_int_equal(m->suppression.encoding, ENCODING_RAW);
    assert_int_equal(m->identifier.rules, RULES_UID2);
    assert_string_equal(m->suppression_path, "some/folder/gone.txt");
    assert_int_equal(m->consent_accept_count, 2);
    assert_int_equal(m->attribute_count, 3);
    /* Attributes lie as the policy has them, whatever the order in the map. */
    const struct policy_partner *me = &((struct policy *)*state)->partners[0];
    const struct map_attribute *segment = &m->attributes[policy_find_attribute(me, "segment")];
    const struct map_attribute *buys = &m->attributes[policy_find_attribute(me, "buys")];
    const struct map_attribute *spend = &m->attributes[policy_find_attribute(me, "spend")];
    assert_int_equal(map_find_word(segment, span_z("N")), 0);
    assert_int_equal(map_find_word(segment, span_z("99")), 2);
    assert_int_equal(map_find_word(segment, span_z("new")), -1); /* not listed */
    assert_false(segment->drop_others);
    assert_int_equal(map_find_word(buys, span_z("butter")), 0);
    assert_int_equal(map_find_word(buys, span_z("apple")), 1);
    assert_int_equal(map_find_word(buys, span_z("appl")), -1);
    assert_true(buys->drop_others);
    assert_int_equal(spend->decimal, ',');
    map_free(m);

    assert_int_equal(parse(&m, HEAD ATTRIBUTES "suppression: {file: /gone}\n", *state, &err),
                     PT_OK);
    assert_int_equal(m->delimiter, ',');
    assert_int_equal(m->bad_micro, 10000);
    assert_int_equal(
        map_find_word(&m->attributes[policy_find_attribute(me, "segment")], span_z("lapsed")), 2);
    assert_string_equal(m->suppression_path, "/gone");
    map_free(m);
}

/* One defect a row. Each message names the place and what could stand there. */
static void refusals(void **state)
{
    static const struct {
        const char *text, *want;
    } CASES[] = {
        {"", "line 1, column 1: the file is empty"},
        {"\n# nothing\n", ""},
        {"[]", "line 1, column 1: expected the map as a map of: patto-map form"},
        {"form: wide\n",
         "these keys are missing: patto-map, identifier, attributes; `patto --home"},
        {"form: wide\nidentifier: {column: a}\n" ATTRIBUTES,
         "\"patto-map\" is missing: write patto-map: 1"},
        {"patto-map: 2\nform: wide\n", "line 1, column 12: expected patto-map: 1"},
        {"patto-map: 1\nidentifier: {column: a}\n" ATTRIBUTES,
         "\"form\" is missing: write form: wide (a row a customer) or form: long"},
        {"patto-map: 1\nform: tall\n", "line 2, column 7: expected wide (a row a customer) or"},
        {"patto-map: 1\nform: wide\ndelimeter: \",\"\n",
         "line 3, column 1: unknown key \"delimeter\" in the map"},
        {"patto-map: 1\nform: wide\ndelimiter: \",,\"\n",
         "expected for \"delimiter\" one character"},
        {"patto-map: 1\nform: wide\ndelimiter: '\"'\n", "expected for \"delimiter\" one character"},
        {"patto-map: 1\nform: wide\ndelimiter: [a]\n", "expected for \"delimiter\" one character"},
        {"patto-map: 1\nform: wide\nform: long\n", "line 3"},
        {"patto-map: 1\nform: wide\n" ATTRIBUTES, "\"identifier\" is missing: write identifier: {"},
        {"patto-map: 1\nform: wide\nidentifier: email\n",
         "line 3, column 13: expected identifier as a map of:"},
        {"patto-map: 1\nform: wide\nidentifier: {encoding: raw}\n", "\"column\" is missing"},
        {"patto-map: 1\nform: wide\nidentifier: {column: a, encoding: md5}\n",
         "line 3, column 35: expected raw, sha256-hex or sha256-base64"},
        {"patto-map: 1\nform: wide\nidentifier: {column: a, country_code: 43}\n",
         "country_code is for phone numbers"},
        {"patto-map: 1\nform: wide\nidentifier: {column: \"\"}\n",
         ": expected text for \"column\""},
        {HEAD, "\"attributes\" is missing"},
        {HEAD "attributes:\n" SEGMENT BUYS, "\"spend\" is missing"},
        {HEAD ATTRIBUTES "  tier: {column: x}\n",
         "line 8, column 3: unknown key \"tier\" in attri"},
        {HEAD "attributes:\n  segment: {column: a, separator: \";\"}\n" BUYS SPEND,
         "unknown key \"separator\" in segment; it may have: column values others"},
        {HEAD "attributes:\n  segment: {column: a, values: {x: gold}}\n" BUYS SPEND,
         "\"gold\" is not a value of segment in the policy"},
        {HEAD "attributes:\n  segment: {column: a, values: {x: [new]}}\n" BUYS SPEND,
         "is not a value of segment"},
        {HEAD "attributes:\n  segment: {column: a, values: {}}\n" BUYS SPEND, "expected 1 to 4096"},
        {HEAD "attributes:\n  segment: {column: a, others: keep}\n" BUYS SPEND,
         "expected drop or report"},
        {HEAD "attributes:\n" SEGMENT "  buys: {column: a}\n" SPEND,
         "buys is a set: in the wide form it needs a separator"},
        {HEAD "attributes:\n" SEGMENT BUYS "  spend: {column: a, decimal: \";\"}\n",
         "expected \".\" or \",\""},
        {HEAD "attributes:\n" SEGMENT BUYS "  spend: {column: [a]}\n", "expected text for"},
        {HEAD ATTRIBUTES "consent: {column: x}\n", "\"accept\" is missing"},
        {HEAD ATTRIBUTES "consent: {column: x, accept: yes}\n", "expected a list of 1 to 32 words"},
        {HEAD ATTRIBUTES "consent: {column: x, accept: []}\n", "expected a list of 1 to 32 words"},
        {HEAD ATTRIBUTES "consent: {column: x, accept: [\" \"]}\n",
         "an empty cell is never consent"},
        {HEAD ATTRIBUTES "suppression: {encoding: raw}\n", "\"file\" is missing"},
        {HEAD ATTRIBUTES "max_bad_share: 1.5\n", "expected a share from 0 to 1, such as 0.01"},
        {HEAD ATTRIBUTES "max_bad_share: 1%\n", "expected a share from 0 to 1, such as 0.01"},
    };

    for (size_t i = 0; i < PT_LEN(CASES); i++) {
        struct map *m = NULL;
        struct pt_err err = {0};
        enum pt_code rc = parse(&m, CASES[i].text, *state, &err);
        if (rc != PT_EPARSE)
            fail_msg("case %zu: code %d, \"%s\"", i, (int)rc, err.msg);
        assert_null(m);
        if (strstr(err.msg, CASES[i].want) == NULL)
            fail_msg("case %zu: \"%s\" lacks \"%s\"", i, err.msg, CASES[i].want);
    }
}

static void phone_maps_may_name_a_country(void **state)
{
    struct policy *policy = *state;
    struct map *m = NULL;
    struct pt_err err = {0};

    policy->identifier = IDENTIFIER_PHONE;
    assert_int_equal(parse(&m,
                           "patto-map: 1\nform: wide\n"
                           "identifier: {column: tel, country_code: 43}\n" ATTRIBUTES,
                           policy, &err),
                     PT_OK);
    assert_string_equal(m->identifier.country_code, "43");
    assert_string_equal(m->suppression.country_code, "43");
    map_free(m);
    static const char *const WRONG[] = {"\"0\"", "1234", "+43", "AT"};
    for (size_t i = 0; i < PT_LEN(WRONG); i++) {
        char text[512];
        snprintf(text, sizeof text,
                 "patto-map: 1\nform: wide\nidentifier: {column: tel, country_code: %s}\n%s",
                 WRONG[i], ATTRIBUTES);
        assert_int_equal(parse(&m, text, policy, &err), PT_EPARSE);
        assert_non_null(strstr(err.msg, ": expected a country calling code of 1 to 3 digits"));
    }
    policy->identifier = IDENTIFIER_EMAIL;
}

/* The example that people copy is one that works. */
static void readme_example_is_a_map(void **state)
{
    struct buf text = {0};
    struct map *m = NULL;
    struct pt_err err = {0};

    assert_int_equal(fileio_read(&text, "node/README.md", 1 << 20, &err), PT_OK);
    assert_true(buf_u8(&text, 0));
    char *from = strstr((char *)text.p, "```yaml\npatto-map: 1");
    assert_non_null(from);
    char *to = strstr(from + 8, "```");
    assert_non_null(to);
    *to = '\0';
    if (parse(&m, from + 8, *state, &err) != PT_OK)
        fail_msg("%s", err.msg);
    map_free(m);
    buf_free(&text);
}

static void errors_of_a_file_name_it(void **state)
{
    char dir[] = P_tmpdir "/patto-map-XXXXXX";
    char path[FILEIO_PATH_MAX];
    struct map *m = NULL;
    struct pt_err err = {0};

    assert_non_null(mkdtemp(dir));
    assert_int_equal(fileio_join(path, dir, "MAP.yaml", &err), PT_OK);
    assert_int_equal(map_read(&m, path, *state, 0, &err), PT_EIO);
    assert_int_equal(fileio_write(path, span_z(HEAD), &err), PT_OK);
    assert_int_equal(map_read(&m, path, *state, 0, &err), PT_EPARSE);
    assert_non_null(strstr(err.msg, "MAP.yaml: line 1, column 1: \"attributes\" is missing"));
    assert_int_equal(
        fileio_write(path, span_z(HEAD ATTRIBUTES "suppression: {file: out.txt}\n"), &err), PT_OK);
    assert_int_equal(map_read(&m, path, *state, 0, &err), PT_OK);
    assert_non_null(strstr(m->suppression_path, dir));
    map_free(m);
    map_free(NULL);
    unlink(path);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_a_map_can_say),      cmocka_unit_test(refusals),
        cmocka_unit_test(phone_maps_may_name_a_country), cmocka_unit_test(readme_example_is_a_map),
        cmocka_unit_test(errors_of_a_file_name_it),
    };
    return cmocka_run_group_tests(tests, make_policy, free_policy);
}
