#include "policy/question.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "crypto/base/text.h"
#include "policy/schema.h"

enum {
    MICRO = 6,
    LINE_MAX_BYTES = 200, /* "partner.attribute>=-999999999999.999999", a value of 64 bytes */
    LIST_MAX = 260,
};
#define FIRST_LINE      "patto-question-1"
#define BOUND_MICRO_MAX ((uint64_t)1000000000000 * 1000000)

static const char *const OPS[] = {[FILTER_EQ] = "=", [FILTER_GE] = ">=", [FILTER_LE] = "<="};

static const struct policy_attribute *attribute(const struct policy *p, struct attribute_ref r)
{
    assert(r.partner < p->partner_count);
    assert(r.attribute < p->partners[r.partner].attribute_count);
    return &p->partners[r.partner].attributes[r.attribute];
}

/* --- words to indices ------------------------------------------------------------------- */

static enum pt_code find_kind(enum question_kind *out, const char *word, struct pt_err *err)
{
    const char *names[QUESTION_KIND_COUNT];
    char list[LIST_MAX];
    char found[SCHEMA_SHOWN_MAX];

    for (int k = 0; k < QUESTION_KIND_COUNT; k++) {
        names[k] = question_kind_name((enum question_kind)k);
        if (word != NULL && strcmp(word, names[k]) == 0) {
            *out = (enum question_kind)k;
            return PT_OK;
        }
    }
    schema_show_text(found, span_z(word == NULL ? "" : word));
    schema_join(list, sizeof list, names, QUESTION_KIND_COUNT);
    return pt_fail(err, PT_EUSAGE, "%s is no question; ask one of %s", found, list);
}

/* A partner with customers. role: "asker" or "with". */
static enum pt_code find_partner(uint16_t *out, const struct policy *p, const char *role,
                                 const char *name, struct pt_err *err)
{
    const char *names[POLICY_PARTNERS_MAX + POLICY_NEUTRAL_MAX];
    size_t count = 0;
    char list[LIST_MAX];
    char found[SCHEMA_SHOWN_MAX];
    char guess[SCHEMA_SHOWN_MAX];
    struct span word = span_z(name == NULL ? "" : name);

    for (size_t i = 0; i < p->partner_count; i++) {
        if (p->partners[i].neutral)
            continue;
        names[count++] = p->partners[i].name;
        if (text_eq(word, p->partners[i].name)) {
            *out = (uint16_t)i;
            return PT_OK;
        }
    }
    schema_show_text(found, word);
    schema_join(list, sizeof list, names, count);
    schema_suggest(guess, word, names, count);
    return pt_fail(err, PT_EUSAGE, "%s: %s is no partner with customers; expected one of %s%s",
                   role, found, list, guess);
}

static enum pt_code find_attribute(uint16_t *out, const struct policy_partner *partner,
                                   struct span name, struct pt_err *err)
{
    const char *names[POLICY_ATTRIBUTES_MAX];
    char list[LIST_MAX];
    char found[SCHEMA_SHOWN_MAX];
    char guess[SCHEMA_SHOWN_MAX];

    for (size_t i = 0; i < partner->attribute_count; i++) {
        names[i] = partner->attributes[i].name;
        if (text_eq(name, names[i])) {
            *out = (uint16_t)i;
            return PT_OK;
        }
    }
    schema_show_text(found, name);
    schema_join(list, sizeof list, names, partner->attribute_count);
    schema_suggest(guess, name, names, partner->attribute_count);
    return pt_fail(err, PT_EUSAGE, "%s has no attribute %s; expected one of %s%s", partner->name,
                   found, list, guess);
}

bool question_has_axes(enum question_kind k)
{
    return k == QUESTION_CROSSTAB || k == QUESTION_VALUE;
}

uint32_t question_parties(const struct question *q)
{
    return 1U << q->asker | 1U << q->with | q->also;
}

/* The party of that name; -1: nobody who takes part. */
static int find_party(const struct policy *p, const struct question *q, struct span name)
{
    for (size_t i = 0; i < p->partner_count; i++)
        if ((question_parties(q) >> i & 1) != 0 && text_eq(name, p->partners[i].name))
            return (int)i;
    return -1;
}

/* "buys" or "freshmart.buys", of a partner that the question joins; bare: of `bare`. */
static enum pt_code find_ref(struct attribute_ref *out, const struct policy *p,
                             const struct question *q, uint16_t bare, struct span word,
                             struct pt_err *err)
{
    bool dot;
    struct span rest = word;
    struct span head = text_cut(&rest, '.', &dot);
    int party = dot ? find_party(p, q, head) : (int)bare;
    char found[SCHEMA_SHOWN_MAX];

