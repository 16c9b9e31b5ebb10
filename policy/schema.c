#include "policy/schema.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "crypto/base/text.h"
#include "policy/names.h"

enum { NAME_MAX_SUGGESTED = 32, EDITS_MAX = 2, KEYS_MAX = 32 };

enum pt_code schema_fail(const struct schema_at *at, struct pt_err *err, const char *fmt, ...)
{
    char what[sizeof err->msg];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    return pt_fail(err, PT_EPARSE, "line %" PRIu32 ", column %" PRIu32 ": %s%s%.400s",
                   at->node->line, at->node->column, at->path, at->path[0] == '\0' ? "" : ": ",
                   what);
}

struct schema_at schema_child(char path[SCHEMA_PATH_MAX], const struct schema_at *at,
                              const struct yaml_node *child, struct span name)
{
    /* A hostile key may be long: the path is for reading, so it is cut. */
    snprintf(path, SCHEMA_PATH_MAX, "%.140s%s%.*s", at->path, at->path[0] == '\0' ? "" : ".",
             (int)(name.n > 32 ? 32 : name.n), (const char *)name.p);
    return (struct schema_at){.node = child, .path = path, .context = at->context};
}

void schema_show_text(char out[SCHEMA_SHOWN_MAX], struct span s)
{
    char shown[41];
    size_t n = s.n < 40 ? s.n : 40;

    while (n < s.n && n > 0 && (s.p[n] & 0xC0) == 0x80)
        n--;
    for (size_t i = 0; i < n; i++)
        shown[i] = (char)(s.p[i] < 0x20 || s.p[i] == 0x7F ? (uint8_t)'?' : s.p[i]);
    shown[n] = '\0';
    snprintf(out, SCHEMA_SHOWN_MAX, "'%s%s'", shown, n < s.n ? "..." : "");
}

void schema_show(char out[SCHEMA_SHOWN_MAX], const struct yaml_node *node)
{
    if (node->kind == YAML_SCALAR && node->text.n > 0)
        schema_show_text(out, node->text);
    else
        snprintf(out, SCHEMA_SHOWN_MAX, "%s",
                 node->kind == YAML_LIST  ? "a list"
                 : node->kind == YAML_MAP ? "a map"
                 : node->plain            ? "nothing"
                                          : "an empty text");
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Levenshtein distance, one row at a time; both at most NAME_MAX_SUGGESTED long. */
static size_t edits(struct span a, struct span b)
{
    size_t row[NAME_MAX_SUGGESTED + 1];

    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t above = row[j];
            size_t changed = diagonal + (a.p[i - 1] == b.p[j - 1] ? 0 : 1);
            row[j] = least(changed, least(above, row[j - 1]) + 1);
            diagonal = above;
        }
    }
    return row[b.n];
}

void schema_suggest(char out[SCHEMA_SHOWN_MAX], struct span word, const char *const *names,
                    size_t count)
{
    size_t best = EDITS_MAX + 1;

    out[0] = '\0';
    if (word.n > NAME_MAX_SUGGESTED)
        return;
    for (size_t i = 0; i < count; i++) {
        struct span name = span_z(names[i]);
        size_t distance = name.n > NAME_MAX_SUGGESTED ? best : edits(word, name);
        /* A guess that keeps nothing of the word is no help. */
        if (distance >= best || distance >= name.n)
            continue;
        best = distance;
        snprintf(out, SCHEMA_SHOWN_MAX, ", did you mean '%.24s'?", names[i]);
    }
}

void schema_join(char *out, size_t cap, const char *const *names, size_t count)
{
    size_t n = 0;

    out[0] = '\0';
    for (size_t i = 0; i < count && n < cap; i++)
        n += (size_t)snprintf(out + n, cap - n, "%s%s", i == 0 ? "" : ", ", names[i]);
}

static enum pt_code unknown_key(const struct schema_key *keys, const struct schema_at *at,
                                const struct yaml_node *child, struct pt_err *err)
{
    const char *names[KEYS_MAX];
    size_t count = 0;
    char list[260];
    char shown[SCHEMA_SHOWN_MAX];
    char guess[SCHEMA_SHOWN_MAX];
    struct yaml_node place = {.line = child->key_line, .column = child->key_column};

    for (; keys[count].name != NULL; count++) {
        assert(count < KEYS_MAX);
        names[count] = keys[count].name;
    }
    schema_join(list, sizeof list, names, count);
    schema_show_text(shown, child->key);
    schema_suggest(guess, child->key, names, count);
    /* An unknown key may be a limit from a newer version: refuse, never ignore. */
    return schema_fail(&(struct schema_at){.node = &place, .path = at->path}, err,
                       "unknown key %s%s; expected one of %s", shown, guess, list);
}

