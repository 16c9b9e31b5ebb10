#include "node/log_export.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/policy_fixture.h"
#include "tests/scratch.h"
#include "tests/tlog_fixture.h"

/* Partner 0 exports for partner 1; partner 2 has events too. */
struct bed {
    struct home home;
    struct home_keys keys;
    struct audit audit;
    struct translog *log;
    const struct policy *policy;
    size_t reader;
    struct buf text;
};

static size_t index_of(const struct policy *p, size_t i)
{
    struct fixture_partner partner;

    fixture_partner_init(&partner, i, NULL);
    return (size_t)policy_find_partner(p, partner.name);
}

static void begin(struct bed *b, void **state)
{
    struct fixture_partner partner;
    struct pt_err err = {0};

    memset(b, 0, sizeof *b);
    fixture_partner_init(&partner, 0, NULL);
    b->keys.node = partner.node;
    b->home.policy = fixture_policy(3);
    b->policy = b->home.policy;
    b->home.self = (uint16_t)index_of(b->policy, 0);
    b->reader = index_of(b->policy, 1);
    b->home.keys = &b->keys;
    snprintf(b->home.dir, sizeof b->home.dir, "%s", (const char *)*state);
    b->audit.home = &b->home;
    assert_int_equal(
        store_open(&b->audit.store, scratch_path(state, "state.db"), STORE_WRITE, &err), PT_OK);
    assert_int_equal(translog_open(&b->log, &b->home, b->audit.store, &err), PT_OK);
}

static void add(struct bed *b, const char *kind, const char *key, size_t partner)
{
    struct store_place place;
    struct pt_err err = {0};
    char fields[128];

    snprintf(fields, sizeof fields, "%s=%s", key, b->policy->partners[partner].name);
    assert_int_equal(store_event(&place, b->audit.store, kind, fields, 77, &err), PT_OK);
}

static void publish(struct bed *b)
{
    struct buf note;
    struct pt_err err = {0};

    assert_int_equal(translog_checkpoint(&note, b->log, 99, &err), PT_OK);
    buf_free(&note);
}

static enum pt_code write_export(struct bed *b, size_t *count, struct pt_err *err)
{
    buf_free(&b->text);
    return log_export_write(&b->text, count, &b->audit, b->policy->partners[b->reader].name, 555,
                            err);
}

static void end(struct bed *b)
{
    buf_free(&b->text);
    translog_close(b->log);
    store_close(b->audit.store);
    policy_free(b->home.policy);
}

static void fill(struct bed *b)
{
    add(b, "policy", "version", 0);
    add(b, "charge", "recipient", b->reader);
    add(b, "charge", "recipient", index_of(b->policy, 2));
    add(b, "asked", "with", b->reader);
    add(b, "tokenise", "points", 0);
}

