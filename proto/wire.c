#include "proto/wire.h"

#include <stdlib.h>
#include <string.h>

#include "proto/federation.pb-c.h"
#include "proto/wire_body.h"

static const struct wire_body *body_of(enum frame_kind k)
{
    for (size_t i = 0; i < WIRE_BODY_COUNT; i++)
        if (WIRE_BODIES[i].kind == k)
            return &WIRE_BODIES[i];
    for (size_t i = 0; i < WIRE_REACH_COUNT; i++)
        if (WIRE_REACH[i].kind == k)
            return &WIRE_REACH[i];
    for (size_t i = 0; i < WIRE_LOG_COUNT; i++)
        if (WIRE_LOG[i].kind == k)
            return &WIRE_LOG[i];
    for (size_t i = 0; i < WIRE_PROOF_COUNT; i++)
        if (WIRE_PROOF[i].kind == k)
            return &WIRE_PROOF[i];
    return NULL;
}

const char *frame_name(enum frame_kind k)
{
    const struct wire_body *b = body_of(k);

    return b == NULL ? "no frame" : b->name;
}

const char *refusal_name(enum refusal r)
{
    static const char *const names[REFUSAL_COUNT] = {
        "NONE",
        "POLICY_MISMATCH",
        "NOT_SIGNED",
        "EXPIRED",
        "VERSION",
        "NOT_ALLOWED",
        "BUDGET_EXHAUSTED",
        "AUDIENCE_TOO_SMALL",
        "QUOTA",
        "BUSY",
        "FROZEN",
        "EPOCH_MISMATCH",
        "WRONG_PARTY",
        "BAD_MESSAGE",
        "INTERNAL",
        "STOPPED_BY_OFFICER",
        "NOT_PROVED",
    };

    return (unsigned)r < REFUSAL_COUNT ? names[r] : "unknown";
}

/* All bodies are pointers in one union of the generated struct. */
static void set_body(Patto__Federation__V1__Frame *m, const struct wire_body *b, void *body)
{
    m->body_case = (Patto__Federation__V1__Frame__BodyCase)b->kind;
    memcpy(&m->hello, &body, sizeof body);
}

static const void *get_body(const Patto__Federation__V1__Frame *m)
{
    const void *body;

    memcpy(&body, &m->hello, sizeof body);
    return body;
}

enum pt_code wire_encode(struct buf *out, const struct frame *f, struct pt_err *err)
{
    const struct wire_body *b = body_of(f->kind);
    Patto__Federation__V1__Frame m = PATTO__FEDERATION__V1__FRAME__INIT;
    struct wire_arena arena = {0};
    enum pt_code rc;

    if (b == NULL)
        return pt_fail(err, PT_EBUG, "frame of kind %d to send", (int)f->kind);
    m.seq = f->seq;
    void *body = wire_message_new(&arena, b->descriptor);
    if (body != NULL)
        b->put(body, f, &arena);
    struct frame check = {.kind = f->kind};
    struct wire_take take = {.err = err, .message = b->name};
    if (!arena.bad) {
        set_body(&m, b, body);
        /* What we send meets the bounds that we hold the peer to. */
        b->take(&take, &check, body, &arena);
    }
    if (arena.bad)
        rc = pt_fail(err, PT_ENOMEM, "%s: no memory to send it", b->name);
    else if (take.bad)
        rc = pt_fail(err, PT_EBUG, "%s to send breaks a bound of the wire", b->name);
    else
        rc = wire_message_encode(out, &m, WIRE_FRAME_MAX, err);
    wire_arena_free(&arena);
    return rc;
}

enum pt_code wire_decode(struct wire_in *in, struct span bytes, struct pt_err *err)
{
    static const struct wire_bound bound = {
        .input_max = WIRE_FRAME_MAX, .memory_max = WIRE_MEMORY_MAX, .canonical = true};
    struct wire_arena arena = {0};
    enum pt_code rc;

    *in = (struct wire_in){0};
    if ((rc = wire_message_decode(&in->message, &patto__federation__v1__frame__descriptor, bytes,
                                  &bound, err)) != PT_OK)
        return rc;
    const Patto__Federation__V1__Frame *m = in->message;
    const struct wire_body *b = body_of((enum frame_kind)m->body_case);
    if (b == NULL || get_body(m) == NULL) {
        wire_in_free(in);
        return pt_fail(err, PT_EBADMSG, "a frame without a body");
    }
    struct wire_take take = {.err = err, .message = b->name};
    in->frame.seq = m->seq;
    in->frame.kind = b->kind;
    b->take(&take, &in->frame, get_body(m), &arena);
    in->items = arena.head;
    if (arena.bad)
        rc = pt_fail(err, PT_ENOMEM, "%s: no memory to read it", b->name);
    else if (take.bad)
        rc = PT_EBADMSG;
    if (rc != PT_OK)
        wire_in_free(in);
    return rc;
}

void wire_in_free(struct wire_in *in)
{
    struct wire_arena arena = {.head = in->items};

    wire_message_free(in->message);
    wire_arena_free(&arena);
    *in = (struct wire_in){0};
}
