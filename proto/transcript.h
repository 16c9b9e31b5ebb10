/* transcript.h - what was said in a session, as two running hashes: frames sent, frames received.
 * Two chains and not one, because how the directions interleave is nobody's to know. Both sides
 * hold the same two hashes, the other way round (PROTOCOL.md 7 and 8). */
#ifndef PT_TRANSCRIPT_H
#define PT_TRANSCRIPT_H

#include "crypto/prf.h"

struct transcript {
    struct digest sent, received;
};
void transcript_init(struct transcript *t);
/* Hash of the frame bytes so far and these. */
void transcript_sent(struct transcript *t, struct span frame);
void transcript_received(struct transcript *t, struct span frame);
/* A ColumnPart, whose bytes its column's digest covers: that digest stands in the Question, and the
 * evaluator takes no column that is not of it. So the transcript needs only say which bytes came
 * where; to hash a gigabyte twice at either end would cost a second of a large table. */
struct transcript_part {
    uint32_t seq, column;
    uint64_t offset, bytes;
};
void transcript_sent_part(struct transcript *t, const struct transcript_part *p);
void transcript_received_part(struct transcript *t, const struct transcript_part *p);

#endif
