#include "proto/transcript.h"

static void extend(struct digest *chain, struct span frame)
{
    struct digest before = *chain;
    struct span parts[] = {span_of(before.b, sizeof before.b), frame};

    hash_parts(chain, "patto/transcript/1", parts, PT_LEN(parts));
}

void transcript_init(struct transcript *t)
{
    *t = (struct transcript){0};
}

void transcript_sent(struct transcript *t, struct span frame)
{
    extend(&t->sent, frame);
}

void transcript_received(struct transcript *t, struct span frame)
{
    extend(&t->received, frame);
}

static void extend_part(struct digest *chain, const struct transcript_part *p)
{
    struct digest before = *chain;
    uint8_t bytes[24];
    const struct span parts[] = {span_of(before.b, sizeof before.b), span_of(bytes, sizeof bytes)};

    store_u32le(bytes, p->seq);
    store_u32le(bytes + 4, p->column);
    store_u64le(bytes + 8, p->offset);
    store_u64le(bytes + 16, p->bytes);
    hash_parts(chain, "patto/transcript/part/1", parts, PT_LEN(parts));
}

void transcript_sent_part(struct transcript *t, const struct transcript_part *p)
{
    extend_part(&t->sent, p);
}

void transcript_received_part(struct transcript *t, const struct transcript_part *p)
{
    extend_part(&t->received, p);
}
