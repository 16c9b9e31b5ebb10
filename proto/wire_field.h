/* wire_field.h - fields that the bodies of several messages have in common. For wire*.c only: it
 * knows protobuf-c's types. */
#ifndef PT_WIRE_FIELD_H
#define PT_WIRE_FIELD_H

#include "crypto/sign.h"
#include "policy/policy.h"
#include "proto/federation.pb-c.h"
#include "proto/wire_memory.h"

#include <string.h>

#define PB(name)         Patto__Federation__V1__##name
#define DESCRIPTOR(name) &patto__federation__v1__##name##__descriptor

/* protobuf-c's bytes are not const, but packing only reads them. */
static inline ProtobufCBinaryData lend(const void *p, size_t n)
{
    ProtobufCBinaryData d = {.len = n};

    memcpy(&d.data, &p, sizeof p);
    return d;
}
static inline struct span data_span(ProtobufCBinaryData d)
{
    return (struct span){d.data, d.len};
}
static inline void take_digest(struct wire_take *t, struct digest *out, ProtobufCBinaryData d,
                               const char *field)
{
    wire_take_bytes(t, out->b, sizeof out->b, data_span(d), field);
}
static inline void take_signature(struct wire_take *t, struct signature *out, ProtobufCBinaryData d)
{
    wire_take_bytes(t, out->b, sizeof out->b, data_span(d), "signature");
}
static inline struct span take_name(struct wire_take *t, const char *z, const char *field)
{
    return wire_take_text(t, z, POLICY_NAME_MAX, field);
}

#endif
