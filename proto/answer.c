#include "proto/answer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/text.h"
#include "proto/surprise.h"

static const struct {
    const char *name;
    enum question_kind wire;
} KINDS[ANSWER_KIND_COUNT] = {
    [ANSWER_OVERLAP] = {"overlap", QUESTION_OVERLAP},
    [ANSWER_REACH] = {"reach", QUESTION_REACH},
    [ANSWER_CROSSTAB] = {"crosstab", QUESTION_CROSSTAB},
    [ANSWER_PROFILE] = {"profile", QUESTION_CROSSTAB},
    [ANSWER_AFFINITY] = {"affinity", QUESTION_CROSSTAB},
    [ANSWER_SURPRISE] = {"surprise", QUESTION_CROSSTAB},
    [ANSWER_ABSENT] = {"absent", QUESTION_CROSSTAB},
    [ANSWER_LIFT] = {"lift", QUESTION_CROSSTAB},
    [ANSWER_JOURNEY] = {"journey", QUESTION_CROSSTAB},
    [ANSWER_BUBBLE] = {"bubble", QUESTION_CROSSTAB},
    [ANSWER_VALUE] = {"value", QUESTION_VALUE},
};

const char *answer_kind_name(enum answer_kind k)
{
    assert((size_t)k < ANSWER_KIND_COUNT);
    return KINDS[k].name;
}

bool answer_kind_parse(enum answer_kind *out, const char *name)
{
    for (size_t i = 0; i < ANSWER_KIND_COUNT; i++) {
        if (strcmp(name, KINDS[i].name) == 0) {
            *out = (enum answer_kind)i;
            return true;
        }
    }
    return false;
}

enum question_kind answer_question_kind(enum answer_kind k)
{
    assert((size_t)k < ANSWER_KIND_COUNT);
    return KINDS[k].wire;
}

bool answer_has_derived(enum answer_kind k)
{
    return question_has_axes(answer_question_kind(k)) && k != ANSWER_CROSSTAB && k != ANSWER_LIFT &&
           k != ANSWER_BUBBLE;
}

const char *answer_threat_model(void)
{
    return "Proved before anything was computed: each encrypted column of the asking node holds a "
           "weight of -1, 0 or +1 in every slot, and nobody stands in more columns of a table than "
           "its policy allows; of tables with over 60 values, or 4 million slots, the latter is "
           "trusted. "
           "Noise is added by the data owner before anyone can decrypt: the answer is "
           "differentially private for the owner's customers at the stated rho. "
           "Nobody can check that the customers loaded are real.";
}

/* "A & B", cut rather than overflowing: partner names are short, so it never is. */
static void join_words(char out[ANSWER_WORD_MAX], const char *a, const char *between, const char *b)
{
    struct buf text = {0};
    if (!buf_printf(&text, "%s %s %s", a, between, b) ||
        !text_copy(out, ANSWER_WORD_MAX, buf_span(&text)))
        out[0] = '\0';
    buf_free(&text);
}

static void put_word(char *out, size_t cap, const char *word)
{
    bool fits = text_copy(out, cap, span_z(word));
    assert(fits); /* every caller's source is the shorter array */
    (void)fits;
}

/* "drinkco", of a reach over several "drinkco,homeware": as the question's text has it. */
static void put_others(struct answer *a, const struct policy *p, const struct question *q)
{
    uint32_t others = question_parties(q) & ~(1U << q->asker);
    size_t n = 0;

    for (size_t i = 0; i < p->partner_count; i++)
        if ((others >> i & 1) != 0)
            n += (size_t)snprintf(a->with + n, sizeof a->with - n, "%s%s", n > 0 ? "," : "",
                                  p->partners[i].name); /* eight names fit */
}

static const struct policy_attribute *attribute(const struct policy *p, uint16_t partner,
                                                uint16_t index)
{
    assert(partner < p->partner_count && index < p->partners[partner].attribute_count);
    return &p->partners[partner].attributes[index];
}

/* Names, question and threat model: everything a question alone decides. */
enum pt_code answer_describe(struct answer *a, enum answer_kind kind, const struct policy *p,
                             const struct question *q, struct pt_err *err)
{
    struct buf text = {0};
    enum pt_code rc = PT_OK;

    if (a->cells != NULL)
        return pt_fail(err, PT_EBUG, "answer: it already holds cells");
    if (q->kind != answer_question_kind(kind))
        return pt_fail(err, PT_EBUG, "answer: %s is not a reading of %s", answer_kind_name(kind),
                       question_kind_name(q->kind));
    a->kind = kind;
    a->policy = p->hash;
    put_word(a->asker, sizeof a->asker, p->partners[q->asker].name);
    put_others(a, p, q);
    if (question_has_axes(q->kind)) {
        put_word(a->rows, sizeof a->rows, attribute(p, q->asker, q->rows)->name);
        put_word(a->columns, sizeof a->columns, attribute(p, q->with, q->columns)->name);
    }
    put_word(a->threat_model, sizeof a->threat_model, answer_threat_model());
    put_word(a->build, sizeof a->build, "patto " PATTO_VERSION);
    if ((rc = question_print(&text, p, q, err)) != PT_OK)
        goto out;
    if (!text_copy(a->question, sizeof a->question, buf_span(&text)))
        rc = pt_fail(err, PT_EBUG, "answer: the question's text is over %zu bytes",
                     sizeof a->question);
out:
    buf_free(&text);
    return rc;
}

