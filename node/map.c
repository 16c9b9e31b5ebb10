#include "node/map.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/text.h"
#include "policy/yaml.h"

struct map_text { /* what the spans of a map borrow from */
    struct buf file;
    struct yaml *yaml;
};

/* Everything a step of the parser needs. */
struct parser {
    struct map *m;
    const struct map_for *to;
    const struct policy_partner *me;
    const struct yaml_node *root;
    struct pt_err *err;
};

struct place {
    uint32_t line, column;
};

static struct place of_value(const struct yaml_node *n)
{
    return (struct place){n->line, n->column};
}

static struct place of_key(const struct yaml_node *n)
{
    return (struct place){n->key_line, n->key_column};
}

PT_PRINTF(3, 4)
static enum pt_code wrong(struct parser *p, struct place at, const char *fmt, ...)
{
    char what[360];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    return pt_fail(p->err, PT_EPARSE, "line %" PRIu32 ", column %" PRIu32 ": %s", at.line,
                   at.column, what);
}

/* For "%.*s" of text from the file, cut to what a message holds. */
static int shown(struct span s)
{
    return s.n < 48 ? (int)s.n : 48;
}

static const char *text_p(struct span s)
{
    return s.n > 0 ? (const char *)s.p : "";
}

/* keys: names with a space between and around, e.g. " column separator ". */
static enum pt_code check_map(struct parser *p, const struct yaml_node *n, const char *what,
                              const char *keys)
{
    char name[40];

    if (n->kind != YAML_MAP)
        return wrong(p, of_value(n), "expected %s as a map of:%.*s", what, (int)strlen(keys) - 1,
                     keys);
    for (size_t i = 0; i < n->child_count; i++) {
        const struct yaml_node *c = &n->children[i];
        bool plain = c->key.n < sizeof name - 3 && memchr(c->key.p, ' ', c->key.n) == NULL;
        snprintf(name, sizeof name, " %.*s ", plain ? (int)c->key.n : 0, text_p(c->key));
        if (!plain || c->key.n == 0 || strstr(keys, name) == NULL)
            return wrong(p, of_key(c), "unknown key \"%.*s\" in %s; it may have:%.*s",
                         shown(c->key), text_p(c->key), what, (int)strlen(keys) - 1, keys);
    }
    return PT_OK;
}

/* What to write for a key that is missing; NULL: its name says it. */
static const char *how_to_write(const char *key)
{
    static const struct {
        const char *key, *how;
    } HOW[] = {
        {"patto-map", "patto-map: 1"},
        {"form", "form: wide (a row a customer) or form: long (a row a purchase)"},
        {"identifier", "identifier: {column: NAME}"},
        {"attributes", "attributes: {ATTRIBUTE: {column: NAME}}, each one of the policy's"},
        {"column", "column: NAME, as the file's heading has it"},
        {"accept", "accept: [yes], the words that mean consent"},
    };

    for (size_t i = 0; i < PT_LEN(HOW); i++)
        if (strcmp(HOW[i].key, key) == 0)
            return HOW[i].how;
    return NULL;
}

/* All that a map must have and has not: nobody likes to be told one by one. */
static size_t list_missing(char out[80], const struct parser *p)
{
    static const char *const KEYS[] = {"patto-map", "form", "identifier", "attributes"};
    size_t needed = p->me->attribute_count > 0 ? PT_LEN(KEYS) : PT_LEN(KEYS) - 1;
    size_t count = 0;

    out[0] = '\0';
    for (size_t i = 0; i < needed; i++)
        if (yaml_get(p->root, KEYS[i]) == NULL) {
            size_t at = strlen(out);
            snprintf(out + at, 80 - at, "%s%s", count++ > 0 ? ", " : "", KEYS[i]);
        }
    return count;
}

/* *out is NULL when an optional key is not there. */
static enum pt_code get(const struct yaml_node **out, struct parser *p, const struct yaml_node *n,
                        const char *key, bool needed)
{
    *out = yaml_get(n, key);
    if (*out != NULL || !needed)
        return PT_OK;
    char missing[80];
    if (n == p->root && list_missing(missing, p) > 1)
        return wrong(p, of_value(n),
                     "these keys are missing: %s; `patto --home HOME map` prints a map to start "
                     "from",
                     missing);
    const char *how = how_to_write(key);
    return wrong(p, of_value(n), "\"%s\" is missing%s%s", key, how != NULL ? ": write " : "",
                 how != NULL ? how : "");
}

