#include "node/translog.h"

#include "node/logdir.h"
#include "policy/log_key.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 256 };

struct translog {
    const struct home *home;
    struct store *store;
    struct note_key key;
    char dir[HOME_PATH_MAX];
    pthread_mutex_t lock; /* before the store's */
    struct merkle_levels levels;
    struct buf entries;      /* 32 bytes a leaf */
    uint64_t published_size; /* of log/checkpoint */
};

static enum pt_code no_memory(struct pt_err *err)
{
    return pt_fail(err, PT_ENOMEM, "the transparency log: no memory");
}

static enum pt_code add_entry(struct translog *log, const struct digest *entry, struct pt_err *err)
{
    struct digest leaf;

    merkle_leaf(&leaf, span_of(entry->b, sizeof entry->b));
    if (!buf_add(&log->entries, entry->b, sizeof entry->b))
        return no_memory(err);
    if (merkle_levels_add(&log->levels, &leaf, err) == PT_OK)
        return PT_OK;
    log->entries.n -= sizeof entry->b;
    return err->code;
}

/* What was committed since. */
static enum pt_code read_events(struct translog *log, struct pt_err *err)
{
    struct digest entries[BATCH];
    size_t n;
    enum pt_code rc = PT_OK;

    do {
        rc = store_entries(entries, &n, BATCH, log->store, log->levels.size, err);
        for (size_t i = 0; rc == PT_OK && i < n; i++)
            rc = add_entry(log, &entries[i], err);
    } while (rc == PT_OK && n > 0);
    return rc;
}

static enum pt_code head_of(struct digest *out, struct translog *log, uint64_t size,
                            struct pt_err *err)
{
    const struct merkle_nodes nodes = merkle_levels_nodes(&log->levels);

    return merkle_head(out, &nodes, size, err);
}

static struct logdir_tree tree_of(const struct translog *log)
{
    return (struct logdir_tree){.levels = &log->levels, .entries = buf_span(&log->entries)};
}

/* ---- what was signed must be the beginning of what is there ---- */

static enum pt_code rolled_back(const struct translog *log, uint64_t signed_size,
                                struct pt_err *err)
{
    return pt_fail(
        err, PT_EDENIED,
        "state.db holds %" PRIu64 " events, but this node has signed a log of %" PRIu64
        ": event %" PRIu64 " is the first that is missing. It is an older copy, or events "
        "were removed: put the newest state.db back. If that is lost, tell your partners "
        "and their privacy officers before anything else",
        log->levels.size, signed_size, log->levels.size + 1);
}

/* Where the two histories part, as far as the published entries show it. */
static enum pt_code forked(struct translog *log, uint64_t size, struct pt_err *err)
{
    const struct logdir_tree t = tree_of(log);
    struct pt_err where = {0};

    if (logdir_check(log->dir, &t, size, &where) == PT_OK)
        snprintf(where.msg, sizeof where.msg, "the published tiles follow state.db");
    return pt_fail(err, PT_EBADMSG,
                   "state.db holds another history than the log of %" PRIu64
                   " events that this node "
                   "signed: a fork (%.200s). Keep both and tell your privacy officer",
                   size, where.msg);
}

static enum pt_code check_head(struct translog *log, uint64_t size, const struct digest *root,
                               struct pt_err *err)
{
    struct digest ours;

    /* Beside a running node the head may be younger than the events read so far. */
    if (size > log->levels.size && read_events(log, err) != PT_OK)
        return err->code;
    if (size > log->levels.size)
        return rolled_back(log, size, err);
    if (head_of(&ours, log, size, err) != PT_OK)
        return err->code;
    if (span_eq_vartime(span_of(ours.b, sizeof ours.b), span_of(root->b, sizeof root->b)))
        return PT_OK;
    return forked(log, size, err);
}

static enum pt_code check_heads(struct translog *log, struct pt_err *err)
{
    struct store_head h = {0};
    bool found;
    enum pt_code rc;

    while ((rc = store_head_next(&h, &found, log->store, h.size, err)) == PT_OK && found)
        if ((rc = check_head(log, h.size, &h.root, err)) != PT_OK)
            return rc;
    return rc;
}

/* Read before the events, so that it cannot be younger than they are. */
static enum pt_code read_published(struct checkpoint *c, struct translog *log, struct pt_err *err)
{
    const struct checkpoint_trust trust = {.log = &log->key};
    struct buf note;
    bool found;
    enum pt_code rc = logdir_read_checkpoint(&note, &found, log->dir, err);

    *c = (struct checkpoint){0};
    if (rc == PT_OK && found && checkpoint_open(c, NULL, buf_span(&note), &trust, err) != PT_OK) {
        err->code = PT_EBADMSG;
        rc = pt_wrap(err, "log/checkpoint is not what this node signed");
    }
    buf_free(&note);
    return rc;
}

