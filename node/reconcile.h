/* reconcile.h - two records of the same questions, laid side by side.
 *
 * Every question has to stand on both sides with the same charge: what the owner charged for, the
 * asker must have asked at that price; what the asker paid, the owner must have charged. Pure:
 * events in, findings out. */
#ifndef PT_RECONCILE_H
#define PT_RECONCILE_H

#include "node/store.h"

enum reconcile_verdict {
    RECONCILE_EQUAL,   /* charged there, asked here, the same amount; or the other way round */
    RECONCILE_FREE,    /* asked, and charged by nobody: refused, or the connection was lost */
    RECONCILE_NEWER,   /* younger than what the other side has shown */
    RECONCILE_MISSING, /* on one side only */
    RECONCILE_AMOUNT,  /* on both with different amounts */
};
struct reconcile_line { /* one question */
    struct digest id;
    char kind[17];
    bool ours;                         /* we asked */
    bool asked, charged, paid;         /* what there is: asker's, owner's, asker's */
    uint64_t asked_nano, charged_nano; /* price by the asker, charge by the owner */
    uint64_t paid_nano;                /* as the asker received it, all times together */
    uint64_t our_event;                /* the first here; 0: none */
    uint64_t their_event;
    uint64_t their_position; /* where they said that they charged it; 0: they did not */
    int64_t at_s;            /* of the first */
    enum reconcile_verdict verdict;
};
struct reconcile {                /* {0} is an empty one */
    struct reconcile_line *lines; /* in the order in which they were added */
    size_t count, cap;
    size_t *slots; /* finds a line by its id */
    size_t slot_count;
};
void reconcile_free(struct reconcile *r);
/* peer: the other partner's name in our events, our name in theirs. Events of other partners and of
 * other kinds are passed over. PT_EBADMSG: a question's event whose fields cannot be read. */
PT_MUST_USE enum pt_code reconcile_add(struct reconcile *r, const struct store_event_row *row,
                                       bool ours, const char *peer, struct pt_err *err);
/* Set the verdicts. How much the other side has shown: so many entries of its log, by its account all
 * until some time. */
struct reconcile_shown {
    uint64_t entries;
    int64_t until_s;
};
void reconcile_judge(struct reconcile *r, struct reconcile_shown shown);
/* Is it a finding? */
bool reconcile_bad(enum reconcile_verdict v);
const char *reconcile_name(enum reconcile_verdict v);

#endif