static enum pt_code get_text(struct span *out, struct parser *p, const struct yaml_node *n,
                             const char *key, bool needed)
{
    const struct yaml_node *v;
    enum pt_code rc = get(&v, p, n, key, needed);

    *out = (struct span){0};
    if (rc != PT_OK || v == NULL)
        return rc;
    if (v->kind != YAML_SCALAR || v->text.n == 0)
        return wrong(p, of_value(v), "expected text for \"%s\"", key);
    *out = v->text;
    return PT_OK;
}

/* One character to cut by: printable ASCII, or a tab; never a quote. */
static enum pt_code get_cut(char *out, struct parser *p, const struct yaml_node *n, const char *key,
                            char otherwise)
{
    const struct yaml_node *v = yaml_get(n, key);

    *out = otherwise;
    if (v == NULL)
        return PT_OK;
    if (v->kind == YAML_SCALAR && text_eq(v->text, "tab")) {
        *out = '\t';
        return PT_OK;
    }
    if (v->kind != YAML_SCALAR || v->text.n != 1 || v->text.p[0] == '"' ||
        (v->text.p[0] != '\t' && (v->text.p[0] < ' ' || v->text.p[0] > '~')))
        return wrong(p, of_value(v),
                     "expected for \"%s\" one character, such as \",\" or \";\", or tab", key);
    *out = (char)v->text.p[0];
    return PT_OK;
}

/* The place of a name in a table; n when it is none of them. */
static size_t one_of(struct span s, const char *const *names, size_t n)
{
    size_t i = 0;

    while (i < n && !text_eq(s, names[i]))
        i++;
    return i;
}

static enum pt_code get_encoding(enum normalise_encoding *out, struct parser *p,
                                 const struct yaml_node *n)
{
    static const char *const NAMES[] = {"raw", "sha256-hex", "sha256-base64"};
    struct span s;
    enum pt_code rc = get_text(&s, p, n, "encoding", false);

    *out = ENCODING_RAW;
    if (rc != PT_OK || s.n == 0)
        return rc;
    size_t i = one_of(s, NAMES, PT_LEN(NAMES));
    if (i == PT_LEN(NAMES))
        return wrong(p, of_value(yaml_get(n, "encoding")),
                     "expected raw, sha256-hex or sha256-base64");
    *out = (enum normalise_encoding)i;
    return PT_OK;
}

static enum pt_code parse_identifier(struct parser *p, const struct yaml_node *n)
{
    struct map *m = p->m;
    struct span code;
    uint32_t number;
    enum pt_code rc;

    if ((rc = check_map(p, n, "identifier", " column encoding country_code ")) != PT_OK ||
        (rc = get_text(&m->identifier_column, p, n, "column", true)) != PT_OK ||
        (rc = get_encoding(&m->identifier.encoding, p, n)) != PT_OK ||
        (rc = get_text(&code, p, n, "country_code", false)) != PT_OK)
        return rc;
    m->identifier.type = p->to->policy->identifier;
    m->identifier.rules = p->to->policy->rules;
    m->suppression = m->identifier;
    if (code.n == 0)
        return PT_OK;
    struct place at = of_value(yaml_get(n, "country_code"));
    if (m->identifier.type != IDENTIFIER_PHONE)
        return wrong(p, at, "country_code is for phone numbers; the policy matches by e-mail");
    if (!text_u32(code, &number) || code.p[0] == '0' ||
        !text_copy(m->identifier.country_code, sizeof m->identifier.country_code, code))
        return wrong(p, at, "expected a country calling code of 1 to 3 digits, such as 43");
    memcpy(m->suppression.country_code, m->identifier.country_code,
           sizeof m->suppression.country_code);
    return PT_OK;
}

/* ---- attributes ---- */

static int compare_words(const void *a, const void *b)
{
    const struct map_word *x = a;
    const struct map_word *y = b;
    size_t n = x->text.n < y->text.n ? x->text.n : y->text.n;
    int order = n > 0 ? memcmp(x->text.p, y->text.p, n) : 0;

    if (order != 0)
        return order;
    return x->text.n < y->text.n ? -1 : x->text.n > y->text.n;
}

