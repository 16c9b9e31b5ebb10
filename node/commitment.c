#include "node/commitment.h"

#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/text.h"
#include "crypto/merkle.h"
#include "node/fileio.h"
#include "node/sealed.h"

_Static_assert(sizeof(struct commitment_row) == 80, "the record's layout");

enum { PART_ROWS = 1024, STRETCH_ROWS = 64 * PART_ROWS }; /* 7 MiB of rows and leaves */

#define PREFIX "committed-"
#define SUFFIX ".vault"

/* ---- rows and leaves ---- */

void commitment_tag(struct key32 *out, const struct key32 *salt, const struct digest *person)
{
    const struct span part = span_of(person->b, sizeof person->b);

    prf_derive(out, salt, "patto/dataset-person", &part, 1);
}

static void leaf_of(struct key32 *out, const struct key32 *salt, const struct commitment_row *row)
{
    const struct span parts[] = {span_of(&row->token, sizeof row->token),
                                 span_of(row->tag.b, sizeof row->tag.b),
                                 span_of(row->values.b, sizeof row->values.b)};

    prf_derive(out, salt, "patto/dataset-leaf/2", parts, PT_LEN(parts));
}

/* What the tree takes of a row. */
static void hash_row(struct digest *out, const struct key32 *salt, const struct commitment_row *row)
{
    PT_WIPED(key32) leaf = {0};

    leaf_of(&leaf, salt, row);
    merkle_leaf(out, span_of(leaf.b, sizeof leaf.b));
}

/* The attribute values of one row; at most 32 columns of 32 bytes. */
static size_t row_bytes(uint8_t out[POLICY_ATTRIBUTES_MAX * POLICY_VALUES_MAX / 8],
                        const struct vault_data *d, uint64_t row)
{
    size_t n = 0;

    for (size_t i = 0; i < d->column_count; i++) {
        const struct vault_column *c = &d->columns[i];
        const double none = -1e300; /* one representation of "unknown", whatever NaN it was */
        double number;
        if (c->type == ATTRIBUTE_CATEGORY) {
            memcpy(out + n, &c->category[row], sizeof c->category[row]);
            n += sizeof c->category[row];
        } else if (c->type == ATTRIBUTE_SET) {
            memcpy(out + n, &c->set[row * c->words], c->words * sizeof *c->set);
            n += c->words * sizeof *c->set;
        } else {
            number = isnan(c->number[row]) ? none : c->number[row];
            memcpy(out + n, &number, sizeof number);
            n += sizeof number;
        }
    }
    return n;
}

static void make_row(struct commitment_row *out, const struct vault_data *d, uint64_t row,
                     const struct key32 *salt)
{
    uint8_t values[POLICY_ATTRIBUTES_MAX * POLICY_VALUES_MAX / 8];
    const struct span parts[] = {span_of(&d->tokens[row], sizeof d->tokens[row]),
                                 span_of(values, row_bytes(values, d, row))};

    out->token = d->tokens[row];
    commitment_tag(&out->tag, salt, &d->digests[row]);
    prf_derive(&out->values, salt, "patto/dataset-values", parts, PT_LEN(parts));
    explicit_bzero(values, sizeof values);
}

struct by_token {
    struct token token;
    uint64_t row;
};

static int compare_tokens(const void *a, const void *b)
{
    const struct by_token *x = a;
    const struct by_token *y = b;
    return memcmp(&x->token, &y->token, sizeof x->token);
}

static void wipe_order(struct by_token *order, const struct vault_data *d)
{
    if (order != NULL)
        explicit_bzero(order, ((size_t)d->count + 1) * sizeof *order);
    free(order);
}

/* Tokens are as good as random: those that begin alike are a bucket, and each is sorted by itself. */
enum { BUCKETS = 1024 };
struct sorting {
    struct by_token *order;
    size_t end[BUCKETS]; /* of each one's rows */
};

static size_t bucket_of(const struct token *t)
{
    return (size_t)t->b[0] << 2 | t->b[1] >> 6;
}

