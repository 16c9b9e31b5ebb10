#include "node/replay_epoch.h"

#include "crypto/base/text.h"
#include "node/audit.h"
#include "node/clock.h"
#include "node/replay_ask.h"
#include "node/replay_reach.h"
#include "node/replay_salt.h"
#include "node/replay_tokens.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum pt_code no_memory(struct pt_err *err)
{
    return pt_fail(err, PT_ENOMEM, "replay: no memory");
}

static void missing(struct replay_report *r, const char *words)
{
    if (r->missing[0] == '\0')
        snprintf(r->missing, sizeof r->missing, "%.230s", words);
}

/* ---- one session ---- */

struct one { /* too large for the stack */
    struct replay_facts facts;
    struct session_self self;
    struct oprf_key key;
    struct replay_file file;
    struct replay replay;
    union {
        struct replay_ask ask;
        struct replay_tokens tokens;
    } host;
};

/* The record of the key holder before this one in the same batch. */
static const char *hop_before(const struct replay_report *r, const struct replay_session *s)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct replay_session *o = &r->sessions[i];
        if (o->what == WHAT_TOKENISE && o->opener && o->hop + 1 == s->hop &&
            memcmp(o->group.b, s->group.b, sizeof s->group.b) == 0)
            return o->name;
    }
    return NULL;
}

static struct replay_host host_for(struct one *o, struct replay_home *bed,
                                   const struct replay_report *r, const struct replay_session *s)
{
    const struct replay_tokens_in tokens = {
        .bed = bed, .facts = &o->facts, .key = &o->key, .before = hop_before(r, s)};

    return s->what == WHAT_ASK ? replay_ask_host(&o->host.ask, bed, &o->facts)
                               : replay_tokens_host(&o->host.tokens, &tokens);
}

static enum pt_code read_one(struct one *o, struct replay_home *bed, const struct replay_session *s,
                             struct pt_err *err)
{
    const struct replay_source source = replay_file_source(&o->file);
    enum pt_code rc;

    if ((rc = replay_file_open(&o->file, bed, s->name, err)) != PT_OK)
        return rc;
    rc = replay_scan(&o->facts, &source, err);
    replay_file_close(&o->file);
    if (rc != PT_OK || (rc = replay_self(&o->self, &o->key, bed, &o->facts.head, err)) != PT_OK)
        return rc;
    return replay_file_open(&o->file, bed, s->name, err);
}

/* What can be said against it beside its messages. */
static void check_record(struct one *o, struct replay_session *s)
{
    struct pt_err why = {0};

    if (s->what != WHAT_ASK || s->result.verdict != REPLAY_SAME ||
        replay_ask_check(&o->host.ask, &why) == PT_OK)
        return;
    s->result.verdict = REPLAY_DIFFERS;
    snprintf(s->result.words, sizeof s->result.words, "%.230s", why.msg);
}

static enum pt_code run_one(struct replay_home *bed, const struct replay_report *r,
                            struct replay_session *s, struct pt_err *err)
{
    struct one *o = calloc(1, sizeof *o);
    enum pt_code rc;

    if (o == NULL)
        return no_memory(err);
    if ((rc = read_one(o, bed, s, err)) == PT_OK &&
        memcmp(o->facts.head.policy.b, bed->home->policy->hash.b, 32) != 0) {
        s->result.verdict = REPLAY_UNCHECKED;
        s->earlier = s->what == WHAT_TOKENISE;
        snprintf(s->result.words, sizeof s->result.words, "it was held under another policy");
    } else if (rc == PT_OK) {
        const struct replay_in in = {.self = &o->self,
                                     .head = &o->facts.head,
                                     .source = replay_file_source(&o->file),
                                     .host = host_for(o, bed, r, s)};
        if ((rc = replay_begin(&o->replay, &in, err)) == PT_OK)
            rc = replay_run(&o->replay, err);
        s->result = o->replay.result;
        if (rc == PT_OK && s->what == WHAT_TOKENISE && !s->opener)
            rc = replay_digests_add(&bed->evaluated, &o->replay.session.id, err);
        check_record(o, s);
        s->earlier = s->what == WHAT_TOKENISE && o->host.tokens.earlier;
        if (s->what == WHAT_ASK)
            replay_ask_free(&o->host.ask);
        else
            replay_tokens_free(&o->host.tokens);
    }
    replay_end(&o->replay);
    replay_file_close(&o->file);
    replay_facts_free(&o->facts);
    oprf_key_wipe(&o->key);
    explicit_bzero(o, sizeof *o);
    free(o);
    return rc;
}