static const struct schema_key *find_key(const struct schema_key *keys, struct span name)
{
    for (; keys->name != NULL; keys++)
        if (text_eq(name, keys->name))
            return keys;
    return NULL;
}

enum pt_code schema_read(void *base, const struct schema_key *keys, const struct schema_at *at,
                         struct pt_err *err)
{
    char path[SCHEMA_PATH_MAX];
    char found[SCHEMA_SHOWN_MAX];
    enum pt_code rc;

    if (at->node->kind != YAML_MAP) {
        schema_show(found, at->node);
        return schema_fail(at, err, "expected a map of keys, found %s", found);
    }
    for (size_t i = 0; i < at->node->child_count; i++)
        if (find_key(keys, at->node->children[i].key) == NULL)
            return unknown_key(keys, at, &at->node->children[i], err);
    for (const struct schema_key *key = keys; key->name != NULL; key++) {
        const struct yaml_node *child = yaml_get(at->node, key->name);
        if (child == NULL && key->optional)
            continue;
        if (child == NULL)
            return schema_fail(at, err, "missing key '%s'", key->name);
        struct schema_at below = schema_child(path, at, child, span_z(key->name));
        if ((rc = key->fill(base, key, &below, err)) != PT_OK)
            return rc;
        if (key->line_offset != 0)
            memcpy((uint8_t *)base + key->line_offset, &child->key_line, sizeof child->key_line);
    }
    return PT_OK;
}

enum pt_code schema_map(void *base, const struct schema_key *key, const struct schema_at *at,
                        struct pt_err *err)
{
    return schema_read(base, key->keys, at, err);
}

static enum pt_code not_in_range(const struct schema_key *key, const struct schema_at *at,
                                 struct pt_err *err)
{
    char min[32];
    char max[32];
    char found[SCHEMA_SHOWN_MAX];

    text_put_decimal(min, key->min, key->scale);
    text_put_decimal(max, key->max, key->scale);
    schema_show(found, at->node);
    return schema_fail(at, err, "expected a %snumber from %s to %s, found %s",
                       key->scale == 0 ? "whole " : "", min, max, found);
}

static bool number(const struct schema_key *key, const struct yaml_node *node, uint64_t *out)
{
    bool is_number =
        key->scale == 0 ? text_u64(node->text, out) : text_decimal(node->text, key->scale, out);

    return node->kind == YAML_SCALAR && node->plain && is_number && *out >= key->min &&
           *out <= key->max;
}

enum pt_code schema_u64(void *base, const struct schema_key *key, const struct schema_at *at,
                        struct pt_err *err)
{
    uint64_t v;

    if (!number(key, at->node, &v))
        return not_in_range(key, at, err);
    memcpy((uint8_t *)base + key->offset, &v, sizeof v);
    return PT_OK;
}

enum pt_code schema_u32(void *base, const struct schema_key *key, const struct schema_at *at,
                        struct pt_err *err)
{
    uint64_t v;

    assert(key->max <= UINT32_MAX);
    if (!number(key, at->node, &v))
        return not_in_range(key, at, err);
    memcpy((uint8_t *)base + key->offset, &(uint32_t){(uint32_t)v}, sizeof(uint32_t));
    return PT_OK;
}

enum pt_code schema_bool(void *base, const struct schema_key *key, const struct schema_at *at,
                         struct pt_err *err)
{
    char found[SCHEMA_SHOWN_MAX];
    bool yes = text_eq(at->node->text, "true");

    if (at->node->kind != YAML_SCALAR || !at->node->plain ||
        (!yes && !text_eq(at->node->text, "false"))) {
        schema_show(found, at->node);
        return schema_fail(at, err, "expected true or false, found %s", found);
    }
    memcpy((uint8_t *)base + key->offset, &yes, sizeof yes);
    return PT_OK;
}

