#include "proto/ask_proof.h"

#include <inttypes.h>

static enum pt_code no_memory(struct pt_err *err)
{
    return pt_fail(err, PT_ENOMEM, "no memory for a proof of columns");
}

size_t ask_proof_batch(const struct rlwe *c)
{
    const uint64_t n = ASK_PROOF_VALUES_MAX / rlwe_slot_count(c);

    return n < 1 ? 1 : n > RLWE_COLUMNS_MAX ? RLWE_COLUMNS_MAX : (size_t)n;
}

static size_t batch_at(const struct ask_proof_columns *w, size_t first)
{
    const size_t left = w->count - first;

    return left < ask_proof_batch(w->rlwe) ? left : ask_proof_batch(w->rlwe);
}

/* What both sides call this proof. The session's id holds both greetings, and so both nonces. */
static enum pt_code name_it(struct digest *out, const struct ask_proof_columns *w,
                            struct pt_err *err)
{
    const struct epoch_header *h = w->pair.header;
    uint8_t tally[24];
    struct digest epoch;
    struct digest seed;
    enum pt_code rc = epoch_header_id(&epoch, h, err);

    if (rc != PT_OK)
        return rc;
    if (w->tally.counters > 0 && w->count > ask_proof_batch(w->rlwe))
        return pt_fail(err, PT_EBUG, "a tally of %zu columns in several batches", w->count);
    epoch_pair_seed(&seed, &w->pair);
    store_u64le(tally, w->tally.first);
    store_u64le(tally + 8, w->tally.counted);
    store_u64le(tally + 16, w->tally.counters);
    const struct span parts[] = {span_of(w->session->id.b, sizeof w->session->id.b),
                                 span_of(epoch.b, sizeof epoch.b),
                                 span_z(h->participants[w->pair.recipient].name),
                                 span_z(h->participants[w->pair.evaluator].name),
                                 span_of(seed.b, sizeof seed.b),
                                 span_of(w->digests, w->count * sizeof *w->digests),
                                 span_of(tally, sizeof tally)};
    hash_parts(out, "patto/column-proof/session/1", parts, PT_LEN(parts));
    return PT_OK;
}

static void commitment_digest(struct digest *out, struct span commitment)
{
    hash_parts(out, "patto/column-proof/commitment/1", &commitment, 1);
}

/* Under what the recipient puts its name: with the columns' digests, this is all of message 3. */
static bool commit_body(struct buf *b, const struct ask_proof_once *o, size_t count)
{
    return buf_add(b, o->session.b, sizeof o->session.b) && buf_u32le(b, o->first) &&
           buf_u32le(b, (uint32_t)count) && buf_add(b, o->commitment.b, sizeof o->commitment.b);
}

/* ---- recipient ---- */

enum pt_code ask_prover_begin(struct ask_prover *p, const struct ask_proof_columns *what,
                              const struct ask_prover_host *host, struct span choices,
                              struct pt_err *err)
{
    PT_WIPED(key32) seed = {0};
    enum pt_code rc;

    *p = (struct ask_prover){.what = *what, .host = *host};
    if ((rc = name_it(&p->once.session, what, err)) != PT_OK)
        return rc;
    const struct span parts[] = {span_of(p->once.session.b, sizeof p->once.session.b), choices};
    prf_derive(&seed, host->epoch_seed, "patto/column-proof/prover/1", parts, PT_LEN(parts));
    const struct proof_setup setup = {what->rlwe, &p->once.session, &seed};
    return column_prover_new(&p->prover, &p->trees, &setup, choices, err);
}

static enum pt_code send_trees(struct ask_prover *p, struct outbox *out, struct pt_err *err)
{
    struct frame f = {.kind = FRAME_PROOF_TREES};

    f.u.proof = buf_span(&p->trees);
    const enum pt_code rc = session_send(p->what.session, &f, out, err);
    buf_free(&p->trees);
    return rc;
}

static enum pt_code send_commit(struct ask_prover *p, struct outbox *out, struct pt_err *err)
{
    struct frame f = {.kind = FRAME_PROOF_COMMIT};
    struct buf body = {0};
    enum pt_code rc;

    p->batch = (struct prove_columns){.count = batch_at(&p->what, p->once.first)};
    p->commitment.n = 0;
    p->offset = 0;
    if ((rc = p->host.columns(p->host.self, &p->batch, p->once.first, err)) != PT_OK)
        return rc;
    p->batch.tally = p->what.tally;
    if ((rc = column_prover_commit(p->prover, &p->commitment, &p->batch, err)) != PT_OK)
        return rc;
    commitment_digest(&p->once.commitment, buf_span(&p->commitment));
    f.u.proof_commit = (struct wire_proof_commit){
        .first = p->once.first, .count = (uint32_t)p->batch.count, .digest = p->once.commitment};
    if (!commit_body(&body, &p->once, p->batch.count))
        rc = no_memory(err);
    else
        rc = session_sign(&f.u.proof_commit.signature, p->what.session, "patto/column-proof/1",
                          buf_span(&body), err);
    buf_free(&body);
    p->committed = rc == PT_OK;
    return rc == PT_OK ? session_send(p->what.session, &f, out, err) : rc;
}

