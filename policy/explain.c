#include "policy/explain_make.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/text.h"
#include "policy/names.h"

/* ---- lines ---- */

static const struct yaml_node *child(const struct yaml_node *at, struct span key)
{
    uint32_t n;

    if (at->kind == YAML_LIST && text_u32(key, &n) && n < at->child_count)
        return &at->children[n];
    for (size_t i = 0; at->kind == YAML_MAP && i < at->child_count; i++)
        if (span_eq_vartime(at->children[i].key, key))
            return &at->children[i];
    return NULL;
}

/* The node at a dotted path, of a list's item by its number; or the nearest one above that is there. */
static const struct yaml_node *find(const struct yaml_node *at, const char *path)
{
    struct span rest = span_z(path);
    bool more = rest.n > 0;

    while (more) {
        const struct yaml_node *next = child(at, text_cut(&rest, '.', &more));
        if (next == NULL)
            break;
        at = next;
    }
    return at;
}

static void add_line(struct explain_sentence *s, const struct yaml_node *node)
{
    uint32_t line = node->key_line != 0 ? node->key_line : node->line;

    for (size_t i = 0; i < s->line_count; i++)
        if (s->lines[i] == line)
            return;
    if (s->line_count < EXPLAIN_LINES_MAX)
        s->lines[s->line_count++] = line;
}

/* ---- sentences ---- */

static bool grow(struct explain_maker *m)
{
    size_t cap = m->cap == 0 ? 64 : 2 * m->cap;
    struct explain_sentence *more;

    if (m->out->count < m->cap)
        return true;
    more = realloc(m->out->sentences, cap * sizeof *more);
    if (more == NULL)
        return false;
    m->out->sentences = more;
    m->cap = cap;
    return true;
}

/* {1}..{8} replaced. */
static bool fill(struct buf *out, const char *template, const char *const *args)
{
    size_t count = 0;

    while (args[count] != NULL)
        count++;
    for (const char *c = template; *c != '\0'; c++) {
        size_t which =
            c[0] == '{' && c[1] >= '1' && c[1] <= '8' && c[2] == '}' ? (size_t)(c[1] - '0') : 0;
        if (which == 0 || which > count) {
            if (!buf_add(out, c, 1))
                return false;
            continue;
        }
        if (!buf_add(out, args[which - 1], strlen(args[which - 1])))
            return false;
        c += 2;
    }
    return buf_u8(out, '\0');
}

void explain_say(struct explain_maker *m, enum explain_id id, const char *const *paths,
                 const char *const *args)
{
    struct buf text = {0};

    if (m->no_memory || !grow(m) || !fill(&text, explain_template(id, m->in->language), args)) {
        m->no_memory = true;
        buf_free(&text);
        return;
    }
    struct explain_sentence *s = &m->out->sentences[m->out->count];
    *s = (struct explain_sentence){.section = m->section, .text = strdup((const char *)text.p)};
    buf_free(&text);
    if (s->text == NULL) {
        m->no_memory = true;
        return;
    }
    m->out->count++;
    for (; *paths != NULL; paths++)
        add_line(s, find(m->root, *paths));
}

/* ---- words and numbers ---- */

const char *explain_word_of(const struct explain_maker *m, const char *w)
{
    return explain_word(w, m->in->language);
}

