#include "node/reach_serve.h"

#include "crypto/base/text.h"
#include "node/clock.h"
#include "node/ledger.h"
#include "policy/decide.h"

#include <inttypes.h>
#include <string.h>

enum pt_code reach_vector(struct buf *out, const struct snapshot *epoch, const struct question *q,
                          struct pt_err *err)
{
    const struct columns_selector which = {.filters = q->filters, .filter_count = q->filter_count};
    size_t slots = (size_t)snapshot_header(epoch)->slot_count;

    if (!buf_reserve(out, slots))
        return pt_fail(err, PT_ENOMEM, "no memory for %zu slots", slots);
    out->n = slots;
    enum pt_code rc = columns_any(out->p, snapshot_map(epoch), &which);
    return rc == PT_OK ? PT_OK : pt_fail(err, rc, "own slots could not be made");
}

/* ---- the question ---- */

/* A neutral node has no epoch of its own: it believes the header that all participants signed. */
static enum pt_code check_header(struct salt_result *out, const struct reach_serve *s,
                                 const struct wire_reach_question *w, struct pt_err *err)
{
    const struct policy *p = s->daemon->home->policy;
    enum pt_code rc = epoch_header_parse(&out->header, w->header, err);

    if (rc != PT_OK)
        return rc;
    if (w->signatures.count != out->header.participant_count)
        return pt_fail(err, PT_EBADMSG, "%zu signatures under a header of %zu participants",
                       w->signatures.count, out->header.participant_count);
    for (size_t i = 0; i < w->signatures.count; i++) {
        if (!text_eq(w->signatures.items[i].from, out->header.participants[i].name))
            return pt_fail(err, PT_EBADMSG, "signatures of a header in another order");
        out->signatures[i] = w->signatures.items[i].signature;
    }
    if (memcmp(out->header.policy_hash.b, p->hash.b, sizeof p->hash.b) != 0) {
        session_because(s->session, REFUSAL_EPOCH_MISMATCH);
        return pt_fail(err, PT_EDENIED, "an epoch under another policy");
    }
    return salt_result_check(out, p, err);
}

static enum pt_code check_epoch(struct reach_serve *s, const struct salt_result *epoch,
                                struct pt_err *err)
{
    enum pt_code rc = epoch_header_id(&s->epoch_id, &epoch->header, err);

    if (rc != PT_OK || s->daemon->home->policy->partners[s->daemon->home->self].neutral)
        return rc;
    if (s->epoch != NULL && memcmp(snapshot_id(s->epoch)->b, s->epoch_id.b, 32) == 0)
        return PT_OK;
    session_because(s->session, REFUSAL_EPOCH_MISMATCH);
    return pt_fail(err, PT_EDENIED, "%s asks about another epoch than the one in force here",
                   session_peer_name(s->session));
}

static enum pt_code check_text(struct reach_serve *s, struct span text, struct pt_err *err)
{
    const struct policy *p = s->daemon->home->policy;
    enum pt_code rc = question_parse(&s->question, p, text, err);

    if (rc != PT_OK)
        return rc;
    if (s->question.kind != QUESTION_REACH || s->question.asker != s->session->peer) {
        session_because(s->session, REFUSAL_WRONG_PARTY);
        return pt_fail(err, PT_EDENIED, "%s asked in another's name, or for no reach",
                       session_peer_name(s->session));
    }
    if (decide(p, &s->question, err) != PT_OK) {
        session_because(s->session, REFUSAL_NOT_ALLOWED);
        return pt_wrap(err, "a question of %s", session_peer_name(s->session));
    }
    return buf_add(&s->text, text.p, text.n) ? PT_OK
                                             : pt_fail(err, PT_ENOMEM, "no memory for a question");
}

static enum pt_code take_part(struct reach_serve *s, const struct epoch_header *h,
                              struct pt_err *err)
{
    struct reach_run_in in = {
        .run = s->run_id, .self = s->daemon->home->self, .asker = s->session->peer};
    const struct reach_run_origin origin = {.run = &s->run_id,
                                            .epoch = &s->epoch_id,
                                            .session = &s->session->id,
                                            .text = buf_span(&s->text)};
    enum pt_code rc = reach_plan_make(&in.plan, s->daemon->home->policy, h, &s->question, err);

