#include "policy/yaml.h"

#include <assert.h>
#include <inttypes.h>
#include <libfyaml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/text.h"

/* libfyaml is used as a stream of events and nothing more: its document layer resolves aliases,
 * merges keys and recurses. Everything this file promises is checked here. */

struct flat { /* a node in file order, before its siblings are laid side by side */
    struct yaml_node node;
    size_t parent;          /* index in flats; the root's is its own */
    size_t text_at, key_at; /* offsets in the text, which still moves */
    size_t slot;            /* its place in the tree */
};

struct yaml {
    struct yaml_node *nodes; /* nodes[0] is the root; children of one node stand side by side */
    size_t node_count;
    struct buf text;
};

struct key { /* a map key that waits for its value */
    bool held;
    size_t at, n;
    uint32_t line, column;
};

struct builder {
    struct flat *flats;
    size_t count, cap;
    struct buf text;
    size_t open[YAML_DEPTH_MAX]; /* containers not yet closed, outermost first */
    struct key key[YAML_DEPTH_MAX];
    size_t depth;
    uint32_t line, column; /* last place that libfyaml told */
    bool has_document;
};

static enum pt_code fail_here(const struct builder *b, struct pt_err *err, const char *what)
{
    return pt_fail(err, PT_EPARSE, "line %" PRIu32 ", column %" PRIu32 ": %s", b->line, b->column,
                   what);
}

/* libfyaml takes a NUL or a malformed byte for the end of the file and says nothing: a signed
 * file would then mean less than it shows. So every character is looked at first. U+0085, U+2028
 * and U+2029 break lines in YAML 1.1 only; a lone CR or a second BOM moves what an editor shows. */
static enum pt_code check_characters(struct span file, struct pt_err *err)
{
    struct builder at = {.line = 1, .column = 1};
    uint32_t code;

    for (size_t i = 0; i < file.n;) {
        size_t n = text_utf8(&code, span_of(file.p + i, file.n - i));
        if (n == 0)
            return fail_here(&at, err, "not valid UTF-8; save the file as UTF-8");
        bool line_end = code == '\n';
        bool crlf = code == '\r' && i + 1 < file.n && file.p[i + 1] == '\n';
        bool mark = code == 0xFEFF && i == 0;
        bool hidden = code != '\t' && text_is_hidden(code);
        if (hidden && !line_end && !crlf && !mark)
            return fail_here(&at, err, "a control character; remove it");
        i += n;
        at.column++;
        if (line_end) {
            at.line++;
            at.column = 1;
        }
    }
    return PT_OK;
}

/* A new node under the innermost open container; the key that waited there becomes its own.
 * NULL with *err set when there is no room. Valid until the next one. */
static struct flat *add_node(struct builder *b, enum yaml_kind kind, struct pt_err *err)
{
    if (b->count == YAML_NODES_MAX) {
        pt_fail(err, PT_ELIMIT, "line %" PRIu32 ": more than %d entries", b->line, YAML_NODES_MAX);
        return NULL;
    }
    if (b->count == b->cap) {
        size_t cap = b->cap == 0 ? 64 : b->cap * 2;
        struct flat *more = realloc(b->flats, cap * sizeof *more);
        if (more == NULL) {
            pt_fail(err, PT_ENOMEM, "no memory for %zu entries", cap);
            return NULL;
        }
        b->flats = more;
        b->cap = cap;
    }
    size_t parent = b->depth > 0 ? b->open[b->depth - 1] : 0;
    struct flat *f = &b->flats[b->count++];
    *f = (struct flat){.parent = parent,
                       .node = {.kind = kind, .line = b->line, .column = b->column}};
    if (b->depth > 0) {
        struct key *key = &b->key[b->depth - 1];
        f->key_at = key->at;
        f->node.key.n = key->n;
        f->node.key_line = key->line;
        f->node.key_column = key->column;
        *key = (struct key){0};
        b->flats[parent].node.child_count++;
    }
    return f;
}

static bool awaits_key(const struct builder *b)
{
    if (b->depth == 0)
        return false;
    assert(b->flats != NULL);
    return b->flats[b->open[b->depth - 1]].node.kind == YAML_MAP && !b->key[b->depth - 1].held;
}

static enum pt_code open_container(struct builder *b, enum yaml_kind kind, struct pt_err *err)
{
    if (awaits_key(b))
        return fail_here(b, err, "expected a key, found a list or a map");
    if (b->depth == YAML_DEPTH_MAX)
        return fail_here(b, err, "nested too deeply");
    if (add_node(b, kind, err) == NULL)
        return err->code;
    b->open[b->depth] = b->count - 1;
    b->key[b->depth] = (struct key){0};
    b->depth++;
    return PT_OK;
}

