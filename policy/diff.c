#include "policy/diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/text.h"

const char *diff_effect_name(enum diff_effect e)
{
    static const char *const NAMES[] = {"neutral", "tighter", "looser"};

    return (size_t)e < PT_LEN(NAMES) ? NAMES[e] : "looser";
}

bool diff_only_tighter(const struct diff_report *r)
{
    return r->tighter > 0 && r->looser == 0 && r->neutral == 0;
}

void diff_report_free(struct diff_report *r)
{
    free(r->changes);
    *r = (struct diff_report){0};
}

const struct diff_rule *diff_rule_find(const char *pattern)
{
    for (size_t i = 0; i < DIFF_RULE_COUNT; i++)
        if (strcmp(DIFF_RULES[i].pattern, pattern) == 0)
            return &DIFF_RULES[i];
    return NULL;
}

/* ---- what is shown ---- */

/* Whole characters, as far as they fit before the closing dots. */
static size_t cut(struct span s, size_t room)
{
    size_t n = 0;
    uint32_t code;

    if (s.n <= room)
        return s.n;
    for (size_t step; n < s.n; n += step) {
        step = text_utf8(&code, span_of(s.p + n, s.n - n));
        if (step == 0 || n + step + 3 > room)
            break;
    }
    return n;
}

static void put(char out[DIFF_SHOWN_MAX], struct span s)
{
    size_t at = strlen(out);
    size_t n = cut(s, DIFF_SHOWN_MAX - 1 - at);

    memcpy(out + at, s.p, n);
    out[at + n] = '\0';
    if (n < s.n && at + n + 3 < DIFF_SHOWN_MAX)
        memcpy(out + at + n, "...", 4);
}

void diff_show(char out[DIFF_SHOWN_MAX], const struct yaml_node *node)
{
    out[0] = '\0';
    if (node == NULL)
        return;
    if (node->kind == YAML_SCALAR) {
        put(out, node->text);
        return;
    }
    if (node->kind == YAML_MAP) { /* its keys say enough, and its lines say where */
        for (size_t i = 0; i < node->child_count; i++) {
            put(out, span_z(i == 0 ? "" : ", "));
            put(out, node->children[i].key);
        }
        return;
    }
    put(out, span_z("["));
    for (size_t i = 0; i < node->child_count; i++) {
        put(out, span_z(i == 0 ? "" : ", "));
        if (node->children[i].kind == YAML_SCALAR)
            put(out, node->children[i].text);
    }
    put(out, span_z("]"));
}

/* ---- the report ---- */

static bool grow(struct diff *d)
{
    size_t cap = d->cap == 0 ? 32 : 2 * d->cap;
    struct diff_change *more;

    if (d->report->count < d->cap)
        return true;
    more = realloc(d->report->changes, cap * sizeof *more);
    if (more == NULL) {
        d->no_memory = true;
        return false;
    }
    d->report->changes = more;
    d->cap = cap;
    return true;
}

static uint32_t line_of(const struct yaml_node *node)
{
    if (node == NULL)
        return 0;
    return node->key_line != 0 ? node->key_line : node->line;
}

void diff_add(struct diff *d, enum diff_effect effect, const char *reason, const char *path,
              const struct yaml_node *before, const struct yaml_node *after)
{
    struct diff_report *r = d->report;

    if (!grow(d))
        return;
    struct diff_change *c = &r->changes[r->count++];
    *c = (struct diff_change){.effect = effect,
                              .reason = reason,
                              .old_line = line_of(before),
                              .new_line = line_of(after)};
    snprintf(c->path, sizeof c->path, "%s", path);
    diff_show(c->before, before);
    diff_show(c->after, after);
    r->tighter += effect == DIFF_TIGHTER;
    r->looser += effect == DIFF_LOOSER;
    r->neutral += effect == DIFF_NEUTRAL;
}

/* ---- the walk ---- */

static const struct yaml_node *child_of(const struct yaml_node *map, struct span key)
{
    if (map == NULL || map->kind != YAML_MAP)
        return NULL;
    for (size_t i = 0; i < map->child_count; i++)
        if (span_eq_vartime(map->children[i].key, key))
            return &map->children[i];
    return NULL;
}

static void extend(char path[DIFF_PATH_MAX], const char *parent, struct span key)
{
    snprintf(path, DIFF_PATH_MAX, "%.160s%s%.*s", parent, parent[0] == '\0' ? "" : ".", (int)key.n,
             (const char *)key.p);
}

void diff_child(struct diff_at *out, const struct diff_at *at, struct span key, bool named)
{
    out->before = child_of(at->before, key);
    out->after = child_of(at->after, key);
    extend(out->path, at->path, key);
    extend(out->pattern, at->pattern, named ? span_z("*") : key);
}

static bool same(const struct yaml_node *a, const struct yaml_node *b)
{
    if (a == NULL || b == NULL || a->kind != b->kind || a->child_count != b->child_count)
        return false;
    if (a->kind == YAML_SCALAR)
        return span_eq_vartime(a->text, b->text);
    for (size_t i = 0; i < a->child_count; i++)
        if (!span_eq_vartime(a->children[i].key, b->children[i].key) ||
            !same(&a->children[i], &b->children[i]))
            return false;
    return true;
}

void diff_walk(struct diff *d, const struct diff_at *at)
{
    const struct diff_rule *r;

    if (same(at->before, at->after))
        return;
    if ((r = diff_rule_find(at->pattern)) != NULL)
        r->compare(d, r, at);
    else
        diff_add(d, DIFF_LOOSER, "this release does not compare this key: taken for looser",
                 at->path, at->before, at->after);
}

enum pt_code diff_run(struct diff_report *out, const struct diff_side *before,
                      const struct diff_side *after, struct pt_err *err)
{
    struct diff d = {.before = before, .after = after, .report = out};
    struct yaml *was = NULL;
    struct yaml *is = NULL;
    enum pt_code rc;

    *out = (struct diff_report){0};
    if ((rc = yaml_parse(&was, before->file, err)) == PT_OK &&
        (rc = yaml_parse(&is, after->file, err)) == PT_OK) {
        struct diff_at root = {.before = yaml_root(was), .after = yaml_root(is)};
        diff_walk(&d, &root);
        if (d.no_memory)
            rc = pt_fail(err, PT_ENOMEM, "no memory for the changes of a policy");
    }
    yaml_free(was);
    yaml_free(is);
    return rc;
}