static enum pt_code open_log(struct translog *log, struct pt_err *err)
{
    struct checkpoint published;
    enum pt_code rc;

    if ((rc = log_key_make(&log->key, log->home->policy, log->home->self, NOTE_ED25519, err)) !=
            PT_OK ||
        (rc = read_published(&published, log, err)) != PT_OK ||
        (rc = read_events(log, err)) != PT_OK ||
        (published.size > 0 &&
         (rc = check_head(log, published.size, &published.root, err)) != PT_OK) ||
        (rc = check_heads(log, err)) != PT_OK)
        return rc;
    log->published_size = published.size;
    return PT_OK;
}

enum pt_code translog_open(struct translog **out, const struct home *h, struct store *s,
                           struct pt_err *err)
{
    struct translog *log = calloc(1, sizeof *log);

    *out = NULL;
    if (log == NULL)
        return no_memory(err);
    log->home = h;
    log->store = s;
    home_path(log->dir, h, "log");
    pthread_mutex_init(&log->lock, NULL);
    if (open_log(log, err) != PT_OK) {
        translog_close(log);
        return err->code;
    }
    *out = log;
    return PT_OK;
}

void translog_close(struct translog *log)
{
    if (log == NULL)
        return;
    merkle_levels_free(&log->levels);
    buf_free(&log->entries);
    pthread_mutex_destroy(&log->lock);
    free(log);
}

/* ---- signing and publishing ---- */

/* The head is durable in state.db before anybody can see a signature over it: after a crash in
 * between, the same head is signed again, and never another of this size. */
static enum pt_code publish(struct buf *note, struct translog *log, int64_t now_s,
                            struct pt_err *err)
{
    struct store_head head = {.signed_s = now_s};
    struct checkpoint c = {0};
    const struct logdir_tree t = tree_of(log);
    enum pt_code rc;

    head.size = c.size = log->levels.size;
    if ((rc = head_of(&head.root, log, head.size, err)) != PT_OK ||
        (log->published_size != c.size && (rc = store_head_add(log->store, &head, err)) != PT_OK))
        return rc;
    c.root = head.root;
    memcpy(c.origin, log->key.name, sizeof c.origin);
    if ((rc = checkpoint_sign(note, &c, &log->home->keys->node, err)) != PT_OK ||
        log->published_size == c.size)
        return rc;
    const struct merkle_range range = {.old = log->published_size, .size = c.size};
    if ((rc = logdir_write(log->dir, &t, range, err)) == PT_OK &&
        (rc = logdir_write_checkpoint(log->dir, buf_span(note), err)) == PT_OK)
        log->published_size = c.size;
    if (rc != PT_OK)
        buf_free(note);
    return rc;
}

enum pt_code translog_checkpoint(struct buf *note, struct translog *log, int64_t now_s,
                                 struct pt_err *err)
{
    enum pt_code rc;

    *note = (struct buf){0};
    if (log->home->keys == NULL)
        return pt_fail(err, PT_ESTATE, "a home opened to look signs nothing");
    pthread_mutex_lock(&log->lock);
    rc = read_events(log, err);
    if (rc == PT_OK && log->levels.size == 0)
        rc = pt_fail(err, PT_ESTATE, "there is no event to log yet");
    if (rc == PT_OK)
        rc = publish(note, log, now_s, err);
    pthread_mutex_unlock(&log->lock);
    return rc == PT_OK ? rc : pt_wrap(err, "the transparency log");
}

enum pt_code translog_cosigned(struct translog *log, struct span note, struct pt_err *err)
{
    const struct checkpoint_trust trust = {.log = &log->key};
    struct checkpoint c;
    struct digest ours;
    enum pt_code rc = checkpoint_open(&c, NULL, note, &trust, err);

    if (rc != PT_OK)
        return rc;
    pthread_mutex_lock(&log->lock);
    if (c.size == log->published_size && (rc = head_of(&ours, log, c.size, err)) == PT_OK) {
        rc = span_eq_vartime(span_of(ours.b, sizeof ours.b), span_of(c.root.b, sizeof c.root.b))
                 ? logdir_write_checkpoint(log->dir, note, err)
                 : pt_fail(err, PT_EDENIED, "a checkpoint of another history of this log");
    }
    pthread_mutex_unlock(&log->lock);
    return rc;
}

enum pt_code translog_with_line(struct buf *out, struct span note, const struct note_key *log,
                                const struct note_key *witness, struct span line,
                                struct pt_err *err)
{
    const struct checkpoint_trust trust = {.log = log, .witnesses = witness, .witness_count = 1};
    struct note_seal seal = {0};
    struct checkpoint c;

    if (!buf_add(out, note.p, note.n) || !buf_add(out, line.p, line.n))
        return pt_fail(err, PT_ENOMEM, "a cosignature: no memory");
    enum pt_code rc = checkpoint_open(&c, &seal, buf_span(out), &trust, err);
    if (rc == PT_OK && !seal.good)
        rc = pt_fail(err, PT_EDENIED, "not a cosignature of %s", witness->name);
    return rc;
}