static enum pt_code add_scalar(struct builder *b, struct fy_token *value, struct pt_err *err)
{
    size_t n = 0;
    size_t at = b->text.n;
    const char *text = value == NULL ? NULL : fy_token_get_text(value, &n);

    /* The mark of a quoted scalar is behind its quote; people look for the quote. */
    if (value != NULL && b->column > 1 &&
        (fy_token_scalar_style(value) == FYSS_SINGLE_QUOTED ||
         fy_token_scalar_style(value) == FYSS_DOUBLE_QUOTED))
        b->column--;
    if (value != NULL && text == NULL)
        return pt_fail(err, PT_ENOMEM, "no memory for a value");
    if (!buf_add(&b->text, text, n))
        return pt_fail(err, PT_ENOMEM, "no memory for a value of %zu bytes", n);
    if (awaits_key(b)) {
        b->key[b->depth - 1] =
            (struct key){.held = true, .at = at, .n = n, .line = b->line, .column = b->column};
        return PT_OK;
    }
    struct flat *f = add_node(b, YAML_SCALAR, err);
    if (f == NULL)
        return err->code;
    f->text_at = at;
    f->node.text.n = n;
    f->node.plain = value == NULL || fy_token_scalar_style(value) == FYSS_PLAIN;
    return PT_OK;
}

static enum pt_code start_document(struct builder *b, const struct fy_event *e, struct pt_err *err)
{
    struct fy_document_state *state = e->document_start.document_state;

    if (b->has_document)
        return fail_here(b, err, "a second document; one file holds one");
    if (fy_document_state_version_explicit(state) || fy_document_state_tags_explicit(state))
        return fail_here(b, err, "a '%' directive is not accepted; leave it out");
    b->has_document = true;
    return PT_OK;
}

static enum pt_code take_event(struct builder *b, struct fy_event *e, struct pt_err *err)
{
    const struct fy_mark *mark = fy_event_start_mark(e);

    if (mark != NULL) { /* an omitted value has no place: it keeps its key's */
        b->line = (uint32_t)mark->line + 1;
        b->column = (uint32_t)mark->column + 1;
    }
    if (e->type == FYET_ALIAS)
        return fail_here(b, err, "an alias ('*') is not accepted; write the value out");
    if (fy_event_get_anchor_token(e) != NULL)
        return fail_here(b, err, "an anchor ('&') is not accepted; write the value out");
    if (fy_event_get_tag_token(e) != NULL)
        return fail_here(b, err, "a tag ('!') is not accepted; leave it out");
    switch (e->type) {
    case FYET_DOCUMENT_START:
        return start_document(b, e, err);
    case FYET_MAPPING_START:
        return open_container(b, YAML_MAP, err);
    case FYET_SEQUENCE_START:
        return open_container(b, YAML_LIST, err);
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        b->depth--;
        return PT_OK;
    case FYET_SCALAR:
        return add_scalar(b, e->scalar.value, err);
    case FYET_NONE:
    case FYET_STREAM_START:
    case FYET_STREAM_END:
    case FYET_DOCUMENT_END:
    case FYET_ALIAS:
        return PT_OK;
    }
    return PT_OK;
}

/* What libfyaml holds against the file, with its place; it counts both from 1 here. */
static enum pt_code syntax_error(struct builder *b, struct fy_diag *diag, struct pt_err *err)
{
    void *previous = NULL;
    const struct fy_diag_error *first = fy_diag_errors_iterate(diag, &previous);

    if (first == NULL || first->msg == NULL)
        return fail_here(b, err, "not valid YAML");
    if (first->line > 0) {
        b->line = (uint32_t)first->line;
        b->column = first->column > 0 ? (uint32_t)first->column : 1;
    }
    return fail_here(b, err, first->msg);
}

static enum pt_code read_events(struct builder *b, struct span file, struct pt_err *err)
{
    struct fy_diag_cfg quiet;
    struct fy_diag *diag = NULL;
    struct fy_parser *parser = NULL;
    enum pt_code rc = PT_OK;
    bool ended = false;

    fy_diag_cfg_default(&quiet);
    quiet.fp = NULL; /* its messages reach people through err, never through stderr */
    quiet.level = FYET_ERROR;
    if ((diag = fy_diag_create(&quiet)) != NULL) {
        fy_diag_set_collect_errors(diag, true);
        parser = fy_parser_create(&(struct fy_parse_cfg){
            .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE,
            .diag = diag});
    }
    if (parser == NULL || fy_parser_set_string(parser, (const char *)file.p, file.n) != 0) {
        rc = pt_fail(err, PT_ENOMEM, "no memory to read a file of %zu bytes", file.n);
        goto out;
    }
    while (rc == PT_OK && !ended) {
        struct fy_event *event = fy_parser_parse(parser);
        if (event == NULL) {
            rc = syntax_error(b, diag, err);
            break;
        }
        ended = event->type == FYET_STREAM_END;
        rc = take_event(b, event, err);
        fy_parser_event_free(parser, event);
    }
    if (rc == PT_OK && b->count == 0)
        rc = fail_here(b, err, "the file is empty");
out:
    fy_parser_destroy(parser);
    fy_diag_destroy(diag);
    return rc;
}