static void sort_bucket(void *context, size_t i)
{
    const struct sorting *s = context;
    const size_t first = i == 0 ? 0 : s->end[i - 1];

    qsort(s->order + first, s->end[i] - first, sizeof *s->order, compare_tokens);
}

/* Tokenised rows in the order of their tokens. */
static enum pt_code sorted(struct by_token **out, size_t *count, const struct commitment_of *of,
                           struct pt_err *err)
{
    const struct vault_data *d = of->data;
    struct sorting s = {.order = calloc((size_t)d->count + 1, sizeof *s.order)};
    size_t n = 0;

    *out = s.order;
    *count = 0;
    if (s.order == NULL)
        return pt_fail(err, PT_ENOMEM, "dataset commitment: not enough memory");
    for (uint64_t row = 0; row < d->count; row++)
        s.end[bucket_of(&d->tokens[row])] += d->has_token[row] != 0;
    for (size_t i = 0; i < BUCKETS; i++) { /* from how many there are to where they begin */
        const size_t many = s.end[i];
        s.end[i] = n;
        n += many;
    }
    for (uint64_t row = 0; row < d->count; row++)
        if (d->has_token[row])
            s.order[s.end[bucket_of(&d->tokens[row])]++] = (struct by_token){d->tokens[row], row};
    parallel_run(of->parallel, BUCKETS, sort_bucket, &s);
    *count = n;
    return PT_OK;
}

/* A stretch of rows at a time is hashed, in parts side by side, and then taken in order: the tree and
 * the record do not depend on how many threads there are. */
struct stretch {
    const struct commitment_of *of;
    const struct by_token *order;
    size_t count;
    struct commitment_row *rows;
    struct digest *leaves;
};

static void hash_part(void *context, size_t part)
{
    const struct stretch *s = context;
    size_t end = (part + 1) * PART_ROWS < s->count ? (part + 1) * PART_ROWS : s->count;

    for (size_t i = part * PART_ROWS; i < end; i++) {
        make_row(&s->rows[i], s->of->data, s->order[i].row, s->of->salt);
        hash_row(&s->leaves[i], s->of->salt, &s->rows[i]);
    }
}

static enum pt_code take_stretch(struct merkle *tree, struct sealed_writer *w, struct stretch *s,
                                 struct pt_err *err)
{
    enum pt_code rc = PT_OK;

    parallel_run(s->of->parallel, (s->count + PART_ROWS - 1) / PART_ROWS, hash_part, s);
    for (size_t i = 0; i < s->count; i++)
        merkle_add_leaf(tree, &s->leaves[i]);
    if (w != NULL)
        rc = sealed_put(w, span_of(s->rows, s->count * sizeof *s->rows), err);
    return rc;
}

static enum pt_code put_head(struct sealed_writer *w, size_t count, const struct key32 *salt,
                             struct pt_err *err)
{
    uint8_t head[8];
    enum pt_code rc;

    store_u64le(head, count);
    rc = sealed_put(w, span_of(head, sizeof head), err);
    return rc == PT_OK ? sealed_put(w, span_of(salt->b, sizeof salt->b), err) : rc;
}

/* w NULL: the root alone. */
static enum pt_code walk(struct digest *root, struct sealed_writer *w,
                         const struct commitment_of *of, struct pt_err *err)
{
    struct commitment_row *rows = calloc(STRETCH_ROWS, sizeof *rows);
    struct digest *leaves = calloc(STRETCH_ROWS, sizeof *leaves);
    struct by_token *order = NULL;
    struct merkle tree;
    size_t n = 0;
    enum pt_code rc = PT_OK;

    *root = (struct digest){0};
    merkle_init(&tree);
    if (rows == NULL || leaves == NULL)
        rc = pt_fail(err, PT_ENOMEM, "dataset commitment: not enough memory");
    if (rc == PT_OK)
        rc = sorted(&order, &n, of, err);
    if (rc == PT_OK && w != NULL)
        rc = put_head(w, n, of->salt, err);
    for (size_t at = 0; at < n && rc == PT_OK; at += STRETCH_ROWS) {
        struct stretch s = {of, order + at, n - at < STRETCH_ROWS ? n - at : STRETCH_ROWS, rows,
                            leaves};
        rc = take_stretch(&tree, w, &s, err);
    }
    if (rc == PT_OK)
        merkle_root(root, &tree);
    if (rows != NULL)
        explicit_bzero(rows, STRETCH_ROWS * sizeof *rows);
    free(rows);
    free(leaves);
    wipe_order(order, of->data);
    return rc;
}