    if (rc != PT_OK)
        return rc;
    if (!reach_is_party(&in.plan, in.self) && reach_role(&in.plan, in.self) < 0) {
        session_because(s->session, REFUSAL_WRONG_PARTY);
        return pt_fail(err, PT_EDENIED, "%s asks us for a reach in which we have no part",
                       session_peer_name(s->session));
    }
    reach_run_random(&in.random, s->daemon->home, s->epoch, &origin);
    rc = reach_run_open(&s->run, s->daemon->reach, &in, err);
    key32_wipe(&in.random);
    return rc;
}

static bool is_party(const struct reach_serve *s)
{
    return reach_is_party(reach_run_plan(s->run), s->daemon->home->self);
}

/* Asked before anybody is charged: a question that one party cannot answer costs at none. */
static enum pt_code can_pay(const struct reach_serve *s, struct pt_err *err)
{
    const struct policy *p = s->daemon->home->policy;
    struct budget_spent spent;
    enum pt_code rc = ledger_spent(&spent, s->daemon->store, p, session_peer_name(s->session),
                                   clock_now_s(), err);

    if (rc != PT_OK || ledger_left(p, &spent, clock_now_s()) >= reach_run_plan(s->run)->charge_nano)
        return rc;
    session_because(s->session, REFUSAL_BUDGET_EXHAUSTED);
    return pt_fail(err, PT_EDENIED,
                   "privacy.budget, line %" PRIu32 ": the budget of %s here is spent for now",
                   p->privacy.budget_line, session_peer_name(s->session));
}

static enum pt_code on_question(void *self, const struct wire_reach_question *w, uint64_t *rho_nano,
                                struct pt_err *err)
{
    struct reach_serve *s = self;
    struct salt_result epoch = {0};
    enum pt_code rc;

    s->run_id = w->run;
    if ((rc = daemon_in_date(s->daemon, err)) != PT_OK) {
        session_because(s->session, REFUSAL_EXPIRED);
        return rc;
    }
    if ((rc = check_header(&epoch, s, w, err)) != PT_OK ||
        (rc = check_epoch(s, &epoch, err)) != PT_OK ||
        (rc = check_text(s, w->text, err)) != PT_OK ||
        (rc = take_part(s, &epoch.header, err)) != PT_OK)
        return rc;
    *rho_nano = is_party(s) ? reach_run_plan(s->run)->charge_nano : 0;
    return is_party(s) ? can_pay(s, err) : PT_OK;
}

/* ---- shares ---- */

static enum pt_code on_share(void *self, const struct wire_reach_share *w, struct pt_err *err)
{
    struct reach_serve *s = self;
    enum pt_code rc;

    s->item = (struct reach_item){
        .stage = (enum reach_stage)w->stage, .from = s->session->peer, .to = s->daemon->home->self};
    s->run_id = w->run;
    if ((rc = reach_desk_expect(s->daemon->reach, &w->run, &s->item, w->size, err)) != PT_OK)
        return rc;
    return buf_reserve(&s->item.bytes, (size_t)w->size)
               ? PT_OK
               : pt_fail(err, PT_ENOMEM, "no memory for a share of %" PRIu64 " bytes", w->size);
}

static enum pt_code on_part(void *self, struct span data, struct pt_err *err)
{
    struct reach_serve *s = self;
    return buf_add(&s->item.bytes, data.p, data.n)
               ? PT_OK
               : pt_fail(err, PT_ENOMEM, "no memory for a share");
}

enum pt_code reach_serve_begin(struct reach_serve *s, struct daemon *d, struct snapshot *epoch,
                               struct session *session, struct pt_err *err)
{
    const struct reach_host host = {
        .self = s, .question = on_question, .share = on_share, .part = on_part};

    *s = (struct reach_serve){.daemon = d, .epoch = epoch, .session = session};
    return reach_accepter_begin(&s->accepter, session, host, err);
}

/* ---- after ReachGo ---- */

void reach_charge_id(struct digest *out, const struct reach_run_name *n)
{
    const struct span parts[] = {span_of(n->run->b, 32), span_of(n->epoch->b, 32),
                                 span_of(n->policy->b, 32), n->text};

    hash_parts(out, "patto/reach/charge/1", parts, PT_LEN(parts));
}

