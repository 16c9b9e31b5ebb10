/* Goal: a witness signs only what continues what it has seen of a log, remembers it first, and keeps
 * the evidence of what does not; a receipt proves its answer, and nothing that was changed does.
 * Method: freshmart's log over a store of events, drinkco as the witness with a store of its own. */
#include "node/witness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "crypto/base/text.h"
#include "node/receipt.h"
#include "node/translog.h"
#include "policy/log_key.h"
#include "tests/policy_fixture.h"
#include "tests/scratch.h"

enum { NOW_S = 1796990400 };

struct node {
    struct home home;
    struct home_keys keys;
    struct store *store;
    struct translog *log;
};
struct bed {
    struct policy *policy;
    struct node owner, watch; /* freshmart, drinkco */
    struct pt_err err;
};

static void node_begin(struct node *n, struct bed *b, size_t partner, void **state)
{
    struct fixture_partner p;
    char db[64];

    fixture_partner_init(&p, partner, NULL);
    n->keys.node = p.node;
    n->home.policy = b->policy;
    n->home.self = (uint16_t)policy_find_partner(b->policy, p.name);
    n->home.keys = &n->keys;
    snprintf(n->home.dir, sizeof n->home.dir, "%s/%s", (const char *)*state, p.name);
    assert_int_equal(mkdir(n->home.dir, 0700), 0);
    snprintf(db, sizeof db, "%s.db", p.name);
    if (store_open(&n->store, scratch_path(state, db), STORE_WRITE, &b->err) != PT_OK ||
        translog_open(&n->log, &n->home, n->store, &b->err) != PT_OK)
        fail_msg("%s", b->err.msg);
}

static void begin(struct bed *b, void **state)
{
    memset(b, 0, sizeof *b);
    b->policy = fixture_policy(2);
    node_begin(&b->owner, b, 0, state);
    node_begin(&b->watch, b, 1, state);
}

static void end(struct bed *b)
{
    struct node *const nodes[] = {&b->owner, &b->watch};

    for (size_t i = 0; i < 2; i++) {
        translog_close(nodes[i]->log);
        store_close(nodes[i]->store);
    }
    policy_free(b->policy);
}

static uint64_t add_event(struct node *n, const char *kind, const char *fields)
{
    struct store_place place;
    struct pt_err err = {0};

    assert_int_equal(store_event(&place, n->store, kind, fields, NOW_S, &err), PT_OK);
    return place.sequence;
}

static void checkpoint(struct buf *note, struct bed *b)
{
    if (translog_checkpoint(note, b->owner.log, NOW_S, &b->err) != PT_OK)
        fail_msg("%s", b->err.msg);
}

/* Submit the note, as from old_size, with the log's own proof. */
static enum pt_code submit(struct buf *line, uint64_t *known, struct bed *b, const struct buf *note,
                           uint64_t old_size)
{
    const struct witness w = {.home = &b->watch.home, .store = b->watch.store};
    struct merkle_proof proof = {0};
    const struct merkle_range range = {.old = old_size, .size = translog_size(b->owner.log)};
    const struct witness_head head = {.partner = b->owner.home.self,
                                      .note = buf_span(note),
                                      .old_size = old_size,
                                      .proof = &proof};

    *line = (struct buf){0};
    if (old_size <= range.size)
        assert_int_equal(translog_consistency(&proof, b->owner.log, range, &b->err), PT_OK);
    return witness_cosign(line, known, &w, &head, NOW_S, &b->err);
}

static uint64_t seen(struct bed *b)
{
    const struct witness w = {.home = &b->watch.home, .store = b->watch.store};
    struct witness_seen s;

    assert_int_equal(witness_seen(&s, &w, b->owner.home.self, &b->err), PT_OK);
    return s.size;
}

