#include "tests/conversations.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/reach_talk.h"

void conversation_random(void *out, const struct conversation *c, const char *what, uint64_t of)
{
    const struct key32 key = {{0xc0}};
    uint8_t number[16];
    struct key32 k;

    store_u64le(number, c->seed);
    store_u64le(number + 8, of);
    const struct span parts[] = {span_z(what), span_of(number, sizeof number)};
    prf_derive(&k, &key, "patto/test/conversation/1", parts, PT_LEN(parts));
    memcpy(out, k.b, sizeof k.b);
}

static enum pt_code said(void *self, const struct session_said *s, struct pt_err *err)
{
    const struct conversation *c = self;

    (void)err;
    if (s->sent)
        c->said(c->self, s->frame, s->bytes);
    return PT_OK;
}

static void watch(struct session_watch out[2], const struct conversation *c)
{
    void *self;

    memcpy(&self, &c, sizeof self);
    out[0] = out[1] = (struct session_watch){self, said};
}

static void must(enum pt_code rc, const struct pt_err *err)
{
    if (rc != PT_OK)
        fail_msg("%s", err->msg);
}

/* Frames that are on their way, to their ends. */
static bool step_both(struct fixture_link *l)
{
    struct pt_err err = {0};
    enum pt_code rc = PT_OK;
    const bool there = fixture_step(&l->accepter, &l->to_accepter, &l->to_opener, &rc, &err);

    must(rc, &err);
    const bool back = fixture_step(&l->opener, &l->to_opener, &l->to_accepter, &rc, &err);
    must(rc, &err);
    return there || back;
}

void conversation_greet(const struct conversation *c)
{
    struct policy *policy = fixture_three();
    struct fixture_node nodes[3];
    struct fixture_link l = {0};
    struct pt_err err = {0};
    struct session_watch w[2];
    struct session_to to = {.peer = 1, .what = WHAT_LOG};
    struct session_to from = {.peer = 0};

    fixture_nodes(nodes, policy);
    watch(w, c);
    to.watch = w[0];
    from.watch = w[1];
    /* As node/peer.c and node/federation.c take them. */
    struct key32 nonce;
    key32_random(&nonce);
    memcpy(to.nonce.b, nonce.b, sizeof to.nonce.b);
    key32_random(&nonce);
    memcpy(from.nonce.b, nonce.b, sizeof from.nonce.b);
    must(session_open(&l.opener, &nodes[0].self, to, &l.to_accepter, &err), &err);
    session_accept(&l.accepter, &nodes[1].self, from);
    while (step_both(&l))
        ;
    assert_int_equal(l.opener.state, SESSION_OPEN);
    fixture_link_free(&l);
    fixture_nodes_wipe(nodes, PT_LEN(nodes));
    policy_free(policy);
}

/* ---- questions ---- */

/* World 1 has everybody of world 0 elsewhere, in other columns and rows, and is larger. */
static void lay(struct adversary *a, const struct conversation *c)
{
    struct fixture_epoch *e = &a->epoch;

    for (size_t j = 0; c->world == 1 && j < e->column_count; j++)
        for (size_t t = 0; t < FIXTURE_SLOTS; t++)
            e->f[j][t] = (int8_t)(j == 0 || t % 3 == j % 3 ? (t % 2 ? 1 : -1) : 0);
    for (size_t i = 0; c->world == 1 && i < e->row_count; i++) {
        e->size[i] = 1900 - i;
        for (size_t t = 0; t < FIXTURE_SLOTS; t++)
            e->g[i][t] = (int8_t)(t % 3 == i % 3 ? -1 : 0);
    }
    fixture_count(e);
    for (size_t j = 0; j < e->column_count + e->counter_count; j++) {
        uint64_t key[4];
        conversation_random(key, c, "column", j + 16 * c->world);
        adversary_encrypt(a, j, key[0]);
    }
    conversation_random(e->noise_key.b, c, "noise", 0);
}

void conversation_ask(const struct conversation *c, const char *kind)
{
    struct adversary *a = calloc(1, sizeof *a);
    struct adversary_view v;
    enum refusal why;

    assert_non_null(a);
    adversary_init(a, kind, 0);
    lay(a, c);
    watch(a->watch, c);
    if (!adversary_session(a, &v, &why))
        fail_msg("refused: %s", refusal_name(why));
    adversary_free(a);
    free(a);
}

/* ---- tokens ---- */

enum { POINTS = 100, CHUNK = 40 };

static enum pt_code any_number(void *self, uint16_t peer, uint64_t point_count, struct pt_err *err)
{
    (void)self;
    (void)peer;
    (void)point_count;
    (void)err;
    return PT_OK;
}

static void blind(struct point points[POINTS], const struct conversation *c)
{
    struct digest ids[POINTS] = {0};
    struct blind_key key;

    for (size_t i = 0; i < POINTS; i++)
        store_u64le(ids[i].b, i + 1000 * c->world);
    conversation_random(key.k.b, c, "blinds", 0);
    assert_int_equal(oprf_blind(points, &key, span_z("patto-id-v1"), ids, POINTS, NULL), PT_OK);
}

