/* question.h - one question as a value, and its canonical text: the bytes that are hashed,
 * charged, logged and signed. Two questions are the same iff their texts are.
 *
 *     patto-question-1
 *     kind=crosstab
 *     asker=freshmart
 *     with=drinkco            (reach over more: with=drinkco,homeware in the policy's order)
 *     rows=buys
 *     columns=tier
 *     where=freshmart.segment=new
 *     where=drinkco.spend>=20
 *     slots=1/16              (a look: only these; see enum question_slots)
 *     rho=0.002
 *
 * A value has rows, the asker's groups, and columns, the other's number.
 * Filters are sorted and unique; the asker's and the other's are one list; all must hold. */
#ifndef PT_QUESTION_H
#define PT_QUESTION_H

#include "policy/policy.h"

enum { QUESTION_FILTERS_MAX = 8, QUESTION_TEXT_MAX = 4096 };

enum filter_op {
    FILTER_EQ,
    FILTER_GE,
    FILTER_LE
}; /* EQ: category, set (contains); GE, LE: number */

struct question_filter {
    struct attribute_ref on;
    enum filter_op op;
    uint16_t value;      /* EQ: index of the value */
    int64_t bound_micro; /* GE, LE: bound in millionths of the unit */
};

/* Which slots are looked at. A prefix of them is a uniform sample of customers, so that one price
 * buys answers that get better: 1/16 and then 1/4 of the slots for an eighth of the price each, all of
 * them for the rest. Each is a question of its own, charged as its rho says; who stops after a look has
 * paid for that look only. Between two partners. */
enum question_slots {
    QUESTION_SLOTS_WHOLE, /* the whole price: no look, and no line in the text */
    QUESTION_SLOTS_SIXTEENTH,
    QUESTION_SLOTS_QUARTER,
    QUESTION_SLOTS_LAST, /* all slots, for three quarters of the price */
    QUESTION_SLOTS_COUNT
};
const char *question_slots_name(enum question_slots s); /* "", "1/16", "1/4", "1" */

struct question {
    enum question_kind kind;
    enum question_slots slots;
    uint16_t asker, with;   /* partner indices: recipient, evaluator */
    uint32_t also;          /* reach: bit i: partners[i] too; `with` is the first of the others */
    uint16_t rows, columns; /* crosstab, value: attribute indices of asker, of with */
    struct question_filter filters[QUESTION_FILTERS_MAX];
    size_t filter_count;
    uint64_t rho_nano; /* what the policy prices this kind at; of a look: its share */
};

/* Has it rows and columns, which are attributes? */
bool question_has_axes(enum question_kind k);
/* Bit i: partners[i] takes part with its customers. */
uint32_t question_parties(const struct question *q);

/* From what a planner types: rows "buys" or "freshmart.buys", where "freshmart.segment=new",
 * "drinkco.spend>=20"; an attribute without a partner is the asker's. Sorts filters, fills in rho.
 * PT_EUSAGE naming the word and what could stand there. */
struct question_words {
    const char *kind, *asker, *with, *rows, *columns; /* with: of a reach, several with commas */
    const char *const *where;
    size_t where_count;
    const char *slots; /* NULL: all, for the whole price */
};
PT_MUST_USE enum pt_code question_from_words(struct question *out, const struct policy *p,
                                             const struct question_words *w, struct pt_err *err);
PT_MUST_USE enum pt_code question_print(struct buf *out, const struct policy *p,
                                        const struct question *q, struct pt_err *err);
/* Accepts only canonical text: question_print() gives back the same bytes. PT_EBADMSG. */
PT_MUST_USE enum pt_code question_parse(struct question *out, const struct policy *p,
                                        struct span text, struct pt_err *err);

#endif
