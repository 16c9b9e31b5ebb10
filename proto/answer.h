/* answer.h - an answer as one value: what the daemon composes, planner.proto carries and
 * node/report prints. Typed cells (DESIGN.md, "An answer is a cell") beside everything that says
 * where they come from and what they cost. Noisy aggregates only; nothing here is secret. */
#ifndef PT_ANSWER_H
#define PT_ANSWER_H

#include "policy/question.h"
#include "proto/estimate.h"

enum {
    ANSWER_RECEIPTS_MAX = 1024,
    ANSWER_CELLS_MAX = 1 << 17,
    ANSWER_WORD_MAX = 2 * POLICY_VALUE_MAX + 8, /* two categories */
    ANSWER_SENTENCE_MAX = 512,
    ANSWER_WITH_MAX = POLICY_PARTNERS_MAX * (POLICY_NAME_MAX + 1), /* names with commas */
};

/* How a planner reads what the wire asked: profile and affinity are readings of a crosstab. */
enum answer_kind {
    ANSWER_OVERLAP,
    ANSWER_REACH,
    ANSWER_CROSSTAB,
    ANSWER_PROFILE,
    ANSWER_AFFINITY,
    ANSWER_SURPRISE,
    ANSWER_ABSENT,
    ANSWER_LIFT,
    ANSWER_JOURNEY,
    ANSWER_BUBBLE,
    ANSWER_VALUE,
    ANSWER_KIND_COUNT
};
const char *answer_kind_name(enum answer_kind k);
/* False when name is none of them. */
bool answer_kind_parse(enum answer_kind *out, const char *name);
enum question_kind answer_question_kind(enum answer_kind k);
/* Is there a derived figure beside each count? */
bool answer_has_derived(enum answer_kind k);
/* Can the table that q asks for be read so? Before anything is charged: lift needs a category with
 * a value "control" on one side, journey the same stages on both. PT_EUSAGE says what is missing. */
PT_MUST_USE enum pt_code answer_check(enum answer_kind k, const struct policy *p,
                                      const struct question *q, struct pt_err *err);

/* Labels. crosstab, profile, affinity: row = asker's category, column = the other's, ANSWER_ALL
 * where it is "whoever passes the filters". overlap: (overlap, "A & B"), (audience, A),
 * (audience, B). value: row = asker's category, ANSWER_ALL first, column = the number, "spend, EUR".
 * reach of two: as overlap, then (adds, A), (adds, B), (reach, "A | B"). */
#define ANSWER_ALL "(all)"
#define ANSWER_SMALL_AUDIENCE                                                                      \
    "the other side's noisy audience is below privacy.minimum_audience: "                          \
    "ask with fewer or wider filters"
struct answer_cell {
    char row[ANSWER_WORD_MAX], column[ANSWER_WORD_MAX];
    struct figure count; /* people: the cell's status, value, half_width, reason */
    /* profile, absent, journey: share in 0..1; affinity: index; value: mean, in the number's unit;
     * surprise: missing people, of inner cells;
     * others: unused, all zero */
    struct figure derived;
    struct figure sum; /* value: the number's sum, in its unit; others: unused, all zero */
    double expected;   /* surprise: joint customers by the margins alone; 0 when hidden or unused */
};

/* Of lift, journey and bubble the measures follow the table's cells: row = the measure
 * (readings_measure_name), column = of what: lift "exposed, bought" (group, outcome), journey a move
 * ("up"), bubble a category of the asker's; count = the measure, in its own unit. */
