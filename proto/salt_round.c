#include "proto/salt_round.h"

#include <inttypes.h>
#include <string.h>

#include "crypto/base/text.h"

const struct policy_partner *salt_round_party(const struct salt_round *r, size_t at)
{
    return &r->self->policy->partners[r->partner[at]];
}

static enum pt_code no_memory(struct pt_err *err)
{
    return pt_fail(err, PT_ENOMEM, "no memory for the round of an epoch");
}

/* Every statement is signed over this: it counts in no other round. */
void salt_round_context(struct salt_round *r, uint32_t key_period)
{
    const struct policy *p = r->self->policy;
    uint8_t numbers[16];
    struct span parts[2 + POLICY_PARTNERS_MAX];

    store_u64le(numbers, r->number);
    store_u32le(numbers + 8, r->attempt);
    store_u32le(numbers + 12, key_period);
    parts[0] = span_of(p->hash.b, sizeof p->hash.b);
    parts[1] = span_of(numbers, sizeof numbers);
    for (size_t i = 0; i < r->count; i++)
        parts[2 + i] = span_z(salt_round_party(r, i)->name);
    hash_parts(&r->context, "patto/epoch/round/1", parts, 2 + r->count);
}

static bool commit_body(struct buf *b, const struct salt_round *r, const struct wire_commit *c)
{
    return buf_add(b, r->context.b, sizeof r->context.b) && buf_field(b, c->from) &&
           buf_add(b, c->commitment.b, sizeof c->commitment.b) &&
           buf_add(b, c->dataset.b, sizeof c->dataset.b) &&
           buf_add(b, c->seed_hash.b, sizeof c->seed_hash.b) && buf_u64le(b, c->padded_size);
}

static bool reveal_body(struct buf *b, const struct salt_round *r, const struct wire_reveal *v)
{
    return buf_add(b, r->context.b, sizeof r->context.b) && buf_field(b, v->from) &&
           buf_add(b, v->share.b, sizeof v->share.b) && buf_add(b, v->blind.b, sizeof v->blind.b);
}

static void commitment_of(struct digest *out, const struct salt_round *r, struct span from,
                          const uint8_t share[32], const uint8_t blind[32])
{
    struct span parts[] = {span_of(r->context.b, sizeof r->context.b), from, span_of(share, 32),
                           span_of(blind, 32)};

    hash_parts(out, "patto/epoch/share/1", parts, PT_LEN(parts));
}

/* Our commit and our reveal, signed. The reveal is kept until all have committed. */
enum pt_code salt_round_own(struct salt_round *r, struct pt_err *err)
{
    struct wire_commit *c = &r->commits[r->own_at];
    struct wire_reveal *v = &r->reveals[r->own_at];
    struct buf body = {0};
    struct buf reveal = {0};

    *c = (struct wire_commit){.from = span_z(salt_round_party(r, (size_t)r->own_at)->name),
                              .dataset = r->own.dataset,
                              .seed_hash = r->own.seed_hash,
                              .padded_size = r->own.padded_size};
    commitment_of(&c->commitment, r, c->from, r->own.share.b, r->own.blind.b);
    *v = (struct wire_reveal){.from = c->from};
    memcpy(v->share.b, r->own.share.b, sizeof v->share.b);
    memcpy(v->blind.b, r->own.blind.b, sizeof v->blind.b);
    bool good = commit_body(&body, r, c) && reveal_body(&reveal, r, v);
    if (good) {
        sign_make(&c->signature, r->self->key, "patto/epoch/commit/1", buf_span(&body));
        sign_make(&v->signature, r->self->key, "patto/epoch/reveal/1", buf_span(&reveal));
    }
    buf_free(&body);
    buf_free(&reveal);
    return good ? PT_OK : no_memory(err);
}

enum pt_code salt_round_not_of(const struct salt_round *r, size_t at, const char *what,
                               struct pt_err *err)
{
    return pt_fail(err, PT_EBADMSG,
                   "epoch %" PRIu64 ": the %s of %s is missing, unsigned or another", r->number,
                   what, salt_round_party(r, at)->name);
}

enum pt_code salt_round_commit(struct salt_round *r, size_t at, const struct wire_commit *c,
                               struct pt_err *err)
{
    const struct policy_partner *p = salt_round_party(r, at);
    struct buf body = {0};

    if (!text_eq(c->from, p->name))
        return salt_round_not_of(r, at, "commitment", err);
    if (!commit_body(&body, r, c)) {
        buf_free(&body);
        return no_memory(err);
    }
    bool stands = sign_check(&c->signature, &p->node, "patto/epoch/commit/1", buf_span(&body));
    buf_free(&body);
    if (!stands)
        return salt_round_not_of(r, at, "commitment", err);
    if (c->padded_size < p->customers_min || c->padded_size > p->customers_max + EPOCH_PAD_MAX)
        return pt_fail(err, PT_EBADMSG,
                       "epoch %" PRIu64 ": %s announces %" PRIu64 " customers, its policy says "
                       "%" PRIu64 "..%" PRIu64,
                       r->number, p->name, c->padded_size, p->customers_min, p->customers_max);
    r->commits[at] = *c;
    r->commits[at].from = span_z(p->name); /* outlives the frame */
    return PT_OK;
}

