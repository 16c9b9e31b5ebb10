/* audit.h - a home opened to look at its audit record, and what an event's fields say.
 *
 * Reads beside a running node, changes nothing. Fields are "key=value key=value ..."; a key that
 * is absent is not an empty one. */
#ifndef PT_AUDIT_H
#define PT_AUDIT_H

#include "node/translog.h"

enum { AUDIT_VALUE_MAX = 512 };

struct audit {         /* {0} is a valid closed one */
    struct home *home; /* policy loaded, perhaps out of date */
    struct store *store;
};
PT_MUST_USE enum pt_code audit_open(struct audit *out, const char *home_dir, struct pt_err *err);
void audit_close(struct audit *a);

/* The value of a key; *found false, and "" in out, when there is none or it is too long. */
void audit_field(char out[AUDIT_VALUE_MAX], bool *found, const char *fields, const char *key);
/* Walk the fields: the next key and value, cut off *rest. False at the end. */
bool audit_field_next(struct span *key, struct span *value, struct span *rest);
/* May a partner see this event? It names that partner, and nobody else, as recipient, peer or with;
 * or it is an epoch in which that partner takes part (others were not told our padded size); or it
 * is about what all partners agreed on: the policy, keys, a freeze. */
bool audit_concerns(const struct store_event_row *row, const char *partner);

/* Each event after a sequence number, until on_event fails or there is none. */
PT_MUST_USE enum pt_code audit_each(const struct audit *a, uint64_t after,
                                    enum pt_code (*on_event)(void *self,
                                                             const struct store_event_row *row,
                                                             struct pt_err *err),
                                    void *self, struct pt_err *err);

#endif