enum pt_code commitment_root(struct digest *out, const struct commitment_of *of, struct pt_err *err)
{
    return walk(out, NULL, of, err);
}

/* ---- the record ---- */

static enum pt_code path_of(char out[FILEIO_PATH_MAX], const char *dir, const struct digest *root,
                            struct pt_err *err)
{
    char name[sizeof PREFIX + 64 + sizeof SUFFIX];
    char hex[65];

    text_hex(hex, root->b, sizeof root->b);
    snprintf(name, sizeof name, PREFIX "%s" SUFFIX, hex);
    return fileio_join(out, dir, name, err);
}

/* The same for every record, whose name is known only when it is whole. A record under another name
 * does not make up that root: commitment_end() says so. */
static void context_of(struct digest *out)
{
    hash_parts(out, "patto/vault-committed-2", NULL, 0);
}

enum pt_code commitment_make(struct digest *root, const struct vault_place *place,
                             const struct commitment_of *of, struct pt_err *err)
{
    char path[FILEIO_PATH_MAX];
    struct digest context;
    struct sealed_writer *w = NULL;
    enum pt_code rc;

    context_of(&context);
    if ((rc = path_of(path, place->dir, &context, err)) == PT_OK && /* of the same length */
        (rc = sealed_create(&w, path, place->key, &context, err)) == PT_OK &&
        (rc = walk(root, w, of, err)) == PT_OK &&
        (rc = path_of(path, place->dir, root, err)) == PT_OK)
        rc = sealed_commit_as(w, path, err);
    sealed_drop(w);
    return rc == PT_OK ? PT_OK : pt_wrap(err, "recording what the epoch is made over");
}

enum pt_code commitment_record(const struct vault_place *place, const struct digest *root,
                               const struct commitment_of *of, struct pt_err *err)
{
    char path[FILEIO_PATH_MAX];
    struct digest made;
    enum pt_code rc;

    /* It is a function of the root: what is there under its name is the same. */
    if ((rc = path_of(path, place->dir, root, err)) != PT_OK || fileio_exists(path))
        return rc;
    if ((rc = commitment_make(&made, place, of, err)) != PT_OK ||
        memcmp(made.b, root->b, sizeof made.b) == 0)
        return rc;
    return pt_fail(err, PT_EBUG, "the dataset is not the one that was committed to");
}

bool commitment_recorded(const struct vault_place *place, const struct digest *root)
{
    char path[FILEIO_PATH_MAX];
    struct pt_err ignored;

    return path_of(path, place->dir, root, &ignored) == PT_OK && fileio_exists(path);
}

/* committed-ROOT.vault */
static bool root_of(struct digest *out, const char *name)
{
    struct span s = span_z(name);
    const size_t prefix = sizeof PREFIX - 1;

    return s.n == prefix + 64 + sizeof SUFFIX - 1 && memcmp(name, PREFIX, prefix) == 0 &&
           strcmp(name + prefix + 64, SUFFIX) == 0 &&
           text_unhex(out->b, sizeof out->b, span_of(s.p + prefix, 64));
}

enum pt_code commitment_sweep(const char *dir, struct store *s, int64_t since_s, struct pt_err *err)
{
    char path[FILEIO_PATH_MAX];
    struct digest root;
    enum pt_code rc = PT_OK;
    DIR *d = opendir(dir);