static void line_is_good(struct bed *b, const struct buf *note, const struct buf *line)
{
    struct note_key log;
    struct note_key witness;
    struct buf whole = {0};

    assert_int_equal(log_key_make(&log, b->policy, b->owner.home.self, NOTE_ED25519, &b->err),
                     PT_OK);
    assert_int_equal(
        log_key_make(&witness, b->policy, b->watch.home.self, NOTE_COSIGNATURE, &b->err), PT_OK);
    if (translog_with_line(&whole, buf_span(note), &log, &witness, buf_span(line), &b->err) !=
        PT_OK)
        fail_msg("%s", b->err.msg);
    buf_free(&whole);
}

static void heads_that_continue_are_signed(void **state)
{
    struct bed b;
    struct buf note;
    struct buf line;
    uint64_t known;

    begin(&b, state);
    for (uint64_t size = 1; size <= 5; size++) {
        add_event(&b.owner, "asked", "with=drinkco");
        checkpoint(&note, &b);
        assert_int_equal(submit(&line, &known, &b, &note, size - 1), PT_OK);
        line_is_good(&b, &note, &line);
        assert_int_equal(seen(&b), size);
        buf_free(&line);
        /* The same head again is signed again. */
        assert_int_equal(submit(&line, &known, &b, &note, size), PT_OK);
        assert_true(line.n > 0);
        buf_free(&line);
        buf_free(&note);
    }
    /* Who thinks that it knows less is told, and nothing is signed. */
    add_event(&b.owner, "asked", "with=drinkco");
    checkpoint(&note, &b);
    assert_int_equal(submit(&line, &known, &b, &note, 2), PT_OK);
    assert_int_equal(line.n, 0);
    assert_int_equal(known, 5);
    assert_int_equal(seen(&b), 5);
    assert_int_equal(submit(&line, &known, &b, &note, 5), PT_OK);
    line_is_good(&b, &note, &line);
    buf_free(&line);
    buf_free(&note);
    end(&b);
}

static void who_has_signed_is_counted(void **state)
{
    struct bed b;
    struct buf note;
    struct buf line;
    struct witness_signed s;
    uint64_t known;
    bool found;

    begin(&b, state);
    const size_t owner = b.owner.home.self;
    const size_t watch = b.watch.home.self;
    b.policy->witnesses = 3;
    b.policy->witness_quorum = 2;
    assert_int_equal(witness_published(&s, &found, &b.owner.home, &b.err), PT_OK);
    assert_false(found);
    add_event(&b.owner, "asked", "with=drinkco");
    checkpoint(&note, &b);
    assert_int_equal(witness_published(&s, &found, &b.owner.home, &b.err), PT_OK);
    assert_true(found && s.head.size == 1 && s.had == 0 && s.needed == 1);
    assert_int_equal(submit(&line, &known, &b, &note, 0), PT_OK);
    assert_true(buf_add(&note, line.p, line.n));
    assert_int_equal(translog_cosigned(b.owner.log, buf_span(&note), &b.err), PT_OK);
    assert_int_equal(witness_published(&s, &found, &b.owner.home, &b.err), PT_OK);
    assert_true(s.had == 1 && s.by[watch] && !s.by[owner]);
    assert_int_equal(s.at_s[watch], NOW_S);
    /* A line that is the witness's by name alone spoils the head. */
    note.p[note.n - 8] = note.p[note.n - 8] == 'A' ? 'B' : 'A';
    assert_int_equal(witness_signatures(&s, b.policy, owner, buf_span(&note), &b.err), PT_EDENIED);
    assert_int_equal(s.had, 0);
    buf_free(&line);
    buf_free(&note);
    end(&b);
}

static void expect_finding(struct bed *b, const char *what)
{
    struct store_event_row row;
    const struct store_event_like like = {
        .kind = "witness", .one = "peer=freshmart", .other = what};
    bool found;

    assert_int_equal(store_event_find(&row, &found, b->watch.store, &like, &b->err), PT_OK);
    assert_true(found);
}

