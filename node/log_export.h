/* log_export.h - what one partner shows another of its audit record: opened events with proofs.
 *
 * JSON: the published checkpoint with its cosignatures, and the events that concern the other
 * partner, each with its salt and the proof that it is in that tree. Who reads it checks all of it
 * against the policy's keys before a field is looked at. */
#ifndef PT_LOG_EXPORT_H
#define PT_LOG_EXPORT_H

#include "node/audit.h"

#include <stdio.h>

enum { LOG_EXPORT_BYTES_MAX = 1 << 28, LOG_EXPORT_EVENTS_MAX = 1 << 20 };

/* The events for a partner, as far as they are published. PT_ESTATE: nothing is. */
PT_MUST_USE enum pt_code log_export_write(struct buf *out, size_t *count, const struct audit *a,
                                          const char *partner, int64_t now_s, struct pt_err *err);

struct log_export { /* verified */
    char from[POLICY_NAME_MAX + 1];
    int64_t made_s; /* says the exporter */
    struct checkpoint checkpoint;
    size_t cosigned; /* by how many partners of the policy */
    struct store_event_row *events;
    size_t count;
};
void log_export_free(struct log_export *e); /* {0} too */
/* Read what partner p->partners[self] was given.
 *   PT_EPARSE   not such a file
 *   PT_EDENIED  for somebody else, of no partner, not signed, or an event that is not in the log */
PT_MUST_USE enum pt_code log_export_read(struct log_export *out, struct span text,
                                         const struct policy *p, size_t self, struct pt_err *err);

#endif
