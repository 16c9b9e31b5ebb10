#include "node/replay_salt.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum pt_code no_memory(struct pt_err *err)
{
    return pt_fail(err, PT_ENOMEM, "replay of an epoch's round: no memory");
}

/* Dataset and size as the signed header has them; the share from the seed that it commits to. */
static enum pt_code own_part(struct replay_salt *r, struct pt_err *err)
{
    const struct epoch_participant *us = &r->bed->agreed.header.participants[r->bed->at];
    PT_WIPED(key32) seed = {0};
    enum pt_code rc = snapshot_seed_find(&seed, r->bed->home, r->bed->store, &us->seed_hash, err);

    if (rc != PT_OK)
        return rc;
    r->own = (struct salt_own){
        .dataset = us->dataset, .seed_hash = us->seed_hash, .padded_size = us->padded_size};
    snapshot_salt_part(&r->own, &seed);
    return PT_OK;
}

/* What was allowed then, quotas and charges, is the store's. */
static enum pt_code allow(void *self, const struct salt_round *round, struct pt_err *err)
{
    (void)self;
    (void)round;
    (void)err;
    return PT_OK;
}

static enum pt_code adopt(void *self, const struct salt_result *result, struct pt_err *err)
{
    const struct replay_salt *r = self;
    struct digest id;
    enum pt_code rc = epoch_header_id(&id, &result->header, err);

    if (rc == PT_OK && memcmp(id.b, r->bed->id.b, sizeof id.b) != 0)
        rc = pt_fail(err, PT_EBADMSG, "the round led to another epoch than the one in the store");
    return rc;
}

/* ---- initiator ---- */

static enum pt_code begin_initiator(struct replay_salt *r, struct pt_err *err)
{
    struct session *sessions[POLICY_PARTNERS_MAX];
    struct salt_initiator_in in = {.sessions = sessions,
                                   .session_count = r->link_count,
                                   .own = &r->own,
                                   .host = {.self = r, .allow = allow, .adopt = adopt}};
    struct wire_in propose = {0};
    enum pt_code rc = wire_decode(&propose, buf_span(&r->links[0].facts.whole[FRAME_PROPOSE]), err);

    if (rc == PT_OK) {
        in.number = propose.frame.u.propose.number;
        in.attempt = propose.frame.u.propose.attempt;
    }
    wire_in_free(&propose);
    for (size_t i = 0; i < r->link_count; i++)
        sessions[i] = r->links[i].session;
    r->begun = true;
    return rc == PT_OK ? salt_initiator_begin(&r->initiator, &in, r->outs, err) : rc;
}

static bool all_open(const struct replay_salt *r)
{
    for (size_t i = 0; i < r->link_count; i++)
        if (r->links[i].session == NULL)
            return false;
    return true;
}

/* Frames go to the others' sessions too: each replay sees its own. */
static enum pt_code more(void *self, struct outbox *out, bool *blocked, struct pt_err *err)
{
    struct replay_salt_link *l = self;
    struct replay_salt *r = l->round;
    bool done = false;
    enum pt_code rc = PT_OK;

    (void)out;
    if (!l->session->opener)
        return PT_OK;
    *blocked = !all_open(r) || (r->begun && !salt_initiator_ready(&r->initiator));
    if (*blocked)
        return PT_OK;
    rc = r->begun ? salt_initiator_next(&r->initiator, r->outs, &done, err)
                  : begin_initiator(r, err);
    for (size_t i = 0; i < r->link_count; i++)
        outbox_free(&r->outs[i]);
    return rc;
}

/* ---- both ---- */

static enum pt_code begin(void *self, struct session *s, struct outbox *out, struct pt_err *err)
{
    struct replay_salt_link *l = self;
    const struct salt_host host = {.self = l->round, .allow = allow, .adopt = adopt};

    (void)out;
    l->session = s;
    return s->opener ? PT_OK
                     : salt_responder_begin(&l->round->responder, s, &l->round->own, host, err);
}

static enum pt_code after(void *self, struct outbox *out, struct pt_err *err)
{
    (void)self;
    (void)out;
    (void)err;
    return PT_OK;
}

static enum pt_code open_link(struct replay_salt *r, size_t i, const char *name, struct pt_err *err)
{
    struct replay_salt_link *l = &r->links[i];
    struct replay_source source;
    enum pt_code rc;

    l->round = r;
    if ((rc = replay_file_open(&l->file, r->bed, name, err)) != PT_OK)
        return rc;
    source = replay_file_source(&l->file);
    rc = replay_scan(&l->facts, &source, err);
    replay_file_close(&l->file);
    if (rc != PT_OK ||
        (rc = replay_self(&l->self, &l->key, r->bed, &l->facts.head, err)) != PT_OK ||
        (rc = replay_file_open(&l->file, r->bed, name, err)) != PT_OK)
        return rc;
    const struct replay_in in = {
        .self = &l->self,
        .head = &l->facts.head,
        .source = source,
        .host = {.self = l, .begin = begin, .after = after, .more = more, .gone = &r->gone}};
    return replay_begin(&l->replay, &in, err);
}

/* In turns, each as far as it comes without the others. */
static enum pt_code run_links(struct replay_salt *r, struct pt_err *err)
{
    bool moved = true;
    enum pt_code rc = PT_OK;

    while (rc == PT_OK && moved) {
        moved = false;
        for (size_t i = 0; i < r->link_count && rc == PT_OK; i++) {
            struct replay *p = &r->links[i].replay;
            uint64_t at = p->result.message;
            bool waited = p->has_entry;
            if (p->result.verdict != REPLAY_RUNNING)
                continue;
            rc = replay_run(p, err);
            moved = moved || p->result.message != at || waited != p->has_entry ||
                    p->result.verdict != REPLAY_RUNNING;
        }
    }
    return rc;
}

enum pt_code replay_salt_run(struct replay_home *bed, struct replay_session **sessions,
                             size_t count, struct pt_err *err)
{
    struct replay_salt *r = calloc(1, sizeof *r);
    enum pt_code rc = PT_OK;

    if (r == NULL || count > POLICY_PARTNERS_MAX ||
        (r->links = calloc(count, sizeof *r->links)) == NULL) {
        free(r);
        return no_memory(err);
    }
    r->bed = bed;
    r->link_count = count;
    rc = own_part(r, err);
    for (size_t i = 0; i < count && rc == PT_OK; i++)
        rc = open_link(r, i, sessions[i]->name, err);
    if (rc == PT_OK)
        rc = run_links(r, err);
    for (size_t i = 0; i < count; i++) {
        struct replay_salt_link *l = &r->links[i];
        sessions[i]->result = l->replay.result;
        if (rc == PT_OK && l->replay.result.verdict == REPLAY_RUNNING) {
            sessions[i]->result.verdict = REPLAY_UNCHECKED;
            snprintf(sessions[i]->result.words, REPLAY_WORDS_MAX,
                     "the record of another session of this round is not kept, or ends before it");
        }
        replay_end(&l->replay);
        replay_file_close(&l->file);
        replay_facts_free(&l->facts);
        oprf_key_wipe(&l->key);
    }
    salt_initiator_wipe(&r->initiator);
    salt_responder_wipe(&r->responder);
    for (size_t i = 0; i < POLICY_PARTNERS_MAX; i++)
        outbox_free(&r->outs[i]);
    free(r->links);
    explicit_bzero(r, sizeof *r);
    free(r);
    return rc;
}