/* ---- all ---- */

static enum pt_code list(struct replay_report *r, struct replay_home *bed, struct pt_err *err)
{
    struct records_list names;
    enum pt_code rc = records_list(&names, bed->home, err);

    if (rc != PT_OK)
        return rc;
    r->sessions = calloc(names.count + 1, sizeof *r->sessions);
    if (r->sessions == NULL)
        rc = no_memory(err);
    for (size_t i = 0; i < names.count && rc == PT_OK; i++) {
        struct replay_session *s = &r->sessions[r->count];
        bool of_epoch = false;
        rc = replay_classify(s, &of_epoch, bed, names.names[i], err);
        if (rc == PT_EBADMSG) { /* altered: whose it was, nobody can say */
            missing(r, err->msg);
            rc = PT_OK;
        } else if (of_epoch) {
            r->count++;
        }
    }
    records_list_free(&names);
    return rc;
}

/* Shares of runs of other epochs go; the rest is numbered. */
static void settle(struct replay_report *r, const struct replay_home *bed)
{
    size_t n = 0;

    for (size_t i = 0; i < r->count; i++) {
        const struct replay_session *s = &r->sessions[i];
        if (s->what == WHAT_REACH && !replay_digests_has(&bed->runs, &s->group))
            continue;
        if (n != i)
            r->sessions[n] = *s;
        r->sessions[n].number = n + 1;
        n++;
    }
    r->count = n;
}

/* All sessions of the kind and group of the i-th; of a round also of its role. */
static size_t gather(struct replay_session **out, struct replay_report *r, size_t i)
{
    const struct replay_session *s = &r->sessions[i];
    size_t n = 0;

    for (size_t k = i; k < r->count; k++) {
        struct replay_session *o = &r->sessions[k];
        if (o->what == s->what && (o->opener == s->opener || s->what == WHAT_REACH) &&
            memcmp(o->group.b, s->group.b, sizeof s->group.b) == 0)
            out[n++] = o;
    }
    return n;
}

static enum pt_code run_from(struct replay_home *bed, struct replay_report *r, size_t i,
                             struct pt_err *err)
{
    struct replay_session *s = &r->sessions[i];
    struct replay_session **some;
    enum pt_code rc;

    if (s->what == WHAT_ASK || s->what == WHAT_TOKENISE)
        return run_one(bed, r, s, err);
    if ((some = calloc(r->count, sizeof(struct replay_session *))) == NULL)
        return no_memory(err);
    size_t n = gather(some, r, i);
    rc = s->what == WHAT_REACH ? replay_reach_run(bed, some, n, err)
                               : replay_salt_run(bed, some, n, err);
    free(some);
    return rc;
}

static void sum_up(struct replay_report *r)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct replay_session *s = &r->sessions[i];
        struct replay_sum *sum = &r->sums[s->what];
        sum->sessions++;
        sum->messages += s->result.sent_count;
        sum->same += s->result.verdict == REPLAY_SAME;
        sum->differ += s->result.verdict == REPLAY_DIFFERS;
        sum->unchecked += s->result.verdict == REPLAY_UNCHECKED;
        sum->earlier += s->earlier;
        sum->open += s->result.verdict == REPLAY_SAME && !s->result.signed_by_peer;
        if (r->first == NULL && s->result.verdict == REPLAY_DIFFERS)
            r->first = s;
        if (r->gone == NULL && s->result.verdict == REPLAY_UNCHECKED && !s->earlier)
            r->gone = s;
    }
}

/* ---- what the audit record says there was ---- */

struct coverage {
    const struct replay_home *bed;
    struct replay_report *report;
    int64_t since_s; /* of token batches before, records may have gone in their time */
    bool evaluated;  /* every record of an evaluation was read, so that what has none is missing */
};

