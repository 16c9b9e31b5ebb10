/* Goal: what two nodes said is found again in both records; whatever is done to a file is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "node/records.h"
#include "proto/tokenise.h"
#include "tests/proto_fixture.h"
#include "tests/scratch.h"

struct world {
    struct policy *policy;
    struct fixture_node nodes[POLICY_PARTNERS_MAX];
    struct home home;
    struct home_keys keys;
};

static void begin(struct world *w, void **state)
{
    *w = (struct world){.policy = fixture_three()};
    fixture_nodes(w->nodes, w->policy);
    snprintf(w->home.dir, sizeof w->home.dir, "%s", scratch_path(state, "home"));
    mkdir(w->home.dir, 0700);
    w->home.keys = &w->keys;
    w->home.policy = w->policy;
}

static void end(struct world *w)
{
    policy_free(w->policy);
}

static struct recorder *recorder(struct world *w, bool opener, enum session_what what)
{
    const struct session_to to = {
        .peer = opener ? 0 : 1, .what = what, .nonce = fixture_digest(opener ? 0xaa : 0xbb)};
    const struct recorder_in in = {
        .home = &w->home, .self = &w->nodes[opener ? 1 : 0].self, .to = &to, .opener = opener};
    struct recorder *r;
    struct pt_err err = {0};

    assert_int_equal(recorder_new(&r, &in, &err), PT_OK);
    return r;
}

static enum pt_code take_all(void *self, uint16_t peer, uint64_t points, struct pt_err *err)
{
    (void)self;
    (void)peer;
    (void)points;
    (void)err;
    return PT_OK;
}

/* All that either has queued, to the other, until nobody says anything more. */
static void converse(struct fixture_link *l)
{
    struct pt_err err = {0};
    enum pt_code rc = PT_OK;

    while (rc == PT_OK && (fixture_step(&l->accepter, &l->to_accepter, &l->to_opener, &rc, &err) ||
                           fixture_step(&l->opener, &l->to_opener, &l->to_accepter, &rc, &err)))
        ;
    assert_int_equal(rc, PT_OK);
}

/* freshmart has `count` points evaluated by drinkco; both write it down. */
static void session(struct world *w, size_t count)
{
    struct recorder *r[2] = {recorder(w, true, WHAT_TOKENISE), recorder(w, false, WHAT_TOKENISE)};
    const struct session_watch watch[2] = {recorder_watch(r[0]), recorder_watch(r[1])};
    struct tokenise_owner owner;
    struct tokenise_peer peer;
    struct key32 proof = {.b = {1}};
    const struct tokenise_peer_in in = {
        .key = &w->nodes[0].oprf, .proof_key = &proof, .host = {.quota = take_all}};
    const struct tokenise_plan plan = {.point_count = count, .chunk_points = (uint32_t)count};
    struct digest *digests = calloc(count, sizeof *digests);
    struct point *points = calloc(count, sizeof *points);
    struct fixture_link l;
    struct pt_err err = {0};

    fixture_greet_watched(&l, &w->nodes[1], &w->nodes[0], WHAT_TOKENISE, watch);
    for (size_t i = 0; i < count; i++)
        store_u64le(digests[i].b, i);
    assert_int_equal(
        oprf_blind(points, &(struct blind_key){{{7}}}, span_z("prefix"), digests, count, NULL),
        PT_OK);
    assert_int_equal(tokenise_peer_begin(&peer, &l.accepter, &in, &err), PT_OK);
    assert_int_equal(tokenise_owner_begin(&owner, &l.opener, plan, &l.to_accepter, &err), PT_OK);
    assert_int_equal(recorder_note(r[0], span_z("a fact"), &err), PT_OK);
    assert_int_equal(
        tokenise_owner_send(&owner, (struct span_points){points, count}, &l.to_accepter, &err),
        PT_OK);
    converse(&l);
    assert_int_equal(l.opener.state, SESSION_DONE);
    assert_int_equal(recorder_end(r[0], &l.opener, &err), PT_OK);
    assert_int_equal(recorder_end(r[1], &l.accepter, &err), PT_OK);
    tokenise_owner_free(&owner);
    tokenise_peer_wipe(&peer);
    fixture_link_free(&l);
    free(digests);
    free(points);
}

struct seen {
    size_t count[RECORD_END + 1];
    struct record_head head;
    struct digest last_sent; /* chain */
    bool fact, cut, done;
};

static enum pt_code read_all(struct seen *s, const struct world *w, const char *name)
{
    struct records_reader *r;
    struct record_entry e;
    struct pt_err err = {0};
    bool end = false;
    enum pt_code rc = records_open(&r, &w->home, name, &err);

    *s = (struct seen){0};
    while (rc == PT_OK && (rc = records_next(&e, &end, r, &err)) == PT_OK && !end) {
        s->count[e.kind]++;
        if (e.kind == RECORD_HEAD)
            s->head = e.head;
        if (e.kind == RECORD_SENT || e.kind == RECORD_SENT_WHOLE)
            s->last_sent = e.chain;
        s->fact = s->fact || (e.kind == RECORD_NOTE && span_eq_vartime(e.bytes, span_z("a fact")));
        s->done = e.kind == RECORD_END && e.state == SESSION_DONE;
    }
    s->cut = rc == PT_OK && records_cut(r);
    records_close(r);
    assert_true(rc == PT_OK || err.msg[0] != '\0');
    return rc;
}

/* Method: large enough for several boxes. The owner's record comes first or second, as the clock
 * has it. */
