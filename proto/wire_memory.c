#include "proto/wire_memory.h"

#include <protobuf-c/protobuf-c.h>
#include <stdlib.h>
#include <string.h>

struct item { /* of an arena: its bytes follow */
    struct item *next;
    size_t n;
    max_align_t bytes[];
};

void *wire_arena_get(struct wire_arena *a, size_t n)
{
    size_t whole;

    if (a->bad || !pt_add(sizeof(struct item), n, &whole)) {
        a->bad = true;
        return NULL;
    }
    struct item *i = calloc(1, whole);
    if (i == NULL) {
        a->bad = true;
        return NULL;
    }
    i->next = a->head;
    i->n = n;
    a->head = i;
    return i->bytes;
}

void *wire_arena_pointers(struct wire_arena *a, size_t n)
{
    return wire_arena_get(a, (n + 1) * sizeof(void *));
}

char *wire_arena_text(struct wire_arena *a, struct span s)
{
    char *z = wire_arena_get(a, s.n + 1);

    if (z != NULL && s.n > 0)
        memcpy(z, s.p, s.n);
    return z;
}

void wire_arena_free(struct wire_arena *a)
{
    for (struct item *i = a->head; i != NULL;) {
        struct item *next = i->next;
        free(i);
        i = next;
    }
    *a = (struct wire_arena){0};
}

void wire_take_limit(struct wire_take *t, bool good, const char *field, const char *expected)
{
    if (t->bad || good)
        return;
    t->bad = true;
    pt_fail(t->err, PT_EBADMSG, "%s: %s is not %s", t->message, field, expected);
}

void wire_take_bytes(struct wire_take *t, void *out, size_t n, struct span data, const char *field)
{
    memset(out, 0, n);
    if (!t->bad && data.n != n) {
        t->bad = true;
        pt_fail(t->err, PT_EBADMSG, "%s: %s is %zu bytes, not %zu", t->message, field, data.n, n);
    }
    if (!t->bad)
        memcpy(out, data.p, n);
}

struct span wire_take_text(struct wire_take *t, const char *z, size_t max, const char *field)
{
    struct span s = z == NULL ? (struct span){0} : span_z(z);

    if (!t->bad && (s.n == 0 || s.n > max)) {
        t->bad = true;
        pt_fail(t->err, PT_EBADMSG, "%s: %s has %zu characters, not 1..%zu", t->message, field, s.n,
                max);
    }
    return t->bad ? (struct span){0} : s;
}

/* protobuf-c turns two bytes of input into a message of fifty: what it may allocate for one
 * decoding is counted and capped. Each allocation carries no header, so freeing gives nothing
 * back to the count: a bound on the sum, which is what an attacker would drive. */
struct meter {
    size_t left;
};

static void *meter_get(void *data, size_t n)
{
    struct meter *m = data;

    if (n > m->left)
        return NULL;
    m->left -= n;
    return malloc(n > 0 ? n : 1);
}

static void meter_free(void *data, void *p)
{
    (void)data;
    free(p);
}

/* The message or one in it holds a field that its descriptor does not know. Recursion is over
 * our own schema, three levels deep, not over input. */
static bool has_unknown(const ProtobufCMessage *m);

static bool field_has_unknown(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    const uint8_t *base = (const uint8_t *)m;
    const ProtobufCMessage *one;

    if (f->type != PROTOBUF_C_TYPE_MESSAGE)
        return false;
    if (f->label == PROTOBUF_C_LABEL_REPEATED) {
        const ProtobufCMessage *const *items;
        size_t count;
        memcpy(&count, base + f->quantifier_offset, sizeof count);
        memcpy(&items, base + f->offset, sizeof(void *));
        for (size_t i = 0; i < count; i++)
            if (has_unknown(items[i]))
                return true;
        return false;
    }
    if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
        uint32_t which;
        memcpy(&which, base + f->quantifier_offset, sizeof which);
        if (which != f->id)
            return false;
    }
    memcpy(&one, base + f->offset, sizeof(void *));
    return one != NULL && has_unknown(one);
}

static bool has_unknown(const ProtobufCMessage *m)
{
    if (m->n_unknown_fields > 0)
        return true;
    for (unsigned i = 0; i < m->descriptor->n_fields; i++)
        if (field_has_unknown(m, &m->descriptor->fields[i]))
            return true;
    return false;
}

enum pt_code wire_message_decode(void **out, const void *descriptor, struct span bytes,
                                 const struct wire_bound *bound, struct pt_err *err)
{
    const ProtobufCMessageDescriptor *d = descriptor;
    struct meter meter = {.left = bound->memory_max};
    ProtobufCAllocator allocator = {
        .alloc = meter_get, .free = meter_free, .allocator_data = &meter};

    *out = NULL;
    if (bytes.n > bound->input_max)
        return pt_fail(err, PT_ELIMIT, "%s: %zu bytes, at most %zu", d->short_name, bytes.n,
                       bound->input_max);
    ProtobufCMessage *m = protobuf_c_message_unpack(d, &allocator, bytes.n, bytes.p);
    if (m == NULL)
        return pt_fail(err, PT_EBADMSG, "%s of %zu bytes cannot be decoded", d->short_name,
                       bytes.n);
    *out = m;
    /* A text with a NUL, a number in more bytes than it needs, a default that is spelled out, a
     * body said twice: each encodes again to another length. */
    if (!bound->canonical || (!has_unknown(m) && protobuf_c_message_get_packed_size(m) == bytes.n))
        return PT_OK;
    wire_message_free(m);
    *out = NULL;
    return pt_fail(err, PT_EBADMSG, "%s is not encoded as this version encodes it", d->short_name);
}

void wire_message_free(void *message)
{
    struct meter none = {0};
    ProtobufCAllocator allocator = {
        .alloc = meter_get, .free = meter_free, .allocator_data = &none};

    if (message != NULL)
        protobuf_c_message_free_unpacked(message, &allocator);
}

void *wire_message_new(struct wire_arena *a, const void *descriptor)
{
    const ProtobufCMessageDescriptor *d = descriptor;
    void *m = wire_arena_get(a, d->sizeof_message);

    if (m != NULL)
        protobuf_c_message_init(d, m);
    return m;
}

enum pt_code wire_message_encode(struct buf *out, const void *message, size_t output_max,
                                 struct pt_err *err)
{
    const ProtobufCMessage *m = message;
    size_t n = protobuf_c_message_get_packed_size(m);
    size_t whole;

    if (n > output_max)
        return pt_fail(err, PT_EBUG, "%s to send has %zu bytes, at most %zu",
                       m->descriptor->short_name, n, output_max);
    if (!pt_add(out->n, n, &whole) || !buf_reserve(out, whole > 0 ? whole : 1))
        return pt_fail(err, PT_ENOMEM, "no memory for %zu bytes to send", n);
    out->n += protobuf_c_message_pack(m, out->p + out->n);
    return PT_OK;
}