    if (party < 0) {
        schema_show_text(found, head);
        return pt_fail(err, PT_EUSAGE, "%s is not in this question; expected %s or %s%s", found,
                       p->partners[q->asker].name, p->partners[q->with].name,
                       q->also != 0 ? " or another that it names" : "");
    }
    out->partner = (uint16_t)party;
    return find_attribute(&out->attribute, &p->partners[out->partner], dot ? rest : head, err);
}

/* rows are the asker's, columns the other's; both category or set, but for a value's number. */
static enum pt_code find_axis(uint16_t *out, const struct policy *p, const struct question *q,
                              bool rows, const char *word, struct pt_err *err)
{
    const char *axis = rows ? "rows" : "columns";
    bool number = !rows && q->kind == QUESTION_VALUE;
    uint16_t owner = rows ? q->asker : q->with;
    struct attribute_ref ref = {0};

    if (word == NULL)
        return pt_fail(err, PT_EUSAGE, "a %s needs %s: %s of %s", question_kind_name(q->kind), axis,
                       number ? "a number" : "an attribute", p->partners[owner].name);
    if (find_ref(&ref, p, q, owner, span_z(word), err) != PT_OK)
        return pt_wrap(err, "%s", axis);
    if (ref.partner != owner)
        return pt_fail(err, PT_EUSAGE, "%s: %s.%s given; %s are an attribute of %s", axis,
                       p->partners[ref.partner].name, attribute(p, ref)->name, axis,
                       p->partners[owner].name);
    if ((attribute(p, ref)->type == ATTRIBUTE_NUMBER) != number)
        return pt_fail(err, PT_EUSAGE,
                       number ? "%s: %s is no number; a value is of one"
                              : "%s: %s is a number; a table needs a category or a set",
                       axis, attribute(p, ref)->name);
    *out = ref.attribute;
    return PT_OK;
}

/* --- filters ---------------------------------------------------------------------------- */

static void print_bound(char out[40], int64_t micro)
{
    char digits[32];

    text_put_decimal(digits, micro < 0 ? (uint64_t)-micro : (uint64_t)micro, MICRO);
    snprintf(out, 40, "%s%s", micro < 0 ? "-" : "", digits);
}

static void print_filter(char out[LINE_MAX_BYTES], const struct policy *p,
                         const struct question_filter *f)
{
    const struct policy_attribute *a = attribute(p, f->on);
    char bound[40];

    if (f->op == FILTER_EQ) {
        assert(f->value < a->value_count);
        snprintf(out, LINE_MAX_BYTES, "%s.%s=%s", p->partners[f->on.partner].name, a->name,
                 a->values[f->value]);
        return;
    }
    print_bound(bound, f->bound_micro);
    snprintf(out, LINE_MAX_BYTES, "%s.%s%s%s", p->partners[f->on.partner].name, a->name, OPS[f->op],
             bound);
}

static bool parse_bound(int64_t *out, struct span s)
{
    uint64_t v;
    bool negative = s.n > 0 && s.p[0] == '-';

    if (negative)
        s = span_of(s.p + 1, s.n - 1);
    if (!text_decimal(s, MICRO, &v) || v > BOUND_MICRO_MAX)
        return false;
    *out = negative ? -(int64_t)v : (int64_t)v;
    return true;
}

/* Cut "freshmart.spend>=20" at its operator. The names before it hold neither '=', '<' nor '>'. */
static bool cut_filter(struct span word, struct span *name, enum filter_op *op, struct span *rest)
{
    size_t i = 0;

    while (i < word.n && word.p[i] != '=' && word.p[i] != '<' && word.p[i] != '>')
        i++;
    *name = span_of(word.p, i);
    struct span tail = span_of(word.p + i, word.n - i);
    for (size_t k = 0; k < PT_LEN(OPS); k++) {
        struct span sign = span_z(OPS[k]);
        if (tail.n < sign.n || !span_eq_vartime(span_of(tail.p, sign.n), sign))
            continue;
        *op = (enum filter_op)k;
        *rest = span_of(tail.p + sign.n, tail.n - sign.n);
        return true;
    }
    return false;
}