static bool names(const struct store_event_row *row, const char *key, const char *value)
{
    char got[AUDIT_VALUE_MAX];
    bool found;

    audit_field(got, &found, row->fields, key);
    return found && strcmp(got, value) == 0;
}

static bool digest_in(const struct replay_digests *l, const struct store_event_row *row,
                      const char *key)
{
    char hex[AUDIT_VALUE_MAX];
    struct digest d;
    bool found;

    audit_field(hex, &found, row->fields, key);
    return !found || !text_unhex(d.b, sizeof d.b, span_z(hex)) || replay_digests_has(l, &d);
}

static void cover(const struct coverage *c, const struct store_event_row *row)
{
    const struct epoch_header *h = &c->bed->agreed.header;
    char number[24];
    char words[REPLAY_WORDS_MAX];

    snprintf(number, sizeof number, "%" PRIu64, h->number);
    if (strcmp(row->kind, "answered") == 0 && names(row, "epoch", number) &&
        names(row, "outcome", "answered") && !digest_in(&c->bed->questions, row, "question")) {
        snprintf(words, sizeof words, "event %" PRIu64 ": an answer of which no record is kept",
                 row->sequence);
        missing(c->report, words);
    }
    snprintf(number, sizeof number, "%" PRIu32, h->key_period);
    if (row->at_s < c->since_s || !names(row, "key_period", number))
        return;
    if (strcmp(row->kind, "tokenise") == 0 && !digest_in(&c->bed->batches, row, "seed")) {
        snprintf(words, sizeof words, "event %" PRIu64 ": a token batch of which no record is kept",
                 row->sequence);
        missing(c->report, words);
    }
    if (c->evaluated && strcmp(row->kind, "evaluate") == 0 &&
        !digest_in(&c->bed->evaluated, row, "session")) {
        snprintf(words, sizeof words,
                 "event %" PRIu64 ": points evaluated for a partner, of which no record is kept",
                 row->sequence);
        missing(c->report, words);
    }
}

/* Those held under another policy are not read, and cannot be told by name. */
static bool all_evaluations_read(const struct replay_report *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->sessions[i].what == WHAT_TOKENISE && !r->sessions[i].opener &&
            r->sessions[i].result.verdict == REPLAY_UNCHECKED)
            return false;
    return true;
}

static enum pt_code check_coverage(struct replay_report *r, const struct replay_home *bed,
                                   struct pt_err *err)
{
    /* A record goes by when its session began, an event says when points came: within a day. */
    const int64_t kept_days = (int64_t)bed->home->policy->retention_days - 1;
    const struct coverage c = {.bed = bed,
                               .report = r,
                               .since_s = clock_now_s() - kept_days * 86400,
                               .evaluated = all_evaluations_read(r)};
    struct store_event_row row = {0};
    bool found = true;
    enum pt_code rc = PT_OK;

    if (r->sums[WHAT_EPOCH].sessions == 0 && bed->at >= 0)
        missing(r, "the round of this epoch: no record of it is kept");
    /* Whose data are gone could not be told apart by their ids. */
    if (r->sums[WHAT_ASK].unchecked + r->sums[WHAT_REACH].unchecked > 0)
        return PT_OK;
    while (rc == PT_OK && found) {
        rc = store_event_next(&row, &found, bed->store, row.sequence, err);
        if (rc == PT_OK && found)
            cover(&c, &row);
    }
    return rc;
}

enum pt_code replay_epoch(struct replay_report *out, struct replay_home *bed,
                          const struct replay_steps *steps, struct pt_err *err)
{
    enum pt_code rc;

    *out = (struct replay_report){0};
    if ((rc = list(out, bed, err)) != PT_OK)
        return rc;
    settle(out, bed);
    for (size_t i = 0; i < out->count && rc == PT_OK; i++) {
        steps->at(steps->self, i, out->count);
        if (out->sessions[i].result.verdict == REPLAY_RUNNING)
            rc = run_from(bed, out, i, err);
    }
    if (rc != PT_OK)
        return rc;
    sum_up(out);
    return check_coverage(out, bed, err);
}

void replay_report_free(struct replay_report *r)
{
    free(r->sessions);
    *r = (struct replay_report){0};
}
