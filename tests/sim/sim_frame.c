/* What there is to change in a frame, by reflection over federation.proto, and the changes. */
#include "tests/sim/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/federation.pb-c.h"

static const ProtobufCMessageDescriptor *const FRAME = &patto__federation__v1__frame__descriptor;

const char *sim_how_name(enum sim_how how)
{
    static const char *const names[SIM_HOWS] = {
        [SIM_LOST] = "lost",
        [SIM_TWICE] = "sent twice",
        [SIM_LATE] = "after the next",
        [SIM_SHORT] = "cut short",
        [SIM_LONG] = "longer",
        [SIM_NOISE] = "noise instead",
        [SIM_OF_ANOTHER] = "of another session",
        [SIM_STREAM_ENDS] = "and the stream ends",
        [SIM_BIT] = "a bit flipped",
        [SIM_ZERO] = "zero",
        [SIM_MAX] = "largest",
        [SIM_NEXT] = "one more",
        [SIM_CUT] = "one less",
        [SIM_NONE] = "nothing",
        [SIM_BORROW] = "another session's",
        [SIM_DROP_ONE] = "an item dropped",
        [SIM_REPEAT_ONE] = "an item repeated",
        [SIM_SWAP] = "items in another order",
        [SIM_EMPTY] = "no items",
    };

    return how < SIM_HOWS ? names[how] : "?";
}

/* ---- fields ---- */

static const ProtobufCMessageDescriptor *body_of(enum frame_kind kind)
{
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field(FRAME, (unsigned)kind);

    if (f == NULL)
        abort(); /* kinds come from the same descriptor */
    return f->descriptor;
}

enum frame_kind sim_kind(size_t at)
{
    /* The first field is seq, the others are bodies. */
    return at + 1 < FRAME->n_fields ? (enum frame_kind)FRAME->fields[at + 1].id : FRAME_NONE;
}

struct list {
    struct sim_field *out;
    size_t n, cap;
};

static void add(struct list *l, struct sim_field f)
{
    assert_true(l->n < l->cap);
    l->out[l->n++] = f;
}

static void add_list(struct list *l, int at, const ProtobufCFieldDescriptor *f)
{
    for (int last = 0; last < 2; last++) {
        struct sim_field one = {.in_body = at, .in_item = -1, .last = last == 1};
        if (f->type != PROTOBUF_C_TYPE_MESSAGE) {
            add(l, one);
            continue;
        }
        const ProtobufCMessageDescriptor *item = f->descriptor;
        for (unsigned k = 0; k < item->n_fields; k++) {
            one.in_item = (int)k;
            add(l, one);
        }
    }
    add(l, (struct sim_field){.in_body = at, .in_item = -1, .whole_list = true});
}

size_t sim_fields(struct sim_field *out, size_t cap, enum frame_kind kind)
{
    const ProtobufCMessageDescriptor *body = body_of(kind);
    struct list l = {.out = out, .cap = cap};

    add(&l, (struct sim_field){.in_body = -1, .in_item = -1});
    for (unsigned i = 0; i < body->n_fields; i++) {
        if (body->fields[i].label == PROTOBUF_C_LABEL_REPEATED)
            add_list(&l, (int)i, &body->fields[i]);
        else
            add(&l, (struct sim_field){.in_body = (int)i, .in_item = -1});
    }
    return l.n;
}

void sim_field_name(char *out, size_t cap, enum frame_kind kind, const struct sim_field *f)
{
    const ProtobufCMessageDescriptor *body = body_of(kind);
    const char *name = frame_name(kind);

    if (f->in_body < 0) {
        snprintf(out, cap, "%s.seq", name);
        return;
    }
    const ProtobufCFieldDescriptor *field = &body->fields[f->in_body];
    const ProtobufCMessageDescriptor *item = field->descriptor;
    if (f->in_item < 0)
        snprintf(out, cap, "%s.%s", name, field->name);
    else
        snprintf(out, cap, "%s.%s.%s", name, field->name, item->fields[f->in_item].name);
}

/* ---- values ---- */

struct value {
    ProtobufCType type;
    void *at; /* of the member, or of the list's item */
};