static enum pt_code find_value(uint16_t *out, const struct policy_attribute *a, struct span value,
                               struct pt_err *err)
{
    const char *names[POLICY_VALUES_MAX];
    char list[LIST_MAX];
    char found[SCHEMA_SHOWN_MAX];
    char guess[SCHEMA_SHOWN_MAX];
    int i = policy_find_value(a, value);

    if (i >= 0) {
        *out = (uint16_t)i;
        return PT_OK;
    }
    for (size_t k = 0; k < a->value_count; k++)
        names[k] = a->values[k];
    schema_show_text(found, value);
    schema_join(list, sizeof list, names, a->value_count);
    schema_suggest(guess, value, names, a->value_count);
    return pt_fail(err, PT_EUSAGE, "%s has no value %s; expected one of %s%s", a->name, found, list,
                   guess);
}

static enum pt_code parse_filter(struct question_filter *out, const struct policy *p,
                                 const struct question *q, struct span word, struct pt_err *err)
{
    struct span name;
    struct span rest;
    enum pt_code rc;

    *out = (struct question_filter){0};
    if (!cut_filter(word, &name, &out->op, &rest))
        return pt_fail(err, PT_EUSAGE,
                       "expected attribute=value, attribute>=number or "
                       "attribute<=number");
    if ((rc = find_ref(&out->on, p, q, q->asker, name, err)) != PT_OK)
        return rc;
    const struct policy_attribute *a = attribute(p, out->on);
    bool is_number = a->type == ATTRIBUTE_NUMBER;
    if (is_number == (out->op == FILTER_EQ))
        return pt_fail(err, PT_EUSAGE, "%s is a %s: compare it with %s", a->name,
                       is_number                  ? "number"
                       : a->type == ATTRIBUTE_SET ? "set"
                                                  : "category",
                       is_number ? ">= or <=" : "=");
    if (!is_number)
        return find_value(&out->value, a, rest, err);
    if (!parse_bound(&out->bound_micro, rest))
        return pt_fail(err, PT_EUSAGE, "%s: expected a number with at most 6 decimals after %s",
                       a->name, OPS[out->op]);
    return PT_OK;
}

/* Nobody has two values of a category: such a question would cost, and tell nothing. */
static enum pt_code check_possible(const struct question *q, const struct policy *p,
                                   const struct question_filter *f, struct pt_err *err)
{
    const struct policy_attribute *a = attribute(p, f->on);

    for (size_t i = 0; i < q->filter_count && a->type == ATTRIBUTE_CATEGORY; i++) {
        const struct question_filter *g = &q->filters[i];
        if (g->on.partner == f->on.partner && g->on.attribute == f->on.attribute &&
            g->value != f->value)
            return pt_fail(err, PT_EUSAGE,
                           "no customer is both %s and %s (%s is a category): leave one filter out",
                           a->values[g->value], a->values[f->value], a->name);
    }
    return PT_OK;
}

/* Keep filters in the order of their printed bytes; one that is there already adds nothing. */
static enum pt_code insert_filter(struct question *q, const struct policy *p,
                                  const struct question_filter *f, struct pt_err *err)
{
    char added[LINE_MAX_BYTES];
    char other[LINE_MAX_BYTES];
    size_t at = 0;
    int order = 1;

    print_filter(added, p, f);
    for (; at < q->filter_count; at++) {
        print_filter(other, p, &q->filters[at]);
        if ((order = strcmp(other, added)) >= 0)
            break;
    }
    if (at < q->filter_count && order == 0)
        return PT_OK;
    if (q->filter_count == QUESTION_FILTERS_MAX)
        return pt_fail(err, PT_EUSAGE, "a question carries at most %d filters",
                       QUESTION_FILTERS_MAX);
    memmove(&q->filters[at + 1], &q->filters[at], (q->filter_count - at) * sizeof q->filters[0]);
    q->filters[at] = *f;
    q->filter_count++;
    return PT_OK;
}

/* --- words, text ------------------------------------------------------------------------ */

const char *question_slots_name(enum question_slots s)
{
    static const char *const NAMES[QUESTION_SLOTS_COUNT] = {[QUESTION_SLOTS_WHOLE] = "",
                                                            [QUESTION_SLOTS_SIXTEENTH] = "1/16",
                                                            [QUESTION_SLOTS_QUARTER] = "1/4",
                                                            [QUESTION_SLOTS_LAST] = "1"};

    assert((size_t)s < QUESTION_SLOTS_COUNT);
    return NAMES[s];
}