int map_find_word(const struct map_attribute *a, struct span word)
{
    const struct map_word key = {.text = word};
    const struct map_word *w = a->word_count == 0 ? NULL
                                                  : bsearch(&key, a->words, a->word_count,
                                                            sizeof *a->words, compare_words);
    return w == NULL ? -1 : w->value;
}

/* Without a table every value of the policy stands for itself. */
static enum pt_code own_words(struct parser *p, struct map_attribute *to,
                              const struct policy_attribute *a)
{
    to->words = calloc(a->value_count + 1, sizeof *to->words);
    if (to->words == NULL)
        return pt_fail(p->err, PT_ENOMEM, "not enough memory");
    for (size_t i = 0; i < a->value_count; i++)
        to->words[i] = (struct map_word){span_z(a->values[i]), (uint16_t)i};
    to->word_count = a->value_count;
    return PT_OK;
}

static enum pt_code listed_words(struct parser *p, struct map_attribute *to,
                                 const struct policy_attribute *a, const struct yaml_node *n)
{
    if (n->kind != YAML_MAP || n->child_count == 0 || n->child_count > MAP_WORDS_MAX)
        return wrong(p, of_value(n),
                     "expected 1 to %d lines \"word of the file: value of the policy\"",
                     MAP_WORDS_MAX);
    to->words = calloc(n->child_count, sizeof *to->words);
    if (to->words == NULL)
        return pt_fail(p->err, PT_ENOMEM, "not enough memory");
    for (size_t i = 0; i < n->child_count; i++) {
        const struct yaml_node *c = &n->children[i];
        int value = c->kind == YAML_SCALAR ? policy_find_value(a, c->text) : -1;
        if (value < 0)
            return wrong(p, of_value(c), "\"%.*s\" is not a value of %s in the policy",
                         c->kind == YAML_SCALAR ? shown(c->text) : 0, text_p(c->text), a->name);
        to->words[i] = (struct map_word){text_trim(c->key), (uint16_t)value};
    }
    to->word_count = n->child_count;
    to->drop_others = true;
    return PT_OK;
}

static enum pt_code parse_words(struct parser *p, struct map_attribute *to,
                                const struct policy_attribute *a, const struct yaml_node *n)
{
    const struct yaml_node *values = yaml_get(n, "values");
    struct span others;
    enum pt_code rc = values == NULL ? own_words(p, to, a) : listed_words(p, to, a, values);

    if (rc != PT_OK || (rc = get_text(&others, p, n, "others", false)) != PT_OK)
        return rc;
    qsort(to->words, to->word_count, sizeof *to->words, compare_words);
    if (others.n == 0)
        return PT_OK;
    if (!text_eq(others, "drop") && !text_eq(others, "report"))
        return wrong(p, of_value(yaml_get(n, "others")), "expected drop or report");
    to->drop_others = text_eq(others, "drop");
    return PT_OK;
}

static enum pt_code parse_number(struct parser *p, struct map_attribute *to,
                                 const struct yaml_node *n)
{
    struct span s;
    enum pt_code rc = get_text(&s, p, n, "decimal", false);

    to->decimal = '.';
    if (rc != PT_OK || s.n == 0)
        return rc;
    if (s.n != 1 || (s.p[0] != '.' && s.p[0] != ','))
        return wrong(p, of_value(yaml_get(n, "decimal")), "expected \".\" or \",\"");
    to->decimal = (char)s.p[0];
    return PT_OK;
}

static enum pt_code parse_attribute(struct parser *p, struct map_attribute *to,
                                    const struct policy_attribute *a, const struct yaml_node *n)
{
    static const char *const KEYS[] = {
        [ATTRIBUTE_CATEGORY] = " column values others ",
        [ATTRIBUTE_SET] = " column separator values others ",
        [ATTRIBUTE_NUMBER] = " column decimal ",
    };
    enum pt_code rc;

    if ((rc = check_map(p, n, a->name, KEYS[a->type])) != PT_OK ||
        (rc = get_text(&to->column, p, n, "column", true)) != PT_OK)
        return rc;
    if (a->type == ATTRIBUTE_NUMBER)
        return parse_number(p, to, n);
    if (a->type == ATTRIBUTE_SET) {
        if ((rc = get_cut(&to->separator, p, n, "separator", '\0')) != PT_OK)
            return rc;
        if (p->m->form == MAP_WIDE && to->separator == '\0')
            return wrong(p, of_value(n),
                         "%s is a set: in the wide form it needs a separator, such as \"|\"",
                         a->name);
    }
    return parse_words(p, to, a, n);
}