static size_t width(ProtobufCType type)
{
    switch ((int)type) {
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_SINT64:
        return 8;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_ENUM:
        return 4;
    case PROTOBUF_C_TYPE_STRING:
        return sizeof(char *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default:
        abort(); /* a type that federation.proto had not: teach it */
    }
}

static void change_number(const struct value *v, enum sim_how how, const struct value *donor,
                          uint64_t random)
{
    size_t n = width(v->type);
    uint64_t x = 0;

    memcpy(&x, v->at, n);
    if (how == SIM_BIT)
        x ^= 1ULL << random % (8 * n);
    else if (how == SIM_ZERO || how == SIM_NONE)
        x = 0;
    else if (how == SIM_MAX)
        x = v->type == PROTOBUF_C_TYPE_SINT64 ? INT64_MAX : UINT64_MAX;
    else if (how == SIM_NEXT)
        x++;
    else if (how == SIM_CUT)
        x--;
    else if (donor->at != NULL)
        memcpy(&x, donor->at, n);
    memcpy(v->at, &x, n);
}

/* The bytes of a text or of bytes, to change and put back. */
static void get_bytes(struct buf *out, const struct value *v)
{
    ProtobufCBinaryData d = {0};
    const char *z = NULL;

    *out = (struct buf){0};
    if (v->type == PROTOBUF_C_TYPE_STRING)
        memcpy(&z, v->at, sizeof z);
    else
        memcpy(&d, v->at, sizeof d);
    if (z != NULL)
        assert_true(buf_add(out, z, strlen(z)));
    if (d.len > 0)
        assert_true(buf_add(out, d.data, d.len));
}

static void put_bytes(const struct value *v, const struct buf *b)
{
    uint8_t *copy = malloc(b->n + 1);
    ProtobufCBinaryData d = {.len = b->n, .data = copy};

    assert_non_null(copy);
    if (b->n > 0)
        memcpy(copy, b->p, b->n);
    copy[b->n] = '\0';
    if (v->type == PROTOBUF_C_TYPE_STRING) {
        char *old;
        memcpy(&old, v->at, sizeof old);
        if (old != protobuf_c_empty_string)
            free(old);
        memcpy(v->at, &copy, sizeof copy);
        return;
    }
    ProtobufCBinaryData old;
    memcpy(&old, v->at, sizeof old);
    free(old.data);
    memcpy(v->at, &d, sizeof d);
}

static void change_bytes(const struct value *v, enum sim_how how, const struct value *donor,
                         uint64_t random)
{
    bool text = v->type == PROTOBUF_C_TYPE_STRING;
    struct buf b;

    get_bytes(&b, v);
    if (how == SIM_BIT && b.n > 0)
        b.p[random % b.n] ^= (uint8_t)(1U << (random >> 32) % (text ? 4 : 8));
    else if (how == SIM_ZERO && b.n > 0)
        memset(b.p, text ? '0' : 0, b.n);
    else if (how == SIM_MAX && b.n > 0)
        memset(b.p, text ? '~' : 0xff, b.n);
    else if (how == SIM_NEXT)
        assert_true(buf_u8(&b, text ? 'a' : 0x5a));
    else if (how == SIM_CUT && b.n > 0)
        b.n--;
    else if (how == SIM_NONE)
        b.n = 0;
    else if (how == SIM_BORROW && donor->at != NULL) {
        buf_free(&b);
        get_bytes(&b, donor);
    }
    put_bytes(v, &b);
    buf_free(&b);
}

static void change_value(const struct value *v, enum sim_how how, const struct value *donor,
                         uint64_t random)
{
    if (v->type == PROTOBUF_C_TYPE_STRING || v->type == PROTOBUF_C_TYPE_BYTES)
        change_bytes(v, how, donor, random);
    else
        change_number(v, how, donor, random);
}

/* ---- lists ---- */

struct items {
    size_t *count;
    uint8_t **at;
    size_t each; /* bytes of one */
    const ProtobufCFieldDescriptor *field;
};

static void *member(void *message, size_t offset)
{
    return (uint8_t *)message + offset;
}

static struct items items_of(void *body, const ProtobufCFieldDescriptor *f)
{
    return (struct items){.count = member(body, f->quantifier_offset),
                          .at = member(body, f->offset),
                          .each =
                              f->type == PROTOBUF_C_TYPE_MESSAGE ? sizeof(void *) : width(f->type),
                          .field = f};
}

static void free_item(const struct items *l, size_t at)
{
    void *p = NULL;

    if (l->field->type != PROTOBUF_C_TYPE_MESSAGE && l->field->type != PROTOBUF_C_TYPE_STRING)
        return;
    memcpy(&p, *l->at + at * l->each, sizeof p);
    if (l->field->type == PROTOBUF_C_TYPE_STRING)
        free(p);
    else
        protobuf_c_message_free_unpacked(p, NULL);
}

/* Another of the same: what a message owns is copied too. */
static void copy_item(const struct items *l, size_t to, size_t from)
{
    void *p = NULL;

    memcpy(*l->at + to * l->each, *l->at + from * l->each, l->each);
    if (l->field->type == PROTOBUF_C_TYPE_STRING) {
        memcpy(&p, *l->at + from * l->each, sizeof p);
        p = strdup(p);
    } else if (l->field->type == PROTOBUF_C_TYPE_MESSAGE) {
        memcpy(&p, *l->at + from * l->each, sizeof p);
        size_t n = protobuf_c_message_get_packed_size(p);
        uint8_t *bytes = malloc(n + 1);
        assert_non_null(bytes);
        protobuf_c_message_pack(p, bytes);
        p = protobuf_c_message_unpack(l->field->descriptor, NULL, n, bytes);
        free(bytes);
    } else {
        return;
    }
    assert_non_null(p);
    memcpy(*l->at + to * l->each, &p, sizeof p);
}

static void change_list(const struct items *l, enum sim_how how)
{
    uint8_t swap[sizeof(void *)];
    size_t n = *l->count;

    if (n == 0)
        return;
    if (how == SIM_DROP_ONE) {
        free_item(l, n - 1);
        *l->count = n - 1;
    } else if (how == SIM_REPEAT_ONE) {
        *l->at = realloc(*l->at, (n + 1) * l->each);
        assert_non_null(*l->at);
        copy_item(l, n, n - 1);
        *l->count = n + 1;
    } else if (how == SIM_SWAP && n > 1) {
        memcpy(swap, *l->at, l->each);
        memmove(*l->at, *l->at + (n - 1) * l->each, l->each);
        memcpy(*l->at + (n - 1) * l->each, swap, l->each);
    } else if (how == SIM_EMPTY) {
        for (size_t i = 0; i < n; i++)
            free_item(l, i);
        *l->count = 0;
    }
}

/* ---- one change ---- */

static void *body_in(ProtobufCMessage *m)
{
    void *body;

    memcpy(&body, member(m, FRAME->fields[1].offset), sizeof body);
    return body;
}

/* Where a field's value is in m; at NULL: its list is empty. */
static struct value value_in(ProtobufCMessage *m, enum frame_kind kind, const struct sim_field *f)
{
    if (f->in_body < 0)
        return (struct value){FRAME->fields[0].type, member(m, FRAME->fields[0].offset)};
    const ProtobufCFieldDescriptor *field = &body_of(kind)->fields[f->in_body];
    void *body = body_in(m);
    if (field->label != PROTOBUF_C_LABEL_REPEATED)
        return (struct value){field->type, member(body, field->offset)};
    struct items l = items_of(body, field);
    if (*l.count == 0)
        return (struct value){.type = field->type};
    uint8_t *item = *l.at + (f->last ? *l.count - 1 : 0) * l.each;
    if (f->in_item < 0)
        return (struct value){field->type, item};
    const ProtobufCMessageDescriptor *d = field->descriptor;
    const ProtobufCFieldDescriptor *inner = &d->fields[f->in_item];
    void *message;
    memcpy(&message, item, sizeof message);
    return (struct value){inner->type, member(message, inner->offset)};
}

static enum frame_kind kind_in(const ProtobufCMessage *m)
{
    const Patto__Federation__V1__Frame *f = (const void *)m;

    return (enum frame_kind)f->body_case;
}

static void change_message(ProtobufCMessage *m, const struct sim_change *c, uint64_t random)
{
    enum frame_kind kind = kind_in(m);
    ProtobufCMessage *other = NULL;
    struct value donor = {0};

    if (c->field.whole_list) {
        struct items l = items_of(body_in(m), &body_of(kind)->fields[c->field.in_body]);
        change_list(&l, c->how);
        return;
    }
    struct value v = value_in(m, kind, &c->field);
    if (c->donor.n > 0)
        other = protobuf_c_message_unpack(FRAME, NULL, c->donor.n, c->donor.p);
    if (other != NULL && kind_in(other) == kind)
        donor = value_in(other, kind, &c->field);
    if (v.at != NULL)
        change_value(&v, c->how, &donor, random);
    if (other != NULL)
        protobuf_c_message_free_unpacked(other, NULL);
}

bool sim_change_apply(struct buf *frame, const struct sim_change *c, uint64_t random)
{
    ProtobufCMessage *m = protobuf_c_message_unpack(FRAME, NULL, frame->n, frame->p);
    struct buf out = {0};

    assert_non_null(m);
    change_message(m, c, random);
    size_t n = protobuf_c_message_get_packed_size(m);
    assert_true(buf_reserve(&out, n + 1));
    out.n = protobuf_c_message_pack(m, out.p);
    protobuf_c_message_free_unpacked(m, NULL);
    bool changed = !span_eq_vartime(buf_span(&out), buf_span(frame));
    buf_free(frame);
    *frame = out;
    return changed;
}