enum pt_code ask_prover_send(struct ask_prover *p, bool *more, struct outbox *out,
                             struct pt_err *err)
{
    struct frame f = {.kind = FRAME_PROOF_PART};

    *more = true;
    if (p->trees.n > 0)
        return send_trees(p, out, err);
    if (!p->committed)
        return send_commit(p, out, err);
    const size_t left = p->commitment.n - p->offset;
    const size_t n = left < WIRE_PART_MAX ? left : WIRE_PART_MAX;
    f.u.proof_part =
        (struct wire_proof_part){.offset = p->offset, .data = {p->commitment.p + p->offset, n}};
    p->offset += n;
    *more = p->offset < p->commitment.n;
    return session_send(p->what.session, &f, out, err);
}

enum pt_code ask_prover_answer(struct ask_prover *p, bool *more, const struct digest *challenge,
                               struct outbox *out, struct pt_err *err)
{
    struct frame f = {.kind = FRAME_PROOF_ANSWER};
    struct buf answer = {0};
    enum pt_code rc;

    *more = false;
    p->once.challenge = *challenge;
    if ((rc = p->host.challenged(p->host.self, &p->once, err)) != PT_OK)
        return rc;
    rc = column_prover_answer(p->prover, &answer, span_of(challenge->b, sizeof challenge->b),
                              &p->batch, err);
    f.u.proof = buf_span(&answer);
    if (rc == PT_OK)
        rc = session_send(p->what.session, &f, out, err);
    buf_free(&answer);
    p->once.first += (uint32_t)p->batch.count;
    p->committed = false;
    *more = p->once.first < p->what.count;
    return rc;
}

void ask_prover_free(struct ask_prover *p)
{
    column_prover_free(p->prover);
    buf_free(&p->trees);
    buf_free(&p->commitment);
    *p = (struct ask_prover){0};
}

/* ---- evaluator ---- */

static const char *peer_of(const struct ask_checker *c)
{
    return session_peer_name(c->what.session);
}

enum pt_code ask_checker_begin(struct ask_checker *c, const struct ask_proof_columns *what,
                               const struct ask_checker_host *host, struct outbox *out,
                               struct pt_err *err)
{
    struct frame f = {.kind = FRAME_PROOF_CHOICES};
    struct buf choices = {0};
    PT_WIPED(key32) seed = {0};
    enum pt_code rc;

    *c = (struct ask_checker){.what = *what, .host = *host};
    if ((rc = name_it(&c->once.session, what, err)) != PT_OK)
        return rc;
    const struct span part = span_of(c->once.session.b, sizeof c->once.session.b);
    prf_derive(&seed, host->epoch_seed, "patto/column-proof/verifier/1", &part, 1);
    const struct proof_setup setup = {what->rlwe, &c->once.session, &seed};
    rc = column_verifier_new(&c->verifier, &choices, &setup, err);
    f.u.proof = buf_span(&choices);
    if (rc == PT_OK)
        rc = session_send(what->session, &f, out, err);
    buf_free(&choices);
    return rc;
}

/* One word and one sentence, whatever it was, for good: what a recipient learns of Gamma from how it
 * was refused, it shall have paid for with its answers of this epoch. */
static enum pt_code refuse(struct ask_checker *c, struct pt_err *err)
{
    struct ask_proof_refusal r = {.session = c->once.session, .commitment = c->once.commitment};
    const struct span answer = buf_span(&c->answer);
    enum pt_code rc;

    if (answer.n > 0)
        hash_parts(&r.answer, "patto/column-proof/answer/1", &answer, 1);
    if ((rc = c->host.refused(c->host.self, &r, err)) != PT_OK)
        return rc;
    session_because(c->what.session, REFUSAL_NOT_PROVED);
    return pt_fail(
        err, PT_EDENIED,
        "the columns of %s are not proved to be well formed: it is answered nothing more "
        "in this epoch",
        peer_of(c));
}

enum pt_code ask_checker_trees(struct ask_checker *c, struct span trees, struct pt_err *err)
{
    const enum pt_code rc = column_verifier_accept(c->verifier, trees, err);

    return rc == PT_EBADMSG ? refuse(c, err) : rc;
}