/* The three looks cost what the whole costs: an eighth, an eighth, the rest. */
static uint64_t price_nano(const struct policy *p, const struct question *q)
{
    uint64_t price = question_has_axes(q->kind)  ? p->privacy.table_rho_nano
                     : q->kind == QUESTION_REACH ? p->privacy.reach_rho_nano
                                                 : p->privacy.count_rho_nano;
    uint64_t look = price / 8;

    if (q->slots == QUESTION_SLOTS_WHOLE)
        return price;
    if (q->slots == QUESTION_SLOTS_LAST)
        return price - 2 * look;
    return look > 0 ? look : 1;
}

static enum pt_code find_slots(struct question *q, const char *word, struct pt_err *err)
{
    if (word == NULL)
        return PT_OK;
    for (int s = QUESTION_SLOTS_SIXTEENTH; s < QUESTION_SLOTS_COUNT; s++)
        if (strcmp(word, question_slots_name((enum question_slots)s)) == 0)
            q->slots = (enum question_slots)s;
    if (q->slots == QUESTION_SLOTS_WHOLE)
        return pt_fail(err, PT_EUSAGE, "slots: expected 1/16, 1/4 or 1");
    if (q->also != 0)
        return pt_fail(err, PT_EUSAGE, "a look at some slots is between two partners");
    if (q->kind == QUESTION_VALUE)
        return pt_fail(err, PT_EUSAGE, "a value is asked of all slots at once");
    return PT_OK;
}

/* "drinkco", or of a reach "drinkco,homeware": in any order, each once. */
static enum pt_code find_with(struct question *q, const struct policy *p, const char *with,
                              struct pt_err *err)
{
    struct span rest = span_z(with == NULL ? "" : with);
    uint32_t all = 0;
    bool more = true;

    while (more) {
        char name[SCHEMA_SHOWN_MAX];
        uint16_t one = 0;
        if (!text_copy(name, sizeof name, text_cut(&rest, ',', &more)))
            name[0] = '\0';
        if (find_partner(&one, p, "with", name, err) != PT_OK)
            return err->code;
        if (one == q->asker)
            return pt_fail(err, PT_EUSAGE, "%s cannot ask itself; name another partner",
                           p->partners[q->asker].name);
        if ((all >> one & 1) != 0)
            return pt_fail(err, PT_EUSAGE, "with: %s is named twice", name);
        all |= 1U << one;
    }
    q->with = (uint16_t)__builtin_ctz(all);
    q->also = all & (all - 1);
    if (q->also != 0 && q->kind != QUESTION_REACH)
        return pt_fail(err, PT_EUSAGE, "%s is between two partners; reach takes more",
                       question_kind_name(q->kind));
    return PT_OK;
}

static enum pt_code fill(struct question *q, const struct policy *p, const struct question_words *w,
                         struct pt_err *err)
{
    enum pt_code rc;

    if ((rc = find_kind(&q->kind, w->kind, err)) != PT_OK ||
        (rc = find_partner(&q->asker, p, "asker", w->asker, err)) != PT_OK ||
        (rc = find_with(q, p, w->with, err)) != PT_OK ||
        (rc = find_slots(q, w->slots, err)) != PT_OK)
        return rc;
    if (question_has_axes(q->kind)) {
        if ((rc = find_axis(&q->rows, p, q, true, w->rows, err)) != PT_OK ||
            (rc = find_axis(&q->columns, p, q, false, w->columns, err)) != PT_OK)
            return rc;
    } else if (w->rows != NULL || w->columns != NULL) {
        return pt_fail(err, PT_EUSAGE, "%s takes no rows and no columns; a crosstab does",
                       question_kind_name(q->kind));
    }
    for (size_t i = 0; i < w->where_count; i++) {
        struct question_filter f;
        char shown[SCHEMA_SHOWN_MAX];
        if (parse_filter(&f, p, q, span_z(w->where[i]), err) != PT_OK) {
            schema_show_text(shown, span_z(w->where[i]));
            return pt_wrap(err, "where %s", shown);
        }
        if ((rc = check_possible(q, p, &f, err)) != PT_OK ||
            (rc = insert_filter(q, p, &f, err)) != PT_OK)
            return rc;
    }
    q->rho_nano = price_nano(p, q);
    return PT_OK;
}

enum pt_code question_from_words(struct question *out, const struct policy *p,
                                 const struct question_words *w, struct pt_err *err)
{
    struct question q = {0};
    enum pt_code rc;

    *out = (struct question){0};
    if ((rc = fill(&q, p, w, err)) == PT_OK)
        *out = q;
    return rc;
}