    if (d == NULL)
        return pt_fail(err, PT_EIO, "looking through %s: it cannot be opened", dir);
    for (struct dirent *e = readdir(d); e != NULL && rc == PT_OK; e = readdir(d)) {
        bool held;
        if (!root_of(&root, e->d_name) ||
            (rc = store_epoch_holds(&held, s, &root, since_s, err)) != PT_OK || held)
            continue;
        if ((rc = fileio_join(path, dir, e->d_name, err)) == PT_OK)
            rc = fileio_remove(path, err);
    }
    closedir(d);
    return rc;
}

/* ---- reading it back ---- */

struct commitment_reader {
    struct sealed_reader *file;
    struct digest root;
    struct key32 salt;
    struct merkle tree;
    struct token last;
    uint64_t left;
    bool begun;
};

enum pt_code commitment_open(struct commitment_reader **out, const struct vault_place *place,
                             const struct digest *root, struct pt_err *err)
{
    struct commitment_reader *r = calloc(1, sizeof *r);
    char path[FILEIO_PATH_MAX];
    struct digest context;
    uint8_t head[8];
    enum pt_code rc;

    *out = NULL;
    if (r == NULL)
        return pt_fail(err, PT_ENOMEM, "reading a record: not enough memory");
    r->root = *root;
    merkle_init(&r->tree);
    context_of(&context);
    if ((rc = path_of(path, place->dir, root, err)) != PT_OK)
        goto out;
    if (!fileio_exists(path)) {
        rc = pt_fail(err, PT_ESTATE,
                     "no record of what this epoch was made over is kept here (any more): they are "
                     "kept for legal.retention_days, %" PRIu32,
                     place->policy->retention_days);
        goto out;
    }
    if ((rc = sealed_open(&r->file, path, place->key, &context, err)) == PT_OK &&
        (rc = sealed_get(head, sizeof head, r->file, err)) == PT_OK)
        rc = sealed_get(r->salt.b, sizeof r->salt.b, r->file, err);
    r->left = rc == PT_OK ? load_u64le(head) : 0;
out:
    if (rc == PT_OK)
        *out = r;
    else
        commitment_close(r);
    return rc;
}

void commitment_close(struct commitment_reader *r)
{
    if (r == NULL)
        return;
    sealed_close(r->file);
    explicit_bzero(r, sizeof *r);
    free(r);
}

const struct key32 *commitment_salt(const struct commitment_reader *r)
{
    return &r->salt;
}

enum pt_code commitment_next(struct commitment_row *row, bool *more, struct commitment_reader *r,
                             struct pt_err *err)
{
    struct digest leaf;
    enum pt_code rc;

    *more = r->left > 0;
    if (!*more)
        return PT_OK;
    if ((rc = sealed_get(row, sizeof *row, r->file, err)) != PT_OK)
        return rc;
    /* Strictly ascending: nobody stands there twice, nobody out of place. */
    if (r->begun && memcmp(&r->last, &row->token, sizeof r->last) >= 0)
        return pt_fail(err, PT_EBADMSG, "the record of the epoch is not in order");
    r->begun = true;
    r->last = row->token;
    r->left--;
    hash_row(&leaf, &r->salt, row);
    merkle_add_leaf(&r->tree, &leaf);
    return PT_OK;
}

enum pt_code commitment_end(struct commitment_reader *r, struct pt_err *err)
{
    struct digest root;
    enum pt_code rc;

    if (r->left > 0)
        return pt_fail(err, PT_EBUG, "a record that was not read to its end");
    if ((rc = sealed_end(r->file, err)) != PT_OK)
        return rc;
    merkle_root(&root, &r->tree);
    if (memcmp(root.b, r->root.b, sizeof root.b) == 0)
        return PT_OK;
    return pt_fail(err, PT_EBADMSG,
                   "the record does not make up the root in the epoch's signed header: it proves "
                   "nothing");
}