/* 1000000 as 1,000,000 or 1.000.000 */
const char *explain_count(char out[NUMBER_BYTES], const struct explain_maker *m, uint64_t v)
{
    char digits[24];
    size_t n = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, v);
    size_t at = 0;

    for (size_t i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            out[at++] = m->in->language == EXPLAIN_IT ? '.' : ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

static const char *localised(char *out, const struct explain_maker *m)
{
    for (char *c = out; m->in->language == EXPLAIN_IT && *c != '\0'; c++)
        if (*c == '.')
            *c = ',';
    return out;
}

const char *explain_rho(char out[NUMBER_BYTES], const struct explain_maker *m, uint64_t nano)
{
    text_put_decimal(out, nano, 9);
    return localised(out, m);
}

const char *explain_real(char out[NUMBER_BYTES], const struct explain_maker *m, int decimals,
                         double v)
{
    if (decimals < 0)
        snprintf(out, NUMBER_BYTES, "%.15g", v);
    else
        snprintf(out, NUMBER_BYTES, "%.*f", decimals, v);
    return localised(out, m);
}

const char *explain_scalar(char out[NUMBER_BYTES], const struct explain_maker *m, const char *path)
{
    const struct yaml_node *node = find(m->root, path);

    if (node->kind != YAML_SCALAR || !text_copy(out, NUMBER_BYTES, node->text))
        snprintf(out, NUMBER_BYTES, "?");
    return out;
}

static const char *date_text(char out[NUMBER_BYTES], int64_t at_s)
{
    names_print_date(out, at_s);
    return out;
}

void explain_list_add(struct explain_list *l, struct explain_maker *m, const char *item, bool last)
{
    const char *between = l->count == 0 ? "" : last ? " " : ", ";
    bool link = last && l->count > 0;

    if (!buf_printf(&l->text, "%s%s%s%s", between, link ? explain_word("and", m->in->language) : "",
                    link ? " " : "", item))
        m->no_memory = true;
    l->count++;
}

const char *explain_list_end(struct explain_list *l, struct explain_maker *m)
{
    if (buf_u8(&l->text, '\0'))
        return (const char *)l->text.p;
    m->no_memory = true;
    return "";
}

/* ---- who, why ---- */

static const char *path_of(char out[PATH_MAX_BYTES], const char *partner, const char *rest)
{
    snprintf(out, PATH_MAX_BYTES, "partners.%s%s%s", partner, rest[0] != '\0' ? "." : "", rest);
    return out;
}

static void partner(struct explain_maker *m, const struct policy_partner *q)
{
    char key[MINISIGN_PUBLIC_TEXT + 1];
    char most[NUMBER_BYTES];
    char least[NUMBER_BYTES];
    char a[PATH_MAX_BYTES];
    char b[PATH_MAX_BYTES];
    char c[PATH_MAX_BYTES];

    if (q->neutral)
        explain_say(m, SAY_NEUTRAL, PATHS(path_of(a, q->name, ""), path_of(b, q->name, "role")),
                    ARGS(q->name));
    else
        explain_say(m, SAY_PARTNER,
                    PATHS(path_of(a, q->name, ""), path_of(b, q->name, "customers.min"),
                          path_of(c, q->name, "customers.max")),
                    ARGS(q->name, explain_count(least, m, q->customers_min),
                         explain_count(most, m, q->customers_max)));
    explain_say(m, SAY_NODE,
                PATHS(path_of(a, q->name, "endpoint"), path_of(b, q->name, "certificate"),
                      path_of(c, q->name, "node")),
                ARGS(q->name, q->endpoint));
    minisign_public_print(key, &q->officer);
    explain_say(m, SAY_OFFICER, PATHS(path_of(a, q->name, "officer")), ARGS(q->name, key));
}

static void who(struct explain_maker *m)
{
    const struct policy *p = m->p;
    char number[NUMBER_BYTES];
    char hash[72];

    m->section = EXPLAIN_WHO;
    snprintf(number, sizeof number, "%" PRIu32, p->version);
    explain_say(m, SAY_VERSION, PATHS("federation", "version"), ARGS(number, p->federation));
    if (p->has_previous) {
        policy_hash_text(hash, &p->previous);
        explain_say(m, SAY_PREVIOUS, PATHS("previous"), ARGS(hash + strlen("sha256:")));
    }
    for (size_t i = 0; i < p->partner_count; i++)
        partner(m, &p->partners[i]);
}

static void why(struct explain_maker *m)
{
    const struct policy *p = m->p;
    char path[PATH_MAX_BYTES];

    m->section = EXPLAIN_WHY;
    explain_say(m, SAY_PURPOSE, PATHS("purpose"), ARGS(explain_word_of(m, p->purpose)));
    if (p->purpose_words[0] != '\0')
        explain_say(m, SAY_PURPOSE_WORDS, PATHS("purpose_words"), ARGS(p->purpose_words));
    explain_say(m, SAY_BASIS, PATHS("legal.basis"), ARGS(p->legal_basis));
    for (size_t i = 0; i < p->partner_count; i++)
        if (p->partners[i].basis[0] != '\0')
            explain_say(m, SAY_BASIS_OF, PATHS(path_of(path, p->partners[i].name, "basis")),
                        ARGS(p->partners[i].name, p->partners[i].basis));
    explain_say(m, SAY_ARRANGEMENT, PATHS("legal.arrangement"), ARGS(p->legal_arrangement));
    explain_say(m, SAY_DPIA, PATHS("legal.dpia"), ARGS(p->legal_dpia));
    if (p->legal_contact[0] != '\0')
        explain_say(m, SAY_CONTACT, PATHS("legal.contact"), ARGS(p->legal_contact));
    else
        explain_say(m, SAY_NO_CONTACT, PATHS("legal"), ARGS(NULL));
    explain_say(m, SAY_PRIVATE, PATHS("publishable"), ARGS(NULL));
}

/* ---- data ---- */

static void values_of(struct explain_list *l, struct explain_maker *m,
                      const struct policy_attribute *a)
{
    for (size_t i = 0; i < a->value_count; i++)
        explain_list_add(l, m, a->values[i], i + 1 == a->value_count);
}

static void attribute(struct explain_maker *m, const struct policy_partner *q,
                      const struct policy_attribute *a)
{
    static const char *const COMBINE[] = {"sum", "mean", "max", "last"};
    static const char *const KEYS[][6] = {
        [ATTRIBUTE_CATEGORY] = {"", ".type", ".values", NULL},
        [ATTRIBUTE_SET] = {"", ".type", ".values", ".max_per_person", NULL},
        [ATTRIBUTE_NUMBER] = {".type", ".min", ".max", ".unit", ".combine", NULL},
    };
    char room[5][PATH_MAX_BYTES];
    const char *paths[6] = {NULL};
    char most[NUMBER_BYTES];
    char least[NUMBER_BYTES];
    struct explain_list l = {0};

    for (size_t i = 0; KEYS[a->type][i] != NULL; i++) {
        snprintf(room[i], sizeof room[i], "partners.%s.attributes.%s%s", q->name, a->name,
                 KEYS[a->type][i]);
        paths[i] = room[i];
    }
    values_of(&l, m, a);
    const char *list = explain_list_end(&l, m);
    if (a->type == ATTRIBUTE_CATEGORY)
        explain_say(m, SAY_CATEGORY, paths, ARGS(q->name, a->name, list));
    else if (a->type == ATTRIBUTE_SET)
        explain_say(m, SAY_SET, paths,
                    ARGS(q->name, a->name, list, explain_count(most, m, a->max_per_person)));
    else
        explain_say(m, SAY_NUMBER, paths,
                    ARGS(q->name, a->name, explain_real(least, m, -1, a->min),
                         explain_real(most, m, -1, a->max),
                         a->unit[0] != '\0' ? a->unit : explain_word_of(m, "no unit"),
                         explain_word_of(m, COMBINE[a->combine])));
    buf_free(&l.text);
}

static void data(struct explain_maker *m)
{
    char path[PATH_MAX_BYTES];

    m->section = EXPLAIN_DATA;
    for (size_t i = 0; i < m->p->partner_count; i++) {
        const struct policy_partner *q = &m->p->partners[i];
        for (size_t k = 0; k < q->attribute_count; k++)
            attribute(m, q, &q->attributes[k]);
        if (!q->neutral && q->attribute_count == 0)
            explain_say(m, SAY_NO_ATTRIBUTES, PATHS(path_of(path, q->name, "attributes")),
                        ARGS(q->name));
    }
}

/* ---- match, trust, time, record ---- */

static void match(struct explain_maker *m)
{
    const struct policy *p = m->p;
    char number[NUMBER_BYTES];

    m->section = EXPLAIN_MATCH;
    explain_say(m, SAY_IDENTIFIER, PATHS("match.identifier", "match.normalisation"),
                ARGS(explain_word_of(m, policy_identifier_name(p->identifier)),
                     policy_rules_name(p->rules)));
    explain_say(m, SAY_KEYS, PATHS("match.key_period_days"),
                ARGS(explain_count(number, m, p->key_period_days)));
    explain_say(m, SAY_EVALUATIONS, PATHS("match.evaluations_per_day"),
                ARGS(explain_count(number, m, p->evaluations_per_day)));
    explain_say(m, SAY_SLOTS, PATHS("match.slots_per_customer"),
                ARGS(explain_count(number, m, p->slots_per_customer)));
    m->section = EXPLAIN_TRUST;
    explain_say(m, SAY_SEMI_HONEST, PATHS("patto"), ARGS(NULL));
    explain_say(m, SAY_MACHINES, PATHS("patto"), ARGS(NULL));
}

static void time_and_record(struct explain_maker *m)
{
    const struct policy *p = m->p;
    const size_t witnesses = (size_t)__builtin_popcount(p->witnesses);
    size_t left = witnesses;
    struct explain_list l = {0};
    char a[NUMBER_BYTES];
    char b[NUMBER_BYTES];

    m->section = EXPLAIN_TIME;
    explain_say(m, SAY_VALID, PATHS("valid.from", "valid.until"),
                ARGS(date_text(a, p->valid_from_s), date_text(b, p->valid_until_s - 1)));
    explain_say(m, SAY_RETENTION, PATHS("legal.retention_days"),
                ARGS(explain_count(a, m, p->retention_days)));
    explain_say(m, SAY_CHANGES, PATHS("version", "partners"),
                ARGS(explain_count(a, m, p->partner_count)));
    explain_say(m, SAY_FREEZE, PATHS("version", "partners"), ARGS(NULL));
    m->section = EXPLAIN_RECORD;
    for (size_t i = 0; i < p->partner_count; i++)
        if (p->witnesses & 1U << i)
            explain_list_add(&l, m, p->partners[i].name, --left == 0);
    explain_say(m, p->witness_quorum < witnesses ? SAY_WITNESSES_SOME : SAY_WITNESSES,
                PATHS("audit.witnesses", "audit.quorum"),
                ARGS(explain_list_end(&l, m), explain_count(a, m, p->witness_quorum)));
    buf_free(&l.text);
}

enum pt_code explain_run(struct explain *out, const struct explain_in *in, struct pt_err *err)
{
    struct explain_maker m = {.in = in, .p = in->policy, .out = out};
    struct yaml *y = NULL;
    enum pt_code rc;

    *out = (struct explain){0};
    if ((rc = yaml_parse(&y, in->file, err)) != PT_OK)
        return rc;
    m.root = yaml_root(y);
    who(&m);
    why(&m);
    data(&m);
    explain_ask(&m);
    explain_budget(&m);
    match(&m);
    time_and_record(&m);
    yaml_free(y);
    return m.no_memory ? pt_fail(err, PT_ENOMEM, "explain: no memory for the sentences") : PT_OK;
}

void explain_free(struct explain *e)
{
    for (size_t i = 0; i < e->count; i++)
        free(e->sentences[i].text);
    free(e->sentences);
    *e = (struct explain){0};
}
