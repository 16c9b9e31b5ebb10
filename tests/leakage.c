#include "tests/leakage.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base/text.h"
#include "proto/federation.pb-c.h"
#include "proto/health.pb-c.h"
#include "proto/planner.pb-c.h"
#include "proto/reflection.pb-c.h"
#include "proto/reflection_v1alpha.pb-c.h"
#include "tests/policy_fixture.h"

/* ---- the table ---- */

static const char SECTION[] = "## What each message tells\n";

static enum leakage class_of(struct span word)
{
    static const struct {
        const char *word;
        enum leakage of;
    } WORDS[] = {
        {"uniform", LEAKAGE_UNIFORM}, {"public", LEAKAGE_PUBLIC}, {"signed public", LEAKAGE_PUBLIC},
        {"derived", LEAKAGE_DERIVED}, {"paid", LEAKAGE_PAID},     {"own", LEAKAGE_OWN}};

    for (size_t i = 0; i < PT_LEN(WORDS); i++)
        if (text_eq(word, WORDS[i].word))
            return WORDS[i].of;
    return LEAKAGE_NONE;
}

static void add(struct leakage_table *t, struct span message, struct span field, enum leakage of)
{
    struct leakage_row *r = &t->rows[t->count++];

    assert_true(t->count <= LEAKAGE_ROWS_MAX);
    assert_true(text_copy(r->message, sizeof r->message, message));
    assert_true(text_copy(r->field, sizeof r->field, field));
    r->of = of;
}

/* | Hello, Welcome | nonce, other | uniform | why | */
static void read_row(struct leakage_table *t, struct span line)
{
    struct span cell[4];
    bool more = true;

    (void)text_cut(&line, '|', &more);
    for (size_t i = 0; i < PT_LEN(cell); i++)
        cell[i] = text_trim(text_cut(&line, '|', &more));
    const enum leakage of = class_of(cell[2]);
    if (of == LEAKAGE_NONE)
        fail_msg("a class of the table is none: '%.*s'", (int)cell[2].n, (const char *)cell[2].p);
    for (bool messages = true; messages;) {
        const struct span message = text_trim(text_cut(&cell[0], ',', &messages));
        struct span fields = cell[1];
        for (bool others = true; others;)
            add(t, message, text_trim(text_cut(&fields, ',', &others)), of);
    }
}

void leakage_read(struct leakage_table *t)
{
    struct buf file = {0};
    bool more = true;
    size_t lines = 0;

    memset(t, 0, sizeof *t);
    fixture_read(&file, "proto/README.md");
    assert_true(buf_u8(&file, '\0'));
    const char *at = strstr((const char *)file.p, SECTION);
    assert_non_null(at);
    at += sizeof SECTION - 1;
    const char *end = strstr(at, "\n## ");
    struct span text = end == NULL ? span_z(at) : span_of(at, (size_t)(end - at));
    while (more) {
        const struct span line = text_cut(&text, '\n', &more);
        if (line.n > 0 && line.p[0] == '|' && lines++ >= 2) /* below the heading */
            read_row(t, line);
    }
    buf_free(&file);
    assert_true(t->count > 0);
}

/* "answer.cells.*" is every field below; of frames between nodes each is named. */
static bool covers(const struct leakage_row *r, const char *field)
{
    const size_t n = strlen(r->field);

    return n > 0 && r->field[n - 1] == '*' && strchr(r->message, '.') != NULL &&
           strncmp(r->field, field, n - 1) == 0;
}

struct leakage_row *leakage_find(struct leakage_table *t, const char *message, const char *field)
{
    struct leakage_row *found = NULL;
    struct leakage_row *wide = NULL;

    for (size_t i = 0; i < t->count; i++) {
        struct leakage_row *r = &t->rows[i];
        if (strcmp(r->message, message) != 0)
            continue;
        if (strcmp(r->field, field) == 0) {
            if (found != NULL)
                fail_msg("the table has %s.%s twice", message, field);
            found = r;
        } else if (covers(r, field)) {
            wide = r;
        }
    }
    return found != NULL ? found : wide;
}

/* ---- what the wire has ---- */

struct path {
    char text[LEAKAGE_NAME_MAX + 1];
};

static struct path below(const struct path *p, const char *name)
{
    struct path out;

    assert_true(snprintf(out.text, sizeof out.text, "%s%s%s", p->text, p->text[0] ? "." : "",
                         name) < (int)sizeof out.text);
    return out;
}

/* No message of ours holds itself; reflection's originals are two deep. */
enum { DEPTH_MAX = 4 };

/* NOLINTNEXTLINE(misc-no-recursion): as deep as DEPTH_MAX */
static void walk(const ProtobufCMessageDescriptor *d, const char *message, const struct path *at,
                 int depth, leakage_field *field, void *self)
{
    assert_true(depth < DEPTH_MAX);
    for (unsigned i = 0; i < d->n_fields; i++) {
        const struct path p = below(at, d->fields[i].name);
        if (d->fields[i].type == PROTOBUF_C_TYPE_MESSAGE)
            walk(d->fields[i].descriptor, message, &p, depth + 1, field, self);
        else
            field(self, message, p.text);
    }
}

/* "header_signatures" of the oneof is the frame HeaderSignatures. */
static void frame_name_of(char out[LEAKAGE_NAME_MAX + 1], const char *field)
{
    size_t n = 0;

    for (bool upper = true; *field != '\0'; field++) {
        if (*field == '_') {
            upper = true;
            continue;
        }
        assert_true(n < LEAKAGE_NAME_MAX);
        out[n++] = (char)(upper ? toupper((unsigned char)*field) : *field);
        upper = false;
    }
    out[n] = '\0';
}