/* Index in key->words. */
static enum pt_code find_word(uint32_t *out, const struct schema_key *key,
                              const struct schema_at *at, struct pt_err *err)
{
    size_t count = 0;
    char list[260];
    char found[SCHEMA_SHOWN_MAX];
    char guess[SCHEMA_SHOWN_MAX] = "";

    for (; key->words[count] != NULL; count++) {
        if (at->node->kind == YAML_SCALAR && text_eq(at->node->text, key->words[count])) {
            *out = (uint32_t)count;
            return PT_OK;
        }
    }
    schema_join(list, sizeof list, key->words, count);
    schema_show(found, at->node);
    if (at->node->kind == YAML_SCALAR)
        schema_suggest(guess, at->node->text, key->words, count);
    return schema_fail(at, err, "expected %s%s, found %s%s", count > 1 ? "one of " : "", list,
                       found, guess);
}

enum pt_code schema_word(void *base, const struct schema_key *key, const struct schema_at *at,
                         struct pt_err *err)
{
    uint32_t index = 0;
    enum pt_code rc = find_word(&index, key, at, err);

    if (rc == PT_OK)
        memcpy((uint8_t *)base + key->offset, &index, sizeof index);
    return rc;
}

enum pt_code schema_word_text(void *base, const struct schema_key *key, const struct schema_at *at,
                              struct pt_err *err)
{
    uint32_t index = 0;
    enum pt_code rc = find_word(&index, key, at, err);

    if (rc == PT_OK)
        snprintf((char *)base + key->offset, key->max + 1, "%s", key->words[index]);
    return rc;
}

bool schema_is_line(struct span s)
{
    uint32_t code;

    for (size_t i = 0; i < s.n;) {
        size_t n = text_utf8(&code, span_of(s.p + i, s.n - i));
        if (n == 0 || text_is_hidden(code))
            return false;
        i += n;
    }
    return s.n > 0 && s.p[0] != ' ' && s.p[s.n - 1] != ' ';
}

bool schema_is_name(struct span s)
{
    if (s.n == 0 || s.p[0] < 'a' || s.p[0] > 'z')
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') ||
              s.p[i] == '_' || s.p[i] == '-'))
            return false;
    return true;
}

enum pt_code schema_text(void *base, const struct schema_key *key, const struct schema_at *at,
                         struct pt_err *err)
{
    char found[SCHEMA_SHOWN_MAX];

    if (at->node->kind != YAML_SCALAR || !schema_is_line(at->node->text) ||
        !text_copy((char *)base + key->offset, key->max + 1, at->node->text)) {
        schema_show(found, at->node);
        return schema_fail(at, err, "expected one line of 1 to %" PRIu64 " bytes, found %s",
                           key->max, found);
    }
    return PT_OK;
}

enum pt_code schema_name(void *base, const struct schema_key *key, const struct schema_at *at,
                         struct pt_err *err)
{
    char found[SCHEMA_SHOWN_MAX];

    if (at->node->kind != YAML_SCALAR || !schema_is_name(at->node->text) ||
        !text_copy((char *)base + key->offset, key->max + 1, at->node->text)) {
        schema_show(found, at->node);
        return schema_fail(at, err,
                           "expected a name: a-z, then a-z, 0-9, '_' or '-', at most %" PRIu64
                           " characters, found %s",
                           key->max, found);
    }
    return PT_OK;
}

enum pt_code schema_date(void *base, const struct schema_key *key, const struct schema_at *at,
                         struct pt_err *err)
{
    char found[SCHEMA_SHOWN_MAX];
    int64_t first_s;

    if (at->node->kind != YAML_SCALAR || !names_parse_date(&first_s, at->node->text)) {
        schema_show(found, at->node);
        return schema_fail(at, err, "expected a date such as 2026-12-01, found %s", found);
    }
    memcpy((uint8_t *)base + key->offset, &first_s, sizeof first_s);
    return PT_OK;
}

enum pt_code schema_list(const struct schema_at *at, size_t min, size_t max, struct pt_err *err)
{
    char found[SCHEMA_SHOWN_MAX];

    if (at->node->kind != YAML_LIST) {
        schema_show(found, at->node);
        return schema_fail(at, err, "expected a list, found %s", found);
    }
    if (at->node->child_count < min || at->node->child_count > max)
        return schema_fail(at, err, "expected a list of %zu to %zu entries, found %zu", min, max,
                           at->node->child_count);
    return PT_OK;
}