enum pt_code ask_checker_commit(struct ask_checker *c, const struct wire_proof_commit *w,
                                struct pt_err *err)
{
    struct buf body = {0};
    enum pt_code rc;

    c->once.first = (uint32_t)c->proved;
    if (w->first != c->proved || w->count != batch_at(&c->what, c->proved))
        return pt_fail(err, PT_EBADMSG,
                       "%s proves %" PRIu32 " columns from %" PRIu32
                       " on where %zu from %zu on are "
                       "next",
                       peer_of(c), w->count, w->first, batch_at(&c->what, c->proved), c->proved);
    c->count = w->count;
    c->bytes = proof_commitment_bytes(c->what.rlwe, c->count);
    c->once.commitment = w->digest;
    c->commitment.n = 0;
    if (!commit_body(&body, &c->once, c->count))
        rc = no_memory(err);
    else
        rc = session_verify(&w->signature, c->what.session, "patto/column-proof/1", buf_span(&body),
                            err);
    buf_free(&body);
    return rc;
}

/* The columns are here, and now the commitment: only now is the challenge drawn, by a secret that the
 * recipient does not know, from all that it is bound to. */
static enum pt_code challenge(struct ask_checker *c, struct outbox *out, struct pt_err *err)
{
    struct frame f = {.kind = FRAME_PROOF_CHALLENGE};
    struct ask_proof_once *o = &c->once;
    PT_WIPED(key32) drawn = {0};
    uint8_t first[4];
    struct digest digest;
    enum pt_code rc;

    commitment_digest(&digest, buf_span(&c->commitment));
    if (!span_eq_vartime(span_of(digest.b, 32), span_of(o->commitment.b, 32)))
        return pt_fail(err, PT_EBADMSG, "%s sent another commitment than it signed", peer_of(c));
    store_u32le(first, o->first);
    const struct span parts[] = {span_of(o->session.b, sizeof o->session.b),
                                 span_of(first, sizeof first),
                                 span_of(o->commitment.b, sizeof o->commitment.b)};
    prf_derive(&drawn, c->host.epoch_seed, "patto/column-proof/challenge/1", parts, PT_LEN(parts));
    memcpy(o->challenge.b, drawn.b, sizeof o->challenge.b);
    rc = column_verifier_commit(c->verifier, buf_span(&c->commitment), c->count, c->host.parallel,
                                err);
    if (rc == PT_EBADMSG)
        return refuse(c, err);
    if (rc != PT_OK || (rc = c->host.challenged(c->host.self, o, err)) != PT_OK ||
        (rc = column_verifier_challenge(c->verifier, span_of(o->challenge.b, 32), err)) != PT_OK)
        return rc;
    f.u.proof_challenge = o->challenge;
    return session_send(c->what.session, &f, out, err);
}

enum pt_code ask_checker_part(struct ask_checker *c, bool *complete,
                              const struct wire_proof_part *w, struct outbox *out,
                              struct pt_err *err)
{
    const size_t left = c->bytes - c->commitment.n;

    *complete = false;
    if (w->offset != c->commitment.n || w->data.n != (left < WIRE_PART_MAX ? left : WIRE_PART_MAX))
        return pt_fail(err, PT_EBADMSG,
                       "%s sent %zu bytes of a commitment at %" PRIu64 " where %zu at %zu are next",
                       peer_of(c), w->data.n, w->offset, left, c->commitment.n);
    if (!buf_add(&c->commitment, w->data.p, w->data.n))
        return no_memory(err);
    *complete = c->commitment.n == c->bytes;
    return *complete ? challenge(c, out, err) : PT_OK;
}

enum pt_code ask_checker_take(struct ask_checker *c, struct span answer, struct pt_err *err)
{
    c->answer.n = 0;
    return buf_add(&c->answer, answer.p, answer.n) ? PT_OK : no_memory(err);
}

enum pt_code ask_checker_check(struct ask_checker *c, const struct column_bytes *columns,
                               struct pt_err *err)
{
    const struct verify_columns in = {.count = c->count,
                                      .columns = columns->columns,
                                      .parallel = c->host.parallel,
                                      .tally = c->what.tally,
                                      .reader = columns->reader};
    const enum pt_code rc = column_verifier_check(c->verifier, buf_span(&c->answer), &in, err);

    if (rc == PT_EBADMSG)
        return refuse(c, err);
    if (rc == PT_OK)
        c->proved += c->count;
    return rc;
}

void ask_checker_free(struct ask_checker *c)
{
    column_verifier_free(c->verifier);
    buf_free(&c->commitment);
    buf_free(&c->answer);
    *c = (struct ask_checker){0};
}