static void walk_frames(leakage_field *field, void *self)
{
    const ProtobufCMessageDescriptor *d = &patto__federation__v1__frame__descriptor;

    for (unsigned i = 0; i < d->n_fields; i++) {
        char name[LEAKAGE_NAME_MAX + 1];
        frame_name_of(name, d->fields[i].name);
        if (d->fields[i].type == PROTOBUF_C_TYPE_MESSAGE)
            walk(d->fields[i].descriptor, name, &(struct path){""}, 0, field, self);
        else
            field(self, "Frame", d->fields[i].name);
    }
}

static void walk_service(const ProtobufCServiceDescriptor *s, const char *prefix,
                         leakage_field *field, void *self)
{
    const ProtobufCMessageDescriptor *seen[16];
    size_t count = 0;

    for (unsigned i = 0; i < 2 * s->n_methods; i++) {
        const ProtobufCMessageDescriptor *d =
            i % 2 == 0 ? s->methods[i / 2].input : s->methods[i / 2].output;
        char name[LEAKAGE_NAME_MAX + 1];
        bool before = false;
        for (size_t k = 0; k < count; k++)
            before = before || seen[k] == d;
        if (before)
            continue;
        assert_true(count < PT_LEN(seen));
        seen[count++] = d;
        snprintf(name, sizeof name, "%s.%s", prefix, d->short_name);
        walk(d, name, &(struct path){""}, 0, field, self);
    }
}

void leakage_wire(leakage_field *field, void *self)
{
    walk_frames(field, self);
    walk_service(&patto__planner__v1__planner__descriptor, "planner", field, self);
    walk_service(&grpc__health__v1__health__descriptor, "health", field, self);
    walk_service(&grpc__reflection__v1__server_reflection__descriptor, "reflection", field, self);
    walk_service(&grpc__reflection__v1alpha__server_reflection__descriptor, "reflection_v1alpha",
                 field, self);
}

/* ---- one frame ---- */

struct values {
    const char *message;
    leakage_value *value;
    void *self;
};

static bool is_wide(ProtobufCType type)
{
    return type == PROTOBUF_C_TYPE_UINT64 || type == PROTOBUF_C_TYPE_SINT64 ||
           type == PROTOBUF_C_TYPE_INT64;
}

static size_t size_of(ProtobufCType type)
{
    if (type == PROTOBUF_C_TYPE_MESSAGE || type == PROTOBUF_C_TYPE_STRING)
        return sizeof(void *);
    if (type == PROTOBUF_C_TYPE_BYTES)
        return sizeof(ProtobufCBinaryData);
    return is_wide(type) ? 8 : 4;
}

static void give(const struct values *v, const struct path *p, const ProtobufCFieldDescriptor *f,
                 const uint8_t *at)
{
    struct span value = {0};
    ProtobufCBinaryData bytes;
    uint8_t number[8] = {0};
    const char *z;

    if (f->type == PROTOBUF_C_TYPE_STRING) {
        memcpy(&z, at, sizeof(char *));
        value = span_z(z);
    } else if (f->type == PROTOBUF_C_TYPE_BYTES) {
        memcpy(&bytes, at, sizeof bytes);
        value = span_of(bytes.data, bytes.len);
    } else {
        assert_true(is_wide(f->type) || f->type == PROTOBUF_C_TYPE_UINT32 ||
                    f->type == PROTOBUF_C_TYPE_ENUM);
        memcpy(number, at, size_of(f->type));
        value = span_of(number, sizeof number);
    }
    v->value(v->self, v->message, p->text, value);
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as DEPTH_MAX */
static void give_all(const struct values *v, const uint8_t *message,
                     const ProtobufCMessageDescriptor *d, const struct path *at, int depth)
{
    assert_true(depth < DEPTH_MAX);
    for (unsigned i = 0; i < d->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &d->fields[i];
        const struct path p = below(at, f->name);
        const uint8_t *first = message + f->offset;
        size_t count = 1;
        if (f->label == PROTOBUF_C_LABEL_REPEATED) {
            memcpy(&count, message + f->quantifier_offset, sizeof count);
            memcpy(&first, message + f->offset, sizeof first);
        }
        for (size_t k = 0; k < count; k++) {
            const uint8_t *one = first + k * size_of(f->type);
            const uint8_t *body = NULL;
            if (f->type != PROTOBUF_C_TYPE_MESSAGE) {
                give(v, &p, f, one);
                continue;
            }
            memcpy(&body, one, sizeof body);
            if (body != NULL)
                give_all(v, body, f->descriptor, &p, depth + 1);
        }
    }
}

void leakage_frame(struct span frame, leakage_value *value, void *self)
{
    const ProtobufCMessageDescriptor *d = &patto__federation__v1__frame__descriptor;
    ProtobufCMessage *m = protobuf_c_message_unpack(d, NULL, frame.n, frame.p);
    assert_non_null(m);
    const Patto__Federation__V1__Frame *f = (const void *)m;
    const ProtobufCFieldDescriptor *which =
        protobuf_c_message_descriptor_get_field(d, (unsigned)f->body_case);
    char name[LEAKAGE_NAME_MAX + 1];
    uint8_t seq[8] = {0};
    const uint8_t *body = NULL;

    assert_non_null(which);
    store_u32le(seq, f->seq);
    value(self, "Frame", "seq", span_of(seq, sizeof seq));
    frame_name_of(name, which->name);
    memcpy(&body, (const uint8_t *)m + which->offset, sizeof body);
    const struct values v = {name, value, self};
    give_all(&v, body, which->descriptor, &(struct path){""}, 0);
    protobuf_c_message_free_unpacked(m, NULL);
}
