#include "proto/record.h"

#include <string.h>

#include "crypto/base/text.h"

/* Bulk that is computed, and never looked up again: its hash is enough. */
bool record_is_bulk(enum frame_kind k)
{
    static const enum frame_kind BULK[] = {FRAME_POINTS,      FRAME_EVALUATED,  FRAME_COLUMN_PART,
                                           FRAME_REPLY,       FRAME_REACH_PART, FRAME_PROOF_CHOICES,
                                           FRAME_PROOF_TREES, FRAME_PROOF_PART, FRAME_PROOF_ANSWER};

    for (size_t i = 0; i < PT_LEN(BULK); i++)
        if (BULK[i] == k)
            return true;
    return false;
}

void record_of_said(struct record_entry *out, const struct session_said *s)
{
    *out = (struct record_entry){.kind = RECORD_RECEIVED, .bytes = s->bytes};
    if (s->sent) {
        out->frame = s->frame->kind;
        out->chain = *s->chain;
        out->kind = record_is_bulk(s->frame->kind) ? RECORD_SENT : RECORD_SENT_WHOLE;
        if (out->kind == RECORD_SENT)
            out->bytes = (struct span){0};
    } else if (s->frame->kind == FRAME_COLUMN_PART) {
        const struct wire_column_part *w = &s->frame->u.column_part;
        *out = (struct record_entry){.kind = RECORD_RECEIVED_PART,
                                     .part = {.seq = s->frame->seq,
                                              .column = w->column,
                                              .offset = w->offset,
                                              .bytes = w->data.n}};
    }
}

/* ---- writing ---- */

static bool put_head(struct buf *b, const struct record_head *h)
{
    return buf_u32le(b, RECORD_VERSION) && buf_u8(b, h->opener) && buf_u8(b, (uint8_t)h->what) &&
           buf_field(b, span_z(h->peer)) && buf_field(b, span_z(h->build)) &&
           buf_add(b, h->nonce.b, 32) && buf_add(b, h->policy.b, 32) &&
           buf_add(b, h->epoch_id.b, 32) && buf_u32le(b, h->key_period) &&
           buf_u64le(b, h->began_us);
}

static bool put_body(struct buf *b, const struct record_entry *e)
{
    const struct transcript_part *p = &e->part;

    switch (e->kind) {
    case RECORD_HEAD:
        return put_head(b, &e->head);
    case RECORD_NOTE:
    case RECORD_RECEIVED:
        return buf_add(b, e->bytes.p, e->bytes.n);
    case RECORD_RECEIVED_PART:
        return buf_u32le(b, p->seq) && buf_u32le(b, p->column) && buf_u64le(b, p->offset) &&
               buf_u64le(b, p->bytes);
    case RECORD_SENT:
    case RECORD_SENT_WHOLE:
        return buf_u8(b, (uint8_t)e->frame) && buf_add(b, e->chain.b, 32) &&
               buf_add(b, e->bytes.p, e->bytes.n);
    case RECORD_END:
        return buf_u8(b, (uint8_t)e->state) && buf_u8(b, (uint8_t)e->refusal);
    }
    return false;
}

bool record_put(struct buf *out, const struct record_entry *e)
{
    size_t at = out->n;

    if (!buf_u8(out, (uint8_t)e->kind) || !buf_u32le(out, 0) || !put_body(out, e))
        return false;
    store_u32le(out->p + at + 1, (uint32_t)(out->n - at - RECORD_OVERHEAD));
    return true;
}

/* ---- reading ---- */

size_t record_body_max(uint8_t kind)
{
    static const size_t MOST[] = {[RECORD_HEAD] = 512,
                                  [RECORD_NOTE] = RECORD_NOTE_MAX,
                                  [RECORD_RECEIVED] = WIRE_FRAME_MAX,
                                  [RECORD_RECEIVED_PART] = 24,
                                  [RECORD_SENT] = 33,
                                  [RECORD_SENT_WHOLE] = RECORD_BODY_MAX,
                                  [RECORD_END] = 2};

    return kind < PT_LEN(MOST) ? MOST[kind] : 0;
}

static bool take_name(char *out, size_t cap, struct rd *r)
{
    struct span s = rd_field(r, cap - 1);

    return !r->bad && text_copy(out, cap, s);
}

static bool take_head(struct record_head *h, struct rd *r)
{
    uint32_t version = rd_u32le(r);
    uint8_t opener = rd_u8(r);
    uint8_t what = rd_u8(r);

    h->opener = opener == 1;
    h->what = (enum session_what)what;
    if (version != RECORD_VERSION || opener > 1 || what > WHAT_REACH ||
        !take_name(h->peer, sizeof h->peer, r) || !take_name(h->build, sizeof h->build, r))
        return false;
    rd_into(r, h->nonce.b, 32);
    rd_into(r, h->policy.b, 32);
    rd_into(r, h->epoch_id.b, 32);
    h->key_period = rd_u32le(r);
    h->began_us = rd_u64le(r);
    return true;
}

static struct span take_rest(struct rd *r)
{
    return rd_take(r, r->in.n - r->at);
}

static bool take_body(struct record_entry *e, struct rd *r)
{
    uint8_t state;
    uint8_t refusal;

    switch (e->kind) {
    case RECORD_HEAD:
        return take_head(&e->head, r);
    case RECORD_NOTE:
    case RECORD_RECEIVED:
        e->bytes = take_rest(r);
        return true;
    case RECORD_RECEIVED_PART:
        e->part.seq = rd_u32le(r);
        e->part.column = rd_u32le(r);
        e->part.offset = rd_u64le(r);
        e->part.bytes = rd_u64le(r);
        return e->part.bytes <= WIRE_PART_MAX;
    case RECORD_SENT:
    case RECORD_SENT_WHOLE:
        e->frame = (enum frame_kind)rd_u8(r);
        rd_into(r, e->chain.b, 32);
        e->bytes = take_rest(r);
        return record_is_bulk(e->frame) == (e->kind == RECORD_SENT);
    case RECORD_END:
        state = rd_u8(r);
        refusal = rd_u8(r);
        e->state = (enum session_state)state;
        e->refusal = (enum refusal)refusal;
        return state <= SESSION_FAILED && refusal < REFUSAL_COUNT;
    }
    return false;
}

enum pt_code record_parse(struct record_entry *out, uint8_t kind, struct span body,
                          struct pt_err *err)
{
    struct rd r = {.in = body};

    *out = (struct record_entry){.kind = (enum record_kind)kind};
    if (record_body_max(kind) == 0 || body.n > record_body_max(kind))
        return pt_fail(err, PT_EBADMSG, "a record with an entry of kind %u and %zu bytes",
                       (unsigned)kind, body.n);
    if (!take_body(out, &r) || !rd_done(&r)) {
        *out = (struct record_entry){0};
        return pt_fail(err, PT_EBADMSG, "a record whose entry of kind %u is malformed",
                       (unsigned)kind);
    }
    return PT_OK;
}