static void talk_tokens(struct fixture_link *l, struct tokenise_owner *o,
                        const struct point points[POINTS])
{
    struct pt_err err = {0};
    struct tokenise_ready ready;

    for (bool moved = true; moved;) {
        moved = tokenise_owner_can_send(o);
        if (moved) {
            const struct span_points part = {points + (size_t)o->next_send * CHUNK,
                                             tokenise_chunk_size(&o->plan, o->next_send)};
            must(tokenise_owner_send(o, part, &l->to_accepter, &err), &err);
        }
        while (step_both(l))
            moved = true;
        for (; tokenise_owner_take(o, &ready); moved = true)
            group_terms_free(ready.points);
    }
    assert_int_equal(l->opener.state, SESSION_DONE);
}

void conversation_tokens(const struct conversation *c)
{
    struct policy *policy = fixture_three();
    struct fixture_node nodes[3];
    struct fixture_link l;
    struct tokenise_owner owner = {0};
    struct tokenise_peer peer = {0};
    struct point points[POINTS];
    struct session_watch w[2];
    struct key32 proof_key;
    struct pt_err err = {0};
    const struct tokenise_plan plan = {POINTS, CHUNK, 0};

    blind(points, c);
    conversation_random(proof_key.b, c, "proofs", 0);
    fixture_nodes(nodes, policy);
    watch(w, c);
    fixture_greet_watched(&l, &nodes[0], &nodes[1], WHAT_TOKENISE, w);
    const struct tokenise_peer_in in = {
        .key = &nodes[1].oprf, .proof_key = &proof_key, .host = {.quota = any_number}};
    must(tokenise_peer_begin(&peer, &l.accepter, &in, &err), &err);
    must(tokenise_owner_begin(&owner, &l.opener, plan, &l.to_accepter, &err), &err);
    talk_tokens(&l, &owner, points);
    tokenise_owner_free(&owner);
    tokenise_peer_wipe(&peer);
    fixture_link_free(&l);
    fixture_nodes_wipe(nodes, PT_LEN(nodes));
    policy_free(policy);
}

/* ---- epochs ---- */

static enum pt_code allow(void *self, const struct salt_round *r, struct pt_err *err)
{
    (void)self;
    (void)r;
    (void)err;
    return PT_OK;
}
static enum pt_code adopt(void *self, const struct salt_result *r, struct pt_err *err)
{
    (void)self;
    (void)r;
    (void)err;
    return PT_OK;
}

static void own_parts(struct salt_own own[3], const struct conversation *c,
                      const struct digest *roots)
{
    struct key32 seed;

    for (uint64_t i = 0; i < 3; i++) {
        conversation_random(own[i].share.b, c, "share", i);
        conversation_random(own[i].blind.b, c, "blind", i);
        conversation_random(seed.b, c, "epoch", i);
        epoch_seed_hash(&own[i].seed_hash, &seed);
        conversation_random(own[i].dataset.b, c, "dataset", i + 3 * c->world);
        if (roots != NULL)
            own[i].dataset = roots[i];
        own[i].padded_size = 5000 + c->world;
    }
}

struct round {
    struct fixture_link l[2];
    struct salt_initiator initiator;
    struct salt_responder responder[2];
};

static void talk_epoch(struct round *r, const struct salt_own own[3])
{
    struct session *sessions[] = {&r->l[0].opener, &r->l[1].opener};
    const struct salt_host host = {NULL, allow, adopt};
    const struct salt_initiator_in in = {sessions, 2, 5, 0, &own[0], host};
    struct pt_err err = {0};
    bool begun = false;

    for (size_t i = 0; i < 2; i++)
        must(salt_responder_begin(&r->responder[i], &r->l[i].accepter, &own[i + 1], host, &err),
             &err);
    for (bool done = false; !done || r->l[1].opener.state != SESSION_DONE;) {
        struct outbox outs[2] = {r->l[0].to_accepter, r->l[1].to_accepter};
        if (!begun)
            must(salt_initiator_begin(&r->initiator, &in, outs, &err), &err);
        else if (!done && salt_initiator_ready(&r->initiator))
            must(salt_initiator_next(&r->initiator, outs, &done, &err), &err);
        begun = true;
        for (size_t i = 0; i < 2; i++) {
            r->l[i].to_accepter = outs[i];
            while (step_both(&r->l[i]))
                ;
        }
    }
}

void conversation_epoch(const struct conversation *c, const struct digest *roots)
{
    struct policy *policy = fixture_three();
    struct round *r = calloc(1, sizeof *r);
    struct fixture_node nodes[3];
    struct session_watch w[2];
    struct salt_own own[3];

    assert_non_null(r);
    own_parts(own, c, roots);
    fixture_nodes(nodes, policy);
    watch(w, c);
    for (size_t i = 0; i < 2; i++)
        fixture_greet_watched(&r->l[i], &nodes[0], &nodes[i + 1], WHAT_EPOCH, w);
    talk_epoch(r, own);
    for (size_t i = 0; i < 2; i++) {
        salt_responder_wipe(&r->responder[i]);
        fixture_link_free(&r->l[i]);
    }
    salt_initiator_wipe(&r->initiator);
    free(r);
    fixture_nodes_wipe(nodes, PT_LEN(nodes));
    policy_free(policy);
}