enum pt_code question_print(struct buf *out, const struct policy *p, const struct question *q,
                            struct pt_err *err)
{
    char filter[LINE_MAX_BYTES];
    char rho[32];

    assert(q->filter_count <= QUESTION_FILTERS_MAX);
    assert(q->asker < p->partner_count && q->with < p->partner_count);
    *out = (struct buf){0};
    bool done =
        buf_printf(out, FIRST_LINE "\nkind=%s\nasker=%s\nwith=%s", question_kind_name(q->kind),
                   p->partners[q->asker].name, p->partners[q->with].name);
    for (size_t i = 0; i < p->partner_count; i++)
        if ((q->also >> i & 1) != 0)
            done = done && buf_printf(out, ",%s", p->partners[i].name);
    done = done && buf_u8(out, '\n');
    if (question_has_axes(q->kind)) {
        struct attribute_ref rows = {q->asker, q->rows};
        struct attribute_ref columns = {q->with, q->columns};
        done = done && buf_printf(out, "rows=%s\ncolumns=%s\n", attribute(p, rows)->name,
                                  attribute(p, columns)->name);
    }
    for (size_t i = 0; i < q->filter_count; i++) {
        print_filter(filter, p, &q->filters[i]);
        done = done && buf_printf(out, "where=%s\n", filter);
    }
    if (q->slots != QUESTION_SLOTS_WHOLE)
        done = done && buf_printf(out, "slots=%s\n", question_slots_name(q->slots));
    text_put_decimal(rho, q->rho_nano, 9);
    if (done && buf_printf(out, "rho=%s\n", rho))
        return PT_OK;
    buf_free(out);
    return pt_fail(err, PT_ENOMEM, "no memory to print a question");
}

struct lines { /* a question's text, each line ended by NUL in place of LF */
    char text[QUESTION_TEXT_MAX + 1];
    const char *where[QUESTION_FILTERS_MAX];
};

/* Point the words at the values of their lines. False for a line that is none of a question's;
 * what is repeated, misplaced or missing shows when the text is printed again. */
static bool split(struct question_words *w, struct lines *l)
{
    const struct {
        const char *key;
        const char **value;
    } fields[] = {{"kind", &w->kind}, {"asker", &w->asker},     {"with", &w->with},
                  {"rows", &w->rows}, {"columns", &w->columns}, {"slots", &w->slots}};
    struct span rest = span_z(l->text);
    bool more;

    if (!text_eq(text_cut(&rest, '\n', &more), FIRST_LINE))
        return false;
    while (rest.n > 0) {
        struct span value = text_cut(&rest, '\n', &more);
        bool has_value;
        struct span key = text_cut(&value, '=', &has_value);
        if (!more || !has_value)
            return false;
        char *z = l->text + ((const char *)value.p - l->text);
        z[value.n] = '\0'; /* where the LF was */
        size_t i = 0;
        while (i < PT_LEN(fields) && !text_eq(key, fields[i].key))
            i++;
        if (i < PT_LEN(fields))
            *fields[i].value = z;
        else if (text_eq(key, "where") && w->where_count < QUESTION_FILTERS_MAX)
            l->where[w->where_count++] = z;
        else if (!text_eq(key, "rho"))
            return false;
    }
    w->where = l->where;
    return true;
}

enum pt_code question_parse(struct question *out, const struct policy *p, struct span text,
                            struct pt_err *err)
{
    struct lines lines = {{0}, {0}};
    struct question_words words = {0};
    struct question q;
    struct buf again = {0};
    enum pt_code rc;

    *out = (struct question){0};
    if (!text_copy(lines.text, sizeof lines.text, text))
        return pt_fail(err, PT_EBADMSG, "a question of %zu bytes, at most %d of text", text.n,
                       QUESTION_TEXT_MAX);
    if (!split(&words, &lines))
        return pt_fail(err, PT_EBADMSG, "not the text of a question, version 1");
    if (question_from_words(&q, p, &words, err) != PT_OK) {
        err->code = PT_EBADMSG; /* a peer typed nothing: its software, or its policy, differs */
        return pt_wrap(err, "the peer's question");
    }
    if ((rc = question_print(&again, p, &q, err)) != PT_OK)
        return rc;
    bool same = span_eq_vartime(buf_span(&again), text);
    buf_free(&again);
    if (!same)
        return pt_fail(err, PT_EBADMSG,
                       "the question is not in canonical form, or its rho is not this policy's");
    *out = q;
    return PT_OK;
}
