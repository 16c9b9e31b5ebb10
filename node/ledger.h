/* ledger.h - nothing leaves before it is paid for. PROTOCOL.md 5, DESIGN.md idea 4.
 *
 * The data owner's side: one charge a question id, for ever. The id is the digest of all that
 * makes a question what it is (epoch, datasets, policy, recipient, canonical text with rho,
 * column and row digests); the caller computes it. The order is always decision, ledger_charge(),
 * noise, reply: a crash may waste budget and never releases an unpaid answer. */
#ifndef PT_LEDGER_H
#define PT_LEDGER_H

#include "node/store.h"
#include "policy/budget.h"

enum {
    LEDGER_PADDING_RHO_NANO = 200000, /* a padded size: rho 2e-4 (PROTOCOL.md 5) */
    /* New data cost each partner two: the token batch and the size that the epoch announces. */
    LEDGER_REFRESH_RHO_NANO = 2 * LEDGER_PADDING_RHO_NANO,
};

struct ledger_charge { /* borrowed */
    struct digest question_id;
    const char *recipient; /* partner that learns; all its planners share one budget */
    const char *kind;      /* "overlap", "reach", "crosstab", "batch" */
    struct digest epoch;   /* zero for a batch */
    uint64_t rho_nano;     /* budget_price().charge_nano */
    struct span question;  /* canonical text, kept for the record; at most QUESTION_TEXT_MAX */
    bool upkeep; /* a padded size: may use the reserve that questions leave (budget_reserve) */
};
struct ledger_result {
    bool already_paid;
    uint64_t charged_nano;    /* now: 0 when already paid */
    uint64_t left_nano;       /* for such charges, under the tightest cap, afterwards */
    struct store_place event; /* of the charge, this time's or the first's */
};

/* One transaction, on disk when it returns PT_OK: known question id: already_paid; otherwise the
 * three caps (budget_check), the charge and its audit event.
 *   PT_EDENIED  a cap: names clause and line      PT_EIO  disk; nothing may be released
 *   PT_EBUG     the id is known with another recipient or price */
PT_MUST_USE enum pt_code ledger_charge(struct ledger_result *out, struct store *s,
                                       const struct policy *p, const struct ledger_charge *c,
                                       int64_t now_s, struct pt_err *err);
/* What recipient has spent here. */
PT_MUST_USE enum pt_code ledger_spent(struct budget_spent *out, struct store *s,
                                      const struct policy *p, const char *recipient, int64_t now_s,
                                      struct pt_err *err);

/* What questions may still spend of it: the tightest cap, less the reserve. */
uint64_t ledger_left(const struct policy *p, const struct budget_spent *spent, int64_t now_s);
/* ... and which cap says so. */
enum budget_cap ledger_binds(const struct policy *p, const struct budget_spent *spent,
                             int64_t now_s);

/* The asker's side: what answers that arrived here say that we have spent at a partner. What was
 * charged there and never arrived is not in it: the owner's ledger is what counts. */
PT_MUST_USE enum pt_code ledger_asked_add(struct store *s, const char *owner, uint64_t charged_nano,
                                          struct pt_err *err);
PT_MUST_USE enum pt_code ledger_asked(uint64_t *out_nano, struct store *s, const char *owner,
                                      struct pt_err *err);

#endif