enum pt_code salt_round_reveal(struct salt_round *r, size_t at, const struct wire_reveal *v,
                               struct pt_err *err)
{
    const struct policy_partner *p = salt_round_party(r, at);
    struct digest commitment;
    struct buf body = {0};

    if (!text_eq(v->from, p->name))
        return salt_round_not_of(r, at, "share", err);
    if (!reveal_body(&body, r, v)) {
        buf_free(&body);
        return no_memory(err);
    }
    bool stands = sign_check(&v->signature, &p->node, "patto/epoch/reveal/1", buf_span(&body));
    buf_free(&body);
    if (!stands)
        return salt_round_not_of(r, at, "share", err);
    commitment_of(&commitment, r, v->from, v->share.b, v->blind.b);
    if (!span_eq_vartime(span_of(commitment.b, 32), span_of(r->commits[at].commitment.b, 32)))
        return pt_fail(err, PT_EBADMSG,
                       "epoch %" PRIu64 ": %s reveals another share than it committed to",
                       r->number, p->name);
    r->reveals[at] = *v;
    r->reveals[at].from = span_z(p->name);
    return PT_OK;
}

/* All shares are open: the salt, and with it the header. */
enum pt_code salt_round_header(struct salt_round *r, struct pt_err *err)
{
    struct epoch_header *h = &r->result.header;
    struct span parts[1 + POLICY_PARTNERS_MAX];
    uint64_t largest = 0;
    enum pt_code rc;

    *h = (struct epoch_header){.policy_hash = r->self->policy->hash,
                               .number = r->number,
                               .key_period = r->self->key_period,
                               .participant_count = r->count};
    parts[0] = span_of(r->context.b, sizeof r->context.b);
    for (size_t i = 0; i < r->count; i++) {
        const struct wire_commit *c = &r->commits[i];
        struct epoch_participant *p = &h->participants[i];
        parts[1 + i] = span_of(r->reveals[i].share.b, sizeof r->reveals[i].share.b);
        memcpy(p->name, salt_round_party(r, i)->name, sizeof p->name);
        p->dataset = c->dataset;
        p->seed_hash = c->seed_hash;
        p->padded_size = c->padded_size;
        largest = c->padded_size > largest ? c->padded_size : largest;
    }
    hash_parts(&h->salt, "patto/epoch/salt/1", parts, 1 + r->count);
    if ((rc = epoch_slots(&h->slot_count, r->self->policy, largest, err)) != PT_OK)
        return rc;
    struct buf bytes = {0};
    if ((rc = epoch_header_print(&bytes, h, err)) == PT_OK)
        sign_make(&r->result.signatures[r->own_at], r->self->key, "patto/epoch/header/1",
                  buf_span(&bytes));
    buf_free(&bytes);
    return rc;
}

static enum pt_code check_signature(const struct epoch_header *h, const struct signature *s,
                                    const struct policy_partner *p, struct pt_err *err)
{
    struct buf bytes = {0};
    enum pt_code rc = epoch_header_print(&bytes, h, err);
    bool stands = rc == PT_OK && sign_check(s, &p->node, "patto/epoch/header/1", buf_span(&bytes));

    buf_free(&bytes);
    if (rc == PT_OK && !stands)
        return pt_fail(err, PT_EDENIED, "epoch %" PRIu64 ": %s has not signed this header",
                       h->number, p->name);
    return rc;
}

enum pt_code salt_round_signature(struct salt_round *r, size_t at,
                                  const struct wire_header_signature *s, struct pt_err *err)
{
    if (!text_eq(s->from, salt_round_party(r, at)->name))
        return salt_round_not_of(r, at, "signature", err);
    if (check_signature(&r->result.header, &s->signature, salt_round_party(r, at), err) != PT_OK)
        return err->code == PT_EDENIED ? salt_round_not_of(r, at, "signature", err) : err->code;
    r->result.signatures[at] = s->signature;
    return PT_OK;
}

enum pt_code salt_result_check(const struct salt_result *r, const struct policy *p,
                               struct pt_err *err)
{
    const struct epoch_header *h = &r->header;
    enum pt_code rc = PT_OK;

    if (!span_eq_vartime(span_of(h->policy_hash.b, 32), span_of(p->hash.b, 32)))
        return pt_fail(err, PT_EDENIED, "epoch %" PRIu64 " was made under another policy",
                       h->number);
    for (size_t i = 0; i < h->participant_count && rc == PT_OK; i++) {
        int at = policy_find_partner(p, h->participants[i].name);
        if (at < 0)
            return pt_fail(err, PT_EDENIED, "epoch %" PRIu64 " names %s, the policy does not",
                           h->number, h->participants[i].name);
        rc = check_signature(h, &r->signatures[i], &p->partners[at], err);
    }
    return rc;
}