static enum pt_code cells_new(struct answer *a, size_t cell_count, struct pt_err *err)
{
    if (cell_count > ANSWER_CELLS_MAX)
        return pt_fail(err, PT_ELIMIT, "answer: %zu cells, at most %d", cell_count,
                       ANSWER_CELLS_MAX);
    a->cells = calloc(cell_count, sizeof a->cells[0]);
    if (a->cells == NULL)
        return pt_fail(err, PT_ENOMEM, "answer: no memory for %zu cells", cell_count);
    a->cell_count = cell_count;
    return PT_OK;
}

static void measure(struct answer_cell *c, const char *row, const char *column, struct figure f)
{
    put_word(c->row, sizeof c->row, row);
    put_word(c->column, sizeof c->column, column);
    c->count = f;
}

/* in NULL: labels alone, every figure refused for reason. */
static enum pt_code fill_sizes(struct answer *a, const struct estimate_in *in,
                               enum figure_reason reason, struct pt_err *err)
{
    char both[ANSWER_WORD_MAX];
    char either[ANSWER_WORD_MAX];
    bool is_reach = a->kind == ANSWER_REACH;
    struct figure refused = {.status = FIGURE_REFUSED, .reason = reason};
    struct estimate_reach r = {{refused, refused, refused}, refused, refused, refused};
    enum pt_code rc;

    if (in != NULL && is_reach)
        estimate_reach(&r, in);
    else if (in != NULL)
        estimate_overlap(&r.base, in);
    if ((rc = cells_new(a, is_reach ? 6 : 3, err)) != PT_OK)
        return rc;
    join_words(both, a->asker, "&", a->with);
    join_words(either, a->asker, "|", a->with);
    measure(&a->cells[0], "overlap", both, r.base.overlap);
    measure(&a->cells[1], "audience", a->asker, r.base.own);
    measure(&a->cells[2], "audience", a->with, r.base.other);
    if (is_reach) {
        measure(&a->cells[3], "adds", a->asker, r.own_adds);
        measure(&a->cells[4], "adds", a->with, r.other_adds);
        measure(&a->cells[5], "reach", either, r.reach);
    }
    return PT_OK;
}

static const char *label(const struct policy_attribute *attr, size_t index)
{
    return index == 0 ? ANSWER_ALL : attr->values[index - 1];
}

static enum pt_code fill_table(struct answer *a, const struct policy *p, const struct question *q,
                               struct pt_err *err)
{
    const struct policy_attribute *rows = attribute(p, q->asker, q->rows);
    const struct policy_attribute *columns = attribute(p, q->with, q->columns);
    size_t width = columns->value_count + 1;
    size_t n = (rows->value_count + 1) * width;
    enum pt_code rc;

    if ((rc = cells_new(a, n + answer_measure_count(a->kind, p, q), err)) != PT_OK)
        return rc;
    for (size_t i = 0; i < n; i++) {
        struct answer_cell *c = &a->cells[i];
        put_word(c->row, sizeof c->row, label(rows, i / width));
        put_word(c->column, sizeof c->column, label(columns, i % width));
    }
    answer_fill_measures(a, p, q, NULL);
    return PT_OK;
}

/* Inner cells only: a margin surprises nobody. */
static enum pt_code fill_surprise(struct answer *a, const struct estimate_in *in,
                                  struct pt_err *err)
{
    size_t width = in->column_count + 1;
    size_t n = in->row_count * in->column_count;
    struct surprise_cell *found = calloc(n + 1, sizeof *found);

    if (found == NULL || surprise_find(found, in) != PT_OK) {
        free(found);
        return pt_fail(err, PT_ENOMEM, "answer: no memory for %zu surprises", n);
    }
    for (size_t i = 0; i < a->cell_count; i++) {
        struct answer_cell *c = &a->cells[i];
        size_t row = i / width;
        size_t column = i % width;
        c->derived = (struct figure){.status = FIGURE_SUPPRESSED};
        if (row == 0 || column == 0)
            continue;
        const struct surprise_cell *s = &found[(row - 1) * in->column_count + column - 1];
        c->derived = s->missing;
        c->expected = s->expected;
    }
    free(found);
    return PT_OK;
}