/* The published note has the text of `note`, and perhaps lines already. */
static enum pt_code add_line(struct translog *log, struct span note, const struct note_key *witness,
                             struct span line, struct pt_err *err)
{
    const struct checkpoint_trust trust = {
        .log = &log->key, .witnesses = witness, .witness_count = 1};
    struct note ours;
    struct note published;
    struct note_seal seal = {0};
    struct checkpoint c;
    struct buf now = {0};
    struct buf more = {0};
    bool found = false;
    enum pt_code rc;

    if ((rc = logdir_read_checkpoint(&now, &found, log->dir, err)) != PT_OK)
        goto out;
    if (!found || note_parse(&ours, note, err) != PT_OK ||
        note_parse(&published, buf_span(&now), err) != PT_OK ||
        !span_eq_vartime(ours.text, published.text)) {
        rc = pt_fail(err, PT_ESTATE, "a later checkpoint is published");
        goto out;
    }
    if ((rc = checkpoint_open(&c, &seal, buf_span(&now), &trust, err)) == PT_OK && !seal.good &&
        (rc = translog_with_line(&more, buf_span(&now), &log->key, witness, line, err)) == PT_OK)
        rc = logdir_write_checkpoint(log->dir, buf_span(&more), err);
out:
    buf_free(&now);
    buf_free(&more);
    return rc;
}

enum pt_code translog_add_line(struct translog *log, struct span note,
                               const struct note_key *witness, struct span line, struct pt_err *err)
{
    pthread_mutex_lock(&log->lock);
    enum pt_code rc = add_line(log, note, witness, line, err);
    pthread_mutex_unlock(&log->lock);
    return rc;
}

enum pt_code translog_read(struct buf *note, bool *found, struct translog *log, struct pt_err *err)
{
    return logdir_read_checkpoint(note, found, log->dir, err);
}

/* ---- reading ---- */

uint64_t translog_size(struct translog *log)
{
    pthread_mutex_lock(&log->lock);
    uint64_t size = log->levels.size;
    pthread_mutex_unlock(&log->lock);
    return size;
}

uint64_t translog_published(struct translog *log)
{
    pthread_mutex_lock(&log->lock);
    uint64_t size = log->published_size;
    pthread_mutex_unlock(&log->lock);
    return size;
}

enum pt_code translog_inclusion(struct merkle_proof *out, struct translog *log, uint64_t index,
                                uint64_t size, struct pt_err *err)
{
    pthread_mutex_lock(&log->lock);
    const struct merkle_nodes nodes = merkle_levels_nodes(&log->levels);
    enum pt_code rc = merkle_inclusion(out, &nodes, index, size, err);
    pthread_mutex_unlock(&log->lock);
    return rc;
}

enum pt_code translog_consistency(struct merkle_proof *out, struct translog *log,
                                  struct merkle_range range, struct pt_err *err)
{
    pthread_mutex_lock(&log->lock);
    const struct merkle_nodes nodes = merkle_levels_nodes(&log->levels);
    enum pt_code rc = merkle_consistency(out, &nodes, range, err);
    pthread_mutex_unlock(&log->lock);
    return rc;
}

enum pt_code translog_event(struct store_event_row *row, struct digest *entry, struct translog *log,
                            uint64_t sequence, struct pt_err *err)
{
    bool found = false;
    enum pt_code rc = PT_OK;

    *row = (struct store_event_row){0};
    if (sequence > 0)
        rc = store_event_next(row, &found, log->store, sequence - 1, err);
    if (rc == PT_OK && (!found || row->sequence != sequence))
        rc = pt_fail(err, PT_EUSAGE, "there is no event %" PRIu64 " in the audit record", sequence);
    if (rc == PT_OK)
        store_event_entry(entry, row);
    return rc;
}

/* ---- files ---- */

enum pt_code translog_check(struct translog *log, struct pt_err *err)
{
    pthread_mutex_lock(&log->lock);
    const struct logdir_tree t = tree_of(log);
    enum pt_code rc = logdir_check(log->dir, &t, log->published_size, err);
    pthread_mutex_unlock(&log->lock);
    return rc;
}

enum pt_code translog_repair(struct pt_err *was, struct translog *log, struct pt_err *err)
{
    *was = (struct pt_err){0};
    if (translog_check(log, was) == PT_OK)
        return PT_OK;
    pthread_mutex_lock(&log->lock);
    const struct logdir_tree t = tree_of(log);
    const struct merkle_range range = {.old = 0, .size = log->published_size};
    enum pt_code rc = logdir_write(log->dir, &t, range, err);
    pthread_mutex_unlock(&log->lock);
    return rc;
}