/* ---- reach ---- */

enum { REACH_SLOTS = 4096 };

struct reaching {
    struct policy *policy;
    struct fixture_node nodes[3];
    struct salt_result epoch;
    struct reach_plan plan;
    struct digest run;
    struct session_watch watch[2];
};

static enum pt_code question(void *self, const struct wire_reach_question *q, uint64_t *rho_nano,
                             struct pt_err *err)
{
    (void)self;
    (void)q;
    (void)err;
    *rho_nano = 1000000;
    return PT_OK;
}
static enum pt_code share(void *self, const struct wire_reach_share *s, struct pt_err *err)
{
    (void)self;
    (void)s;
    (void)err;
    return PT_OK;
}
static enum pt_code part(void *self, struct span data, struct pt_err *err)
{
    (void)self;
    (void)data;
    (void)err;
    return PT_OK;
}
static const struct reach_host REACH_HOST = {NULL, question, share, part};

static void greet_reach(struct fixture_link *l, struct reach_accepter *a, struct reaching *r)
{
    struct pt_err err = {0};

    fixture_greet_watched(l, &r->nodes[1], &r->nodes[0], WHAT_REACH, r->watch);
    must(reach_accepter_begin(a, &l->accepter, REACH_HOST, &err), &err);
}

static void ask_reach(struct reaching *r, const struct conversation *c)
{
    const int64_t counts[4] = {3000 + c->world, 1200, 1200, 900 - c->world};
    const struct wire_reach_done done = {
        .counts = counts, .count = 4, .charged_nano = 1000000, .left_nano = 5, .audit_position = 9};
    const struct reach_question q = {.text = span_z("patto-question-1\n"),
                                     .run = r->run,
                                     .header = span_z("header"),
                                     .epoch = &r->epoch};
    struct fixture_link l;
    struct reach_asker asker;
    struct reach_accepter accepter;
    struct pt_err err = {0};

    greet_reach(&l, &accepter, r);
    must(reach_asker_begin(&asker, &l.opener, &q, &l.to_accepter, &err), &err);
    while (step_both(&l))
        ;
    must(reach_asker_go(&asker, &l.to_accepter, &err), &err);
    while (step_both(&l))
        ;
    must(reach_accepter_done(&accepter, &done, &l.to_opener, &err), &err);
    while (step_both(&l))
        ;
    assert_int_equal(l.opener.state, SESSION_DONE);
    fixture_link_free(&l);
}

static void bring(struct reaching *r, const struct reach_item *item)
{
    struct fixture_link l;
    struct reach_sender sender;
    struct reach_accepter accepter;
    struct pt_err err = {0};

    greet_reach(&l, &accepter, r);
    must(reach_sender_begin(&sender, &l.opener, &r->run, item, &l.to_accepter, &err), &err);
    while (reach_sender_sending(&sender))
        must(reach_sender_send(&sender, &l.to_accepter, &err), &err);
    while (step_both(&l))
        ;
    assert_int_equal(l.opener.state, SESSION_DONE);
    fixture_link_free(&l);
}

static void plan_reach(struct reaching *r)
{
    struct question q = {.kind = QUESTION_REACH, .rho_nano = 1000000};
    struct pt_err err = {0};

    fixture_name(&r->epoch.header, 0, "drinkco");
    fixture_name(&r->epoch.header, 1, "freshmart");
    fixture_name(&r->epoch.header, 2, "homeware");
    r->epoch.header.participant_count = 3;
    r->epoch.header.slot_count = REACH_SLOTS;
    q.asker = (uint16_t)policy_find_partner(r->policy, "freshmart");
    q.with = (uint16_t)policy_find_partner(r->policy, "drinkco");
    must(reach_plan_make(&r->plan, r->policy, &r->epoch.header, &q, &err), &err);
}

void conversation_reach(const struct conversation *c)
{
    struct reaching r = {.policy = fixture_three()};
    struct reach_item items[2];
    struct buf vector = {0};
    struct key32 seed;

    fixture_nodes(r.nodes, r.policy);
    watch(r.watch, c);
    conversation_random(r.run.b, c, "run", 0);
    conversation_random(seed.b, c, "party", 0);
    plan_reach(&r);
    ask_reach(&r, c);
    assert_true(buf_reserve(&vector, REACH_SLOTS));
    vector.n = REACH_SLOTS;
    for (size_t t = 0; t < REACH_SLOTS; t++)
        vector.p[t] = c->world == 0 ? t % 5 == 0 : 1;
    assert_int_equal(reach_party(items, &r.plan,
                                 (uint16_t)policy_find_partner(r.policy, "freshmart"), &vector,
                                 &seed),
                     PT_OK);
    for (size_t i = 0; i < PT_LEN(items); i++) {
        bring(&r, &items[i]);
        reach_item_free(&items[i]);
    }
    fixture_nodes_wipe(r.nodes, PT_LEN(r.nodes));
    policy_free(r.policy);
}