static enum pt_code parse_attributes(struct parser *p, const struct yaml_node *n)
{
    const struct policy_partner *me = p->me;
    char names[POLICY_ATTRIBUTES_MAX * (POLICY_NAME_MAX + 1) + 2] = " ";
    const struct yaml_node *v = NULL;
    size_t at = 1;
    enum pt_code rc;

    for (size_t i = 0; i < me->attribute_count; i++)
        at += (size_t)snprintf(names + at, sizeof names - at, "%s ", me->attributes[i].name);
    if ((rc = check_map(p, n, "attributes", names)) != PT_OK)
        return rc;
    p->m->attribute_count = me->attribute_count;
    for (size_t i = 0; i < me->attribute_count; i++)
        if ((rc = get(&v, p, n, me->attributes[i].name, true)) != PT_OK ||
            (rc = parse_attribute(p, &p->m->attributes[i], &me->attributes[i], v)) != PT_OK)
            return rc;
    return PT_OK;
}

/* ---- the rest ---- */

static enum pt_code parse_consent(struct parser *p, const struct yaml_node *n)
{
    struct map *m = p->m;
    const struct yaml_node *accept = NULL;
    enum pt_code rc;

    if ((rc = check_map(p, n, "consent", " column accept ")) != PT_OK ||
        (rc = get_text(&m->consent_column, p, n, "column", true)) != PT_OK ||
        (rc = get(&accept, p, n, "accept", true)) != PT_OK)
        return rc;
    if (accept->kind != YAML_LIST || accept->child_count == 0 ||
        accept->child_count > MAP_ACCEPT_MAX)
        return wrong(p, of_value(accept), "expected a list of 1 to %d words, such as [yes]",
                     MAP_ACCEPT_MAX);
    for (size_t i = 0; i < accept->child_count; i++) {
        const struct yaml_node *c = &accept->children[i];
        /* An empty cell says nothing, and silence is not consent. */
        if (c->kind != YAML_SCALAR || text_trim(c->text).n == 0)
            return wrong(p, of_value(c), "expected a word; an empty cell is never consent");
        m->consent_accept[m->consent_accept_count++] = text_trim(c->text);
    }
    return PT_OK;
}

static enum pt_code parse_suppression(struct parser *p, const struct yaml_node *n)
{
    struct map *m = p->m;
    const char *folder = p->to->folder;
    struct span file;
    enum pt_code rc;

    if ((rc = check_map(p, n, "suppression", " file encoding ")) != PT_OK ||
        (rc = get_text(&file, p, n, "file", true)) != PT_OK ||
        (rc = get_encoding(&m->suppression.encoding, p, n)) != PT_OK)
        return rc;
    assert(file.p != NULL); /* it was needed, and get_text() takes no empty one */
    bool beside = file.p[0] != '/' && folder[0] != '\0';
    int wrote = snprintf(m->suppression_path, sizeof m->suppression_path, "%s%s%.*s",
                         beside ? folder : "", beside ? "/" : "", (int)file.n, file.p);
    if (wrote < 0 || (size_t)wrote >= sizeof m->suppression_path ||
        memchr(file.p, 0, file.n) != NULL)
        return wrong(p, of_value(yaml_get(n, "file")), "the path is longer than %d characters",
                     FILEIO_PATH_MAX - 1);
    return PT_OK;
}

static enum pt_code parse_form(struct parser *p, const struct yaml_node *root)
{
    static const char *const FORMS[] = {[MAP_WIDE] = "wide", [MAP_LONG] = "long"};
    struct span s;
    enum pt_code rc;