struct sibling { /* for sorting */
    const struct yaml_node *node;
};

static int key_order(const void *x, const void *y)
{
    const struct yaml_node *a = ((const struct sibling *)x)->node;
    const struct yaml_node *b = ((const struct sibling *)y)->node;
    size_t n = a->key.n < b->key.n ? a->key.n : b->key.n;
    int order = n == 0 ? 0 : memcmp(a->key.p, b->key.p, n);

    if (order == 0 && a->key.n != b->key.n)
        order = a->key.n < b->key.n ? -1 : 1;
    return order != 0 ? order : (a < b ? -1 : 1);
}

/* By sorting: a hostile file may hold a hundred thousand keys in one map. */
static enum pt_code check_unique(const struct yaml_node *map, struct sibling *scratch,
                                 struct pt_err *err)
{
    for (size_t i = 0; i < map->child_count; i++)
        scratch[i].node = &map->children[i];
    qsort(scratch, map->child_count, sizeof *scratch, key_order);
    for (size_t i = 1; i < map->child_count; i++)
        if (span_eq_vartime(scratch[i - 1].node->key, scratch[i].node->key))
            return pt_fail(err, PT_EPARSE,
                           "line %" PRIu32 ", column %" PRIu32
                           ": this key is set twice; it is also on line %" PRIu32,
                           scratch[i].node->key_line, scratch[i].node->key_column,
                           scratch[i - 1].node->key_line);
    return PT_OK;
}

/* Lay the nodes so that siblings stand side by side: each container reserves room for its
 * children when its turn comes in file order, and a child takes the next free place there. */
static enum pt_code lay_out(struct yaml *y, struct builder *b, struct pt_err *err)
{
    size_t free_slot = 1;
    enum pt_code rc = PT_OK;

    assert(b->count > 0);
    struct sibling *scratch = calloc(b->count, sizeof *scratch);
    y->nodes = calloc(b->count, sizeof *y->nodes);
    if (scratch == NULL || y->nodes == NULL) {
        rc = pt_fail(err, PT_ENOMEM, "no memory for %zu entries", b->count);
        goto out;
    }
    y->node_count = b->count;
    for (size_t i = 0; i < b->count; i++) {
        struct flat *f = &b->flats[i];
        struct yaml_node *parent = &y->nodes[b->flats[f->parent].slot];

        if (i > 0)
            f->slot = (size_t)(parent->children - y->nodes) + parent->child_count++;
        struct yaml_node *n = &y->nodes[f->slot];
        *n = f->node;
        n->text.p = b->text.p == NULL ? (const uint8_t *)"" : b->text.p + f->text_at;
        n->key.p = b->text.p == NULL ? (const uint8_t *)"" : b->text.p + f->key_at;
        n->children = y->nodes + free_slot;
        free_slot += n->child_count;
        n->child_count = 0; /* counts up again as they arrive */
    }
    for (size_t i = 0; i < b->count && rc == PT_OK; i++)
        if (y->nodes[i].kind == YAML_MAP)
            rc = check_unique(&y->nodes[i], scratch, err);
out:
    free(scratch);
    return rc;
}

enum pt_code yaml_parse(struct yaml **out, struct span file, struct pt_err *err)
{
    struct builder b = {.line = 1, .column = 1};
    struct yaml *y = NULL;
    enum pt_code rc;

    *out = NULL;
    if (file.n == 0)
        return fail_here(&b, err, "the file is empty");
    if ((rc = check_characters(file, err)) != PT_OK || (rc = read_events(&b, file, err)) != PT_OK)
        goto out;
    if ((y = calloc(1, sizeof *y)) == NULL) {
        rc = pt_fail(err, PT_ENOMEM, "no memory for a document");
        goto out;
    }
    if ((rc = lay_out(y, &b, err)) != PT_OK)
        goto out;
    y->text = b.text;
    b.text = (struct buf){0};
    *out = y;
    y = NULL;
out:
    yaml_free(y);
    buf_free(&b.text);
    free(b.flats);
    return rc;
}

const struct yaml_node *yaml_root(const struct yaml *y)
{
    return &y->nodes[0];
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
    for (size_t i = 0; map->kind == YAML_MAP && i < map->child_count; i++)
        if (text_eq(map->children[i].key, key))
            return &map->children[i];
    return NULL;
}

void yaml_free(struct yaml *y)
{
    if (y == NULL)
        return;
    buf_free(&y->text);
    free(y->nodes);
    free(y);
}
