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