/* Another history of the same log: other events under the same key. */
static void another_history_is_not_signed(void **state)
{
    struct bed b;
    struct bed other;
    struct buf note;
    struct buf line;
    uint64_t known;
    char elsewhere[256];
    void *there = elsewhere;

    begin(&b, state);
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", (const char *)*state);
    assert_int_equal(mkdir(elsewhere, 0700), 0);
    begin(&other, &there);
    for (int i = 0; i < 3; i++) {
        add_event(&b.owner, "asked", "with=drinkco");
        add_event(&other.owner, "asked", "with=somebody");
    }
    checkpoint(&note, &b);
    assert_int_equal(submit(&line, &known, &b, &note, 0), PT_OK);
    buf_free(&line);
    buf_free(&note);
    /* Fork: the same size, and a larger one that does not contain what was seen. */
    struct translog *mine = b.owner.log;
    b.owner.log = other.owner.log;
    for (int larger = 0; larger < 2; larger++) {
        if (larger)
            add_event(&other.owner, "asked", "with=somebody");
        checkpoint(&note, &b);
        assert_int_equal(submit(&line, &known, &b, &note, 3), PT_EDENIED);
        assert_non_null(strstr(b.err.msg, "(fork)"));
        assert_int_equal(line.n, 0);
        assert_int_equal(seen(&b), 3);
        buf_free(&note);
    }
    expect_finding(&b, "what=fork");
    /* A head of the size that was seen betrays itself whatever is said of the one before. */
    b.owner.log = mine;
    add_event(&b.owner, "asked", "with=drinkco");
    checkpoint(&note, &b);
    assert_int_equal(submit(&line, &known, &b, &note, 3), PT_OK);
    buf_free(&line);
    buf_free(&note);
    b.owner.log = other.owner.log;
    checkpoint(&note, &b);
    assert_int_equal(submit(&line, &known, &b, &note, 0), PT_EDENIED);
    assert_non_null(strstr(b.err.msg, "(fork): 4 entries"));
    assert_int_equal(line.n, 0);
    buf_free(&note);
    b.owner.log = mine;
    end(&other);
    end(&b);
}

static void a_smaller_log_is_not_signed(void **state)
{
    struct bed b;
    struct buf small;
    struct buf large;
    struct buf line;
    uint64_t known;

    begin(&b, state);
    add_event(&b.owner, "asked", "with=drinkco");
    checkpoint(&small, &b);
    add_event(&b.owner, "asked", "with=drinkco");
    checkpoint(&large, &b);
    assert_int_equal(submit(&line, &known, &b, &large, 0), PT_OK);
    buf_free(&line);
    assert_int_equal(submit(&line, &known, &b, &small, 0), PT_EDENIED);
    assert_non_null(strstr(b.err.msg, "(rollback)"));
    expect_finding(&b, "what=rollback");
    assert_int_equal(seen(&b), 2);
    buf_free(&small);
    buf_free(&large);
    end(&b);
}

static void what_is_no_head_of_that_log_is_refused(void **state)
{
    struct bed b;
    struct buf note;
    struct buf line;
    uint64_t known;

    begin(&b, state);
    add_event(&b.owner, "asked", "with=drinkco");
    checkpoint(&note, &b);
    for (size_t i = 0; i < note.n; i++) {
        note.p[i] ^= 1;
        if (submit(&line, &known, &b, &note, 0) == PT_OK)
            fail_msg("byte %zu does not matter", i);
        assert_int_equal(line.n, 0);
        note.p[i] ^= 1;
    }
    assert_int_equal(seen(&b), 0);
    /* Ours, sent as the partner's. */
    add_event(&b.watch, "asked", "with=freshmart");
    buf_free(&note);
    assert_int_equal(translog_checkpoint(&note, b.watch.log, NOW_S, &b.err), PT_OK);
    assert_int_equal(submit(&line, &known, &b, &note, 0), PT_EDENIED);
    buf_free(&note);
    end(&b);
}

/* ---- receipts ---- */