bool answer_is_measure(const struct answer_cell *c);
struct answer {
    enum answer_kind kind;
    char asker[POLICY_NAME_MAX + 1], with[ANSWER_WITH_MAX];
    char rows[POLICY_NAME_MAX + 1], columns[POLICY_NAME_MAX + 1]; /* attributes; "" when none */
    char question[QUESTION_TEXT_MAX];                             /* canonical text */
    char refusal[ANSWER_SENTENCE_MAX]; /* why cells are refused, "" when none is */
    char threat_model
        [ANSWER_SENTENCE_MAX]; /* answer_threat_model(), as the daemon that answered says */
    char build[ANSWER_WORD_MAX];
    char epoch[ANSWER_WORD_MAX]; /* name of the epoch, as `patto epoch` prints it */
    char
        since[ANSWER_WORD_MAX]; /* bubble: the earlier epoch that renewal looks back to; "": none */
    struct digest policy;
    struct digest own_data, other_data; /* dataset commitments of asker and of with */
    uint64_t charged_rho_nano, left_rho_nano;
    bool repeated;     /* the same question again: nothing was charged */
    bool left_unknown; /* refused after the charge: the owner's ledger knows what is left */
    char receipts
        [ANSWER_RECEIPTS_MAX]; /* file names in HOME/receipts, a comma between; "": none yet */
    char hashes[ANSWER_RECEIPTS_MAX]; /* "drinkco=HEX": of what each owner signed, comma between */
    uint64_t audit_position;          /* of the charge, in the data owner's log */
    struct answer_cell *cells;        /* owned; by rows, ANSWER_ALL first */
    size_t cell_count;
};

/* Which slots it looks at, by its question's text: "1/16", "1/4", "1"; "": all, for the whole price. */
const char *answer_slots(const struct answer *a);

/* How many cells are the table; measures follow. */
size_t answer_table_cells(const struct answer *a);

/* Set kind, names, question text and threat model from a question, then the cells from what came
 * home. `in` must have the shape of the question: value_count of the two attributes, or 0 x 0.
 * a->cells must be empty. PT_ENOMEM, PT_EBUG (shape). The rest is the caller's to fill in, and
 * answer_free() also after a failure. */
PT_MUST_USE enum pt_code answer_fill(struct answer *a, enum answer_kind kind,
                                     const struct policy *p, const struct question *q,
                                     const struct estimate_in *in, struct pt_err *err);
/* What a question alone decides: kind, names, text, threat model, build. a->cells is empty. */
PT_MUST_USE enum pt_code answer_describe(struct answer *a, enum answer_kind kind,
                                         const struct policy *p, const struct question *q,
                                         struct pt_err *err);
/* Reach over several partners, from the opened histogram (regions.h). Labels: (reach, "A | B | C")
 * for every set of them, (only, "A & B") for who is with just these, (exactly, "2 partners"),
 * (adds, A): whom nobody else reaches. Every other party's reach is held to minimum_audience. */
struct reach_plan;
PT_MUST_USE enum pt_code answer_fill_reach(struct answer *a, const struct policy *p,
                                           const struct question *q, const struct reach_plan *plan,
                                           const int64_t *counts, struct pt_err *err);
/* Value, from what came home: figures as value.h has them. Shape: the groups' value_count x 0. */
struct value_in;
PT_MUST_USE enum pt_code answer_fill_value(struct answer *a, const struct policy *p,
                                           const struct question *q, const struct value_in *in,
                                           struct pt_err *err);
/* For answer.c: a value's cells, labelled, every figure as it is given. */
PT_MUST_USE enum pt_code answer_label_value(struct answer *a, const struct policy *p,
                                            const struct question *q, struct pt_err *err);
/* For answer.c: how many measures follow the table; label them, and with `in` compute them. */
size_t answer_measure_count(enum answer_kind k, const struct policy *p, const struct question *q);
void answer_fill_measures(struct answer *a, const struct policy *p, const struct question *q,
                          const struct estimate_in *in);
/* The same answer with every cell refused; the sentence goes to a->refusal. */
struct answer_refusal {
    enum figure_reason reason;
    const char *sentence; /* shorter than ANSWER_SENTENCE_MAX, as pt_err's are */
};
PT_MUST_USE enum pt_code answer_refuse(struct answer *a, enum answer_kind kind,
                                       const struct policy *p, const struct question *q,
                                       struct answer_refusal why, struct pt_err *err);
/* The renewal of a bubble (renewal.h) since `then`, an answer that holds the same table of an earlier
 * epoch; sets a->since. Another table: nothing is done. PT_ENOMEM. */
PT_MUST_USE enum pt_code answer_renew(struct answer *a, const struct answer *then,
                                      struct pt_err *err);
void answer_free(struct answer *a); /* {0} too */

/* What is proved and what is trusted (PROTOCOL.md 4), in plain words; every answer carries it. */
const char *answer_threat_model(void);

#endif