    if ((rc = get_text(&s, p, root, "patto-map", true)) != PT_OK)
        return rc;
    if (!text_eq(s, "1"))
        return wrong(p, of_value(yaml_get(root, "patto-map")), "expected patto-map: 1");
    if ((rc = get_text(&s, p, root, "form", true)) != PT_OK)
        return rc;
    size_t form = one_of(s, FORMS, PT_LEN(FORMS));
    if (form == PT_LEN(FORMS))
        return wrong(p, of_value(yaml_get(root, "form")),
                     "expected wide (a row a customer) or long (a row a purchase)");
    p->m->form = (enum map_form)form;
    return get_cut(&p->m->delimiter, p, root, "delimiter", ',');
}

static enum pt_code parse_share(struct parser *p, const struct yaml_node *root)
{
    struct span s;
    uint64_t micro;
    enum pt_code rc = get_text(&s, p, root, "max_bad_share", false);

    p->m->bad_micro = MAP_BAD_MICRO_DEFAULT;
    if (rc != PT_OK || s.n == 0)
        return rc;
    if (!text_decimal(s, 6, &micro) || micro > 1000000)
        return wrong(p, of_value(yaml_get(root, "max_bad_share")),
                     "expected a share from 0 to 1, such as 0.01");
    p->m->bad_micro = (uint32_t)micro;
    return PT_OK;
}

static enum pt_code parse_root(struct parser *p, const struct yaml_node *root)
{
    const struct yaml_node *n = NULL;
    enum pt_code rc;

    p->root = root;
    if ((rc = check_map(p, root, "the map",
                        " patto-map form delimiter identifier attributes consent suppression "
                        "max_bad_share ")) != PT_OK ||
        (rc = parse_form(p, root)) != PT_OK || (rc = parse_share(p, root)) != PT_OK ||
        (rc = get(&n, p, root, "identifier", true)) != PT_OK ||
        (rc = parse_identifier(p, n)) != PT_OK)
        return rc;
    /* A partner without attributes needs no such key. */
    if ((rc = get(&n, p, root, "attributes", p->me->attribute_count > 0)) != PT_OK ||
        (n != NULL && (rc = parse_attributes(p, n)) != PT_OK))
        return rc;
    n = yaml_get(root, "consent");
    if (n != NULL && (rc = parse_consent(p, n)) != PT_OK)
        return rc;
    n = yaml_get(root, "suppression");
    return n == NULL ? PT_OK : parse_suppression(p, n);
}

enum pt_code map_parse(struct map **out, struct span file, const struct map_for *to,
                       struct pt_err *err)
{
    struct map *m = calloc(1, sizeof *m);
    enum pt_code rc;

    *out = NULL;
    if (m == NULL)
        return pt_fail(err, PT_ENOMEM, "not enough memory");
    struct parser p = {m, to, &to->policy->partners[to->me], NULL, err};
    m->text = calloc(1, sizeof *m->text);
    if (file.n == 0)
        rc = wrong(&p, (struct place){1, 1},
                   "the file is empty; `patto --home HOME map` prints a map to start from");
    else if (m->text == NULL || !buf_add(&m->text->file, file.p, file.n))
        rc = pt_fail(err, PT_ENOMEM, "not enough memory");
    else if ((rc = yaml_parse(&m->text->yaml, buf_span(&m->text->file), err)) == PT_OK)
        rc = parse_root(&p, yaml_root(m->text->yaml));
    if (rc == PT_OK)
        *out = m;
    else
        map_free(m);
    return rc;
}

enum pt_code map_read(struct map **out, const char *path, const struct policy *policy, uint16_t me,
                      struct pt_err *err)
{
    char folder[FILEIO_PATH_MAX] = "";
    const char *slash = strrchr(path, '/');
    struct buf file = {0};
    enum pt_code rc;

    *out = NULL;
    if (slash != NULL)
        snprintf(folder, sizeof folder, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    const struct map_for to = {policy, me, folder};
    if ((rc = fileio_read(&file, path, MAP_FILE_MAX, err)) == PT_OK &&
        (rc = map_parse(out, buf_span(&file), &to, err)) != PT_OK)
        rc = pt_wrap(err, "%s", path);
    buf_free(&file);
    return rc;
}

void map_free(struct map *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < PT_LEN(m->attributes); i++)
        free(m->attributes[i].words);
    if (m->text != NULL) {
        yaml_free(m->text->yaml);
        buf_free(&m->text->file);
    }
    free(m->text);
    free(m);
}