static void answered(struct buf *text, struct bed *b, const char *fields)
{
    struct store_event_row row;
    struct digest entry;
    struct merkle_proof path;
    struct buf note;
    uint64_t known;
    struct buf line;

    add_event(&b->owner, "charge", "recipient=drinkco");
    uint64_t sequence = add_event(&b->owner, "answered", fields);
    add_event(&b->owner, "charge", "recipient=drinkco");
    checkpoint(&note, b);
    assert_int_equal(translog_event(&row, &entry, b->owner.log, sequence, &b->err), PT_OK);
    assert_int_equal(
        translog_inclusion(&path, b->owner.log, sequence - 1, translog_size(b->owner.log), &b->err),
        PT_OK);
    assert_int_equal(receipt_print(text, &row, &path, buf_span(&note), &b->err), PT_OK);
    assert_int_equal(submit(&line, &known, b, &note, 0), PT_OK);
    assert_true(buf_add(text, line.p, line.n));
    buf_free(&line);
    buf_free(&note);
}

static void fields_of(char out[400], const struct policy *p)
{
    char hex[65];

    text_hex(hex, p->hash.b, sizeof p->hash.b);
    snprintf(out, 400, "kind=overlap recipient=drinkco question=ab charged=0.1 policy=%s", hex);
}

static void a_receipt_proves_its_answer(void **state)
{
    struct bed b;
    struct buf text = {0};
    struct receipt r;
    char fields[400];
    char value[512];

    begin(&b, state);
    fields_of(fields, b.policy);
    answered(&text, &b, fields);
    if (receipt_read(&r, buf_span(&text), b.policy, &b.err) != PT_OK)
        fail_msg("%s", b.err.msg);
    assert_string_equal(b.policy->partners[r.owner].name, "freshmart");
    assert_string_equal(b.policy->partners[r.asker].name, "drinkco");
    assert_int_equal(r.signed_s, NOW_S);
    assert_true(r.signed_by[r.asker] && !r.signed_by[r.owner]);
    assert_int_equal(r.event.at_s, NOW_S);
    assert_int_equal(r.head.size, 3);
    receipt_field(value, &r, "charged");
    assert_string_equal(value, "0.1");
    buf_free(&text);
    end(&b);
}

/* One bit of any byte: no receipt any more, or the very same one (Base64's unused bits do not pass
 * either, nor does another order of lines). */
static void a_changed_receipt_proves_nothing(void **state)
{
    struct bed b;
    struct buf text = {0};
    struct receipt r;
    char fields[400];

    begin(&b, state);
    fields_of(fields, b.policy);
    answered(&text, &b, fields);
    for (size_t i = 0; i < text.n; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            text.p[i] ^= (uint8_t)(1U << bit);
            enum pt_code rc = receipt_read(&r, buf_span(&text), b.policy, &b.err);
            if (rc == PT_OK && r.signed_s > 0)
                fail_msg("bit %u of byte %zu does not matter", bit, i);
            text.p[i] ^= (uint8_t)(1U << bit);
        }
    for (size_t n = 0; n < text.n; n++)
        if (receipt_read(&r, span_of(text.p, n), b.policy, &b.err) == PT_OK && r.signed_s > 0)
            fail_msg("it holds when cut after %zu bytes", n);
    buf_free(&text);
    end(&b);
}

static void what_is_no_answer_under_this_policy_is_refused(void **state)
{
    struct bed b;
    struct buf text = {0};
    struct receipt r;

    begin(&b, state);
    answered(&text, &b, "kind=overlap recipient=drinkco policy=00");
    assert_int_equal(receipt_read(&r, buf_span(&text), b.policy, &b.err), PT_EDENIED);
    assert_non_null(strstr(b.err.msg, "another policy"));
    buf_free(&text);
    end(&b);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        CASE(heads_that_continue_are_signed),
        CASE(who_has_signed_is_counted),
        CASE(another_history_is_not_signed),
        CASE(a_smaller_log_is_not_signed),
        CASE(what_is_no_head_of_that_log_is_refused),
        CASE(a_receipt_proves_its_answer),
        CASE(a_changed_receipt_proves_nothing),
        CASE(what_is_no_answer_under_this_policy_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