/* Goal: the reader gets what concerns it and is published, and nothing of the other partner. */
static void the_reader_gets_its_own(void **state)
{
    static struct bed b;
    struct log_export e;
    struct pt_err err = {0};
    size_t count;

    begin(&b, state);
    fill(&b);
    assert_int_equal(write_export(&b, &count, &err), PT_ESTATE);
    publish(&b);
    add(&b, "charge", "recipient", b.reader); /* not published yet */
    if (write_export(&b, &count, &err) != PT_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(count, 3);
    assert_null(memmem(b.text.p, b.text.n, b.policy->partners[index_of(b.policy, 2)].name,
                       strlen(b.policy->partners[index_of(b.policy, 2)].name)));
    if (log_export_read(&e, buf_span(&b.text), b.policy, b.reader, &err) != PT_OK)
        fail_msg("%s", err.msg);
    assert_string_equal(e.from, b.policy->partners[b.home.self].name);
    assert_true(e.count == 3 && e.checkpoint.size == 5 && e.made_s == 555 && e.cosigned == 0);
    assert_string_equal(e.events[0].kind, "policy");
    assert_true(e.events[1].sequence == 2 && e.events[1].at_s == 77);
    assert_string_equal(e.events[2].kind, "asked");
    log_export_free(&e);
    /* Nobody else takes it. */
    assert_int_equal(log_export_read(&e, buf_span(&b.text), b.policy, index_of(b.policy, 2), &err),
                     PT_EDENIED);
    assert_non_null(strstr(err.msg, "not for us"));
    end(&b);
}

/* Replace the first `from` by `to`; the same length, or the test fails. */
static void put(struct buf *text, const char *from, const char *to)
{
    char *p = memmem(text->p, text->n, from, strlen(from));

    assert_non_null(p);
    assert_int_equal(strlen(from), strlen(to));
    memcpy(p, to, strlen(to));
}

static void changed_exports_are_refused(void **state)
{
    static const struct {
        const char *from, *to;
        enum pt_code code;
    } CASES[] = {
        {"\"kind\": \"charge\"", "\"kind\": \"chargf\"", PT_EDENIED},
        {"\"at\": 77", "\"at\": 78", PT_EDENIED},
        {"\"event\": 2", "\"event\": 3", PT_EDENIED},
        {"\"event\": 2", "\"event\": 9", PT_EDENIED},
        {"\"event\": 2", "\"event\": 1", PT_EPARSE},
        {"\"event\": 1,", "\"event\":-1,", PT_EPARSE},
        {"\"salt\": \"", "\"salt\": \"g", PT_EPARSE},
        {"\\n5\\n", "\\n6\\n", PT_EDENIED},
        {"\"patto_audit_export\": 1", "\"patto_audit_export\": 2", PT_EPARSE},
        {"\"made\"", "\"mode\"", PT_EPARSE},
        {"{", "[", PT_EPARSE},
    };
    static struct bed b;
    struct log_export e;
    struct pt_err err = {0};
    size_t count;

    begin(&b, state);
    fill(&b);
    publish(&b);
    for (size_t i = 0; i < PT_LEN(CASES); i++) {
        assert_int_equal(write_export(&b, &count, &err), PT_OK);
        if (strcmp(CASES[i].from, "\"salt\": \"") == 0)
            memcpy((char *)memmem(b.text.p, b.text.n, "\"salt\": \"", 9) + 9, "g", 1);
        else
            put(&b.text, CASES[i].from, CASES[i].to);
        enum pt_code rc = log_export_read(&e, buf_span(&b.text), b.policy, b.reader, &err);
        if (rc != CASES[i].code)
            fail_msg("case %zu: %d, %s", i, rc, err.msg);
        assert_null(e.events);
    }
    assert_int_equal(log_export_read(&e, span_z(""), b.policy, b.reader, &err), PT_EPARSE);
    end(&b);
}

/* Goal: an export by the other implementation is read, its cosignatures counted.
 * Method: tests/tlog/make.py's; a policy with its keys. */
static void the_other_implementations_export(void **state)
{
    struct tlog_fixture f = tlog_fixture_load();
    struct policy_partner partners[] = {{.name = "drinkco", .node = f.log.public_key},
                                        {.name = "freshmart"},
                                        {.name = "witness2", .node = f.witness[0].public_key},
                                        {.name = "witness3", .node = f.witness[1].public_key}};
    const struct policy p = {
        .federation = "alpine", .partners = partners, .partner_count = PT_LEN(partners)};
    struct log_export e;
    struct buf text = {0};
    struct pt_err err = {0};

    (void)state;
    fixture_read(&text, "tests/kat/tlog/export.json");
    if (log_export_read(&e, buf_span(&text), &p, 1, &err) != PT_OK)
        fail_msg("%s", err.msg);
    assert_string_equal(e.from, "drinkco");
    assert_true(e.count == 3 && e.checkpoint.size == 5 && e.cosigned == 2);
    assert_string_equal(e.events[1].kind, "charge");
    log_export_free(&e);
    /* Our own log's, or one of nobody: not taken. */
    assert_int_equal(log_export_read(&e, buf_span(&text), &p, 0, &err), PT_EDENIED);
    snprintf(partners[0].name, sizeof partners[0].name, "drinkca");
    assert_int_equal(log_export_read(&e, buf_span(&text), &p, 1, &err), PT_EDENIED);
    assert_non_null(strstr(err.msg, "nobody else"));
    buf_free(&text);
    tlog_fixture_free(&f);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        CASE(the_reader_gets_its_own),
        CASE(changed_exports_are_refused),
        CASE(the_other_implementations_export),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