static void both_sides_can_read_what_was_said(void **state)
{
    struct world w;
    struct records_list l;
    struct pt_err err = {0};

    begin(&w, state);
    session(&w, 5000);
    assert_int_equal(records_list(&l, &w.home, &err), PT_OK);
    assert_int_equal(l.count, 2);
    for (size_t i = 0; i < 2; i++) {
        struct seen s;
        assert_int_equal(read_all(&s, &w, l.names[i]), PT_OK);
        assert_true(s.done && !s.cut && s.count[RECORD_HEAD] == 1 && s.count[RECORD_END] == 1);
        assert_string_equal(s.head.peer, s.head.opener ? "drinkco" : "freshmart");
        assert_int_equal(s.fact, s.head.opener);
        /* Hello, Batch, Points, Finish; Welcome, Evaluated, Receipt: and the other way round. */
        assert_int_equal(s.count[RECORD_SENT], 1);
        assert_int_equal(s.count[RECORD_SENT_WHOLE], s.head.opener ? 3 : 2);
        assert_int_equal(s.count[RECORD_RECEIVED], s.head.opener ? 3 : 4);
    }
    records_list_free(&l);
    end(&w);
}

static void damage_is_named(void **state)
{
    struct world w;
    struct records_list l;
    struct buf file = {0};
    struct pt_err err = {0};
    struct seen s;
    char path[HOME_PATH_MAX];
    char name[64];

    begin(&w, state);
    session(&w, 3);
    assert_int_equal(records_list(&l, &w.home, &err), PT_OK);
    snprintf(name, sizeof name, "record/%s" RECORDER_SUFFIX, l.names[0]);
    home_path(path, &w.home, name);
    assert_int_equal(fileio_read(&file, path, 1 << 20, &err), PT_OK);
    for (size_t i = 0; i < file.n; i++) { /* a bit anywhere */
        file.p[i] ^= 1;
        scratch_write(path, buf_span(&file));
        enum pt_code rc = read_all(&s, &w, l.names[0]);
        assert_true(rc == PT_EBADMSG || s.cut);
        assert_false(rc == PT_OK && s.done);
        file.p[i] ^= 1;
    }
    for (size_t n = 0; n < file.n; n++) { /* cut anywhere */
        scratch_write(path, span_of(file.p, n));
        enum pt_code rc = read_all(&s, &w, l.names[0]);
        assert_true(rc == PT_EBADMSG || (rc == PT_OK && s.cut));
    }
    assert_true(buf_u8(&file, 0)); /* and longer */
    scratch_write(path, buf_span(&file));
    assert_int_equal(read_all(&s, &w, l.names[0]), PT_EBADMSG);
    file.n--;
    scratch_write(path, buf_span(&file));
    w.keys.vault.b[0] ^= 1; /* another home */
    assert_int_equal(read_all(&s, &w, l.names[0]), PT_EBADMSG);
    buf_free(&file);
    records_list_free(&l);
    end(&w);
}

/* Greetings alone, and talk about logs, leave nothing; what is too old goes. */
static void only_what_matters_is_kept(void **state)
{
    struct world w;
    struct records_list l;
    struct pt_err err = {0};

    begin(&w, state);
    for (int what = WHAT_TOKENISE; what <= WHAT_LOG; what++) {
        struct recorder *r[2] = {recorder(&w, true, (enum session_what)what),
                                 recorder(&w, false, (enum session_what)what)};
        const struct session_watch watch[2] = {recorder_watch(r[0]), recorder_watch(r[1])};
        struct fixture_link k;
        fixture_greet_watched(&k, &w.nodes[1], &w.nodes[0], (enum session_what)what, watch);
        assert_int_equal(recorder_end(r[0], &k.opener, &err), PT_OK);
        assert_int_equal(recorder_end(r[1], &k.accepter, &err), PT_OK);
        fixture_link_free(&k);
    }
    assert_int_equal(records_list(&l, &w.home, &err), PT_OK);
    assert_int_equal(l.count, 0);
    session(&w, 3);
    assert_int_equal(records_list(&l, &w.home, &err), PT_OK);
    assert_int_equal(l.count, 2);
    int64_t began_s = (int64_t)(strtoull(l.names[0], NULL, 10) / 1000000);
    records_list_free(&l);
    assert_int_equal(records_sweep(&w.home, began_s, &err), PT_OK);
    assert_int_equal(records_list(&l, &w.home, &err), PT_OK);
    assert_int_equal(l.count, 2);
    records_list_free(&l);
    assert_int_equal(records_sweep(&w.home, began_s + 2, &err), PT_OK);
    assert_int_equal(records_list(&l, &w.home, &err), PT_OK);
    assert_int_equal(l.count, 0);
    end(&w);
}

/* What cannot be written down is not said: the peer gets no frame. */
static void an_unwritable_record_stops_the_session(void **state)
{
    struct world w;
    struct pt_err err = {0};

    begin(&w, state);
    scratch_write(scratch_path(state, "home/record"), span_z("in the way"));
    struct recorder *r = recorder(&w, true, WHAT_TOKENISE);
    const struct session_watch watch[2] = {recorder_watch(r), {0}};
    struct fixture_link l;
    fixture_greet_watched(&l, &w.nodes[1], &w.nodes[0], WHAT_TOKENISE, watch);
    assert_int_equal(session_finish(&l.opener, &l.to_accepter, &err), PT_EIO);
    assert_non_null(strstr(err.msg, "the record of a session"));
    assert_int_equal(outbox_count(&l.to_accepter), 0);
    assert_int_equal(recorder_end(r, &l.opener, &err), PT_OK);
    fixture_link_free(&l);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_sides_can_read_what_was_said, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(damage_is_named, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(only_what_matters_is_kept, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(an_unwritable_record_stops_the_session, scratch_setup,
                                        scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