/* One run is one release: a run that is known has been paid, and is never done again. */
static enum pt_code charge(struct wire_reach_done *done, struct reach_serve *s, struct pt_err *err)
{
    const struct policy *p = s->daemon->home->policy;
    struct ledger_result paid;
    const struct reach_run_name name = {
        .run = &s->run_id, .epoch = &s->epoch_id, .policy = &p->hash, .text = buf_span(&s->text)};
    struct ledger_charge bill = {.recipient = session_peer_name(s->session),
                                 .kind = question_kind_name(QUESTION_REACH),
                                 .epoch = s->epoch_id,
                                 .rho_nano = reach_run_plan(s->run)->charge_nano,
                                 .question = buf_span(&s->text)};
    char rho[32];

    reach_charge_id(&bill.question_id, &name);
    enum pt_code rc = ledger_charge(&paid, s->daemon->store, p, &bill, clock_now_s(), err);
    if (rc == PT_EDENIED)
        session_because(s->session, REFUSAL_BUDGET_EXHAUSTED);
    if (rc != PT_OK)
        return rc;
    if (paid.already_paid)
        return pt_fail(err, PT_EBADMSG, "%s repeats a run of reach", bill.recipient);
    s->note = (struct question_note){.kind = bill.kind,
                                     .peer = bill.recipient,
                                     .id = bill.question_id,
                                     .rho_nano = paid.charged_nano};
    s->charged = true;
    done->charged_nano = paid.charged_nano;
    done->left_nano = paid.left_nano;
    done->audit_position = paid.event.sequence;
    text_put_decimal(rho, paid.charged_nano, 9);
    daemon_log(s->daemon, "%s asked reach over %u partners: charged rho %s, audit %" PRIu64,
               bill.recipient, reach_run_plan(s->run)->party_count, rho, paid.event.sequence);
    return PT_OK;
}

static enum pt_code work(struct wire_reach_done *done, struct reach_result *result,
                         struct reach_serve *s, struct pt_err *err)
{
    struct buf vector = {0};
    enum pt_code rc = PT_OK;

    if (is_party(s) && (rc = charge(done, s, err)) == PT_OK)
        rc = reach_vector(&vector, s->epoch, &s->question, err);
    if (rc == PT_OK)
        rc = reach_run_work(result, s->run, s->daemon, &vector, err);
    buf_free(&vector);
    if (rc == PT_OK && result->counted) {
        done->counts = result->counts;
        done->count = (size_t)1 << reach_run_plan(s->run)->party_count;
    }
    return rc;
}

static enum pt_code note_answered(struct reach_serve *s, const struct wire_reach_done *done,
                                  struct pt_err *err)
{
    const struct policy *p = s->daemon->home->policy;
    const struct epoch_header *h = snapshot_header(s->epoch);
    struct question_made made = {
        .policy = h->policy_hash, .epoch = h->number, .build = DAEMON_BUILD};
    int own = epoch_find(h, p->partners[s->daemon->home->self].name);
    int asker = epoch_find(h, session_peer_name(s->session));

    if (own >= 0)
        made.dataset = h->participants[own].dataset;
    if (asker >= 0)
        made.asker_dataset = h->participants[asker].dataset;
    s->note.made = &made;
    enum pt_code rc = reach_answer_hash(&made.answer, &s->run_id, done, err);
    if (rc == PT_OK)
        rc = question_log_answered(s->daemon->store, &s->note, true, clock_now_s(), err);
    s->note.made = NULL;
    return rc;
}

enum pt_code reach_serve_if_ready(struct reach_serve *s, struct outbox *out, struct pt_err *err)
{
    struct wire_reach_done done = {0};
    struct reach_result result;
    enum pt_code rc;

    if (reach_accepter_received(&s->accepter) && s->item.bytes.p != NULL)
        reach_desk_put(s->daemon->reach, &s->run_id, &s->item);
    if (!reach_accepter_working(&s->accepter))
        return PT_OK;
    rc = work(&done, &result, s, err);
    if (rc == PT_OK && s->charged)
        rc = note_answered(s, &done, err);
    if (rc == PT_OK)
        rc = reach_accepter_done(&s->accepter, &done, out, err);
    explicit_bzero(&result, sizeof result);
    reach_run_close(s->run);
    s->run = NULL;
    return rc == PT_OK ? PT_OK : session_fail(s->session, out, err);
}

void reach_serve_end(struct reach_serve *s)
{
    reach_run_close(s->run);
    s->run = NULL;
    buf_free(&s->text);
    reach_item_free(&s->item);
}