static enum pt_code fill_figures(struct answer *a, const struct estimate_in *in, struct pt_err *err)
{
    struct figure *figures = calloc(a->cell_count, sizeof figures[0]);
    if (figures == NULL)
        return pt_fail(err, PT_ENOMEM, "answer: no memory for %zu figures", a->cell_count);
    size_t n = answer_table_cells(a);
    estimate_crosstab(figures, in);
    for (size_t i = 0; i < n; i++)
        a->cells[i].count = figures[i];
    if (a->kind == ANSWER_PROFILE || a->kind == ANSWER_JOURNEY)
        estimate_profile(figures, in);
    if (a->kind == ANSWER_AFFINITY)
        estimate_affinity(figures, in);
    if (a->kind == ANSWER_ABSENT)
        estimate_absent(figures, in);
    for (size_t i = 0; i < n && answer_has_derived(a->kind); i++)
        a->cells[i].derived = figures[i];
    free(figures);
    return a->kind == ANSWER_SURPRISE ? fill_surprise(a, in, err) : PT_OK;
}

static enum pt_code check_shape(const struct policy *p, const struct question *q,
                                const struct estimate_in *in, struct pt_err *err)
{
    size_t row_count = 0;
    size_t column_count = 0;

    if (q->kind == QUESTION_CROSSTAB) {
        row_count = attribute(p, q->asker, q->rows)->value_count;
        column_count = attribute(p, q->with, q->columns)->value_count;
    }
    if (in->row_count != row_count || in->column_count != column_count)
        return pt_fail(err, PT_EBUG, "answer: a table of %zu x %zu for a question of %zu x %zu",
                       in->row_count, in->column_count, row_count, column_count);
    return PT_OK;
}

enum pt_code answer_fill(struct answer *a, enum answer_kind kind, const struct policy *p,
                         const struct question *q, const struct estimate_in *in, struct pt_err *err)
{
    enum pt_code rc;

    if (q->kind == QUESTION_VALUE)
        return pt_fail(err, PT_EBUG, "answer: a value is filled in by answer_fill_value()");
    if ((rc = answer_describe(a, kind, p, q, err)) != PT_OK ||
        (rc = answer_check(kind, p, q, err)) != PT_OK || (rc = check_shape(p, q, in, err)) != PT_OK)
        return rc;
    if (q->kind != QUESTION_CROSSTAB)
        rc = fill_sizes(a, in, REASON_NONE, err);
    else if ((rc = fill_table(a, p, q, err)) == PT_OK && (rc = fill_figures(a, in, err)) == PT_OK)
        answer_fill_measures(a, p, q, in);
    if (rc == PT_OK && a->cells[0].count.status == FIGURE_REFUSED)
        put_word(a->refusal, sizeof a->refusal, ANSWER_SMALL_AUDIENCE);
    return rc;
}

enum pt_code answer_refuse(struct answer *a, enum answer_kind kind, const struct policy *p,
                           const struct question *q, struct answer_refusal why, struct pt_err *err)
{
    struct figure refused = {.status = FIGURE_REFUSED, .reason = why.reason};
    enum pt_code rc;

    if ((rc = answer_describe(a, kind, p, q, err)) != PT_OK ||
        (rc = answer_check(kind, p, q, err)) != PT_OK)
        return rc;
    if (q->kind == QUESTION_VALUE)
        rc = answer_label_value(a, p, q, err);
    else if (q->kind != QUESTION_CROSSTAB)
        rc = fill_sizes(a, NULL, why.reason, err);
    else
        rc = fill_table(a, p, q, err);
    for (size_t i = 0; rc == PT_OK && i < a->cell_count; i++) {
        a->cells[i].count = refused;
        if (answer_has_derived(kind) && !answer_is_measure(&a->cells[i]))
            a->cells[i].derived = refused;
        if (kind == ANSWER_VALUE)
            a->cells[i].sum = refused;
    }
    snprintf(a->refusal, sizeof a->refusal, "%s", why.sentence); /* may be cut, never overflows */
    return rc;
}

void answer_free(struct answer *a)
{
    free(a->cells);
    *a = (struct answer){0};
}

const char *answer_slots(const struct answer *a)
{
    char line[32];

    for (int s = QUESTION_SLOTS_SIXTEENTH; s < QUESTION_SLOTS_COUNT; s++) {
        const char *name = question_slots_name((enum question_slots)s);
        snprintf(line, sizeof line, "\nslots=%s\n", name);
        if (strstr(a->question, line) != NULL)
            return name;
    }
    return "";
}
