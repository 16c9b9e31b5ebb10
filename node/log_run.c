#include "node/log_run.h"

#include "crypto/base/text.h"
#include "node/clock.h"
#include "node/peer.h"
#include "node/receipt.h"
#include "node/witness.h"
#include "policy/log_key.h"
#include "proto/log_talk.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { AGAIN_S = 60, SETTLE_MS = 500, PENDING_A_ROUND = 64 };
#define PROOF_TAIL   ".tlog-proof"
#define PENDING_TAIL ".pending"

struct log_run {
    struct daemon *daemon;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stopping, woken;
    uint64_t signed_size[RECEIPT_PARTNERS_MAX]; /* of our log, by each witness */
};

/* ---- a session about logs ---- */

struct talk {
    struct daemon *daemon;
    struct session_self self;
    struct oprf_key key;
    struct peer peer;
};

static enum pt_code open_talk(struct talk *t, struct daemon *d, uint16_t partner,
                              struct pt_err *err)
{
    enum pt_code rc;

    *t = (struct talk){.daemon = d};
    if ((rc = daemon_self(&t->self, &t->key, d, NULL, err)) == PT_OK)
        rc = peer_open(&t->peer, d, &t->self, partner, WHAT_LOG, err);
    return rc;
}

/* Flush what was queued, and go on until both have signed. */
static enum pt_code run_talk(struct talk *t, enum pt_code rc, struct pt_err *err)
{
    if (rc == PT_OK)
        rc = peer_flush(&t->peer, err);
    return rc == PT_OK ? peer_finish(&t->peer, err) : rc;
}

static void close_talk(struct talk *t)
{
    peer_close(&t->peer);
    oprf_key_wipe(&t->key);
}

/* ---- our log to a witness ---- */

struct submit {
    struct talk talk;
    uint16_t witness;
    struct buf note;
    uint64_t size;
};

static enum pt_code head(void *self, uint64_t old_size, struct span *note,
                         struct merkle_proof *proof, struct pt_err *err)
{
    struct submit *s = self;
    const struct merkle_range range = {.old = old_size, .size = s->size};

    *note = buf_span(&s->note);
    if (old_size <= s->size)
        return translog_consistency(proof, s->talk.daemon->translog, range, err);
    return pt_fail(err, PT_ESTATE,
                   "ROLLBACK: %s has seen %" PRIu64
                   " entries of this node's log, which has %" PRIu64
                   ": was the home restored from an older copy?",
                   session_peer_name(&s->talk.peer.session), old_size, s->size);
}

static enum pt_code cosigned(void *self, struct span line, struct pt_err *err)
{
    struct submit *s = self;
    struct daemon *d = s->talk.daemon;
    struct note_key ours;
    struct note_key theirs;
    struct buf whole = {0};
    enum pt_code rc;

    if ((rc = log_key_make(&ours, d->home->policy, d->home->self, NOTE_ED25519, err)) == PT_OK &&
        (rc = log_key_make(&theirs, d->home->policy, s->witness, NOTE_COSIGNATURE, err)) == PT_OK)
        rc = translog_with_line(&whole, buf_span(&s->note), &ours, &theirs, line, err);
    buf_free(&whole);
    if (rc == PT_OK)
        rc = translog_add_line(d->translog, buf_span(&s->note), &theirs, line, err);
    return rc == PT_ESTATE ? PT_OK : rc; /* overtaken meanwhile: the next round */
}

static enum pt_code submit(uint64_t *size, struct daemon *d, uint16_t witness, uint64_t signed_size,
                           struct pt_err *err)
{
    struct submit s = {.witness = witness};
    const struct log_submit_host host = {.self = &s, .head = head, .cosigned = cosigned};
    struct log_submit talk;
    struct checkpoint c;
    struct note note;
    enum pt_code rc;

    if ((rc = translog_checkpoint(&s.note, d->translog, clock_now_s(), err)) != PT_OK)
        return rc == PT_ESTATE ? PT_OK : rc; /* nothing to sign yet */
    if ((rc = note_parse(&note, buf_span(&s.note), err)) == PT_OK &&
        (rc = checkpoint_parse(&c, note.text, err)) == PT_OK && c.size != signed_size) {
        s.size = c.size;
        if ((rc = open_talk(&s.talk, d, witness, err)) == PT_OK)
            rc = log_submit_begin(&talk, &s.talk.peer.session, &host, signed_size, &s.talk.peer.out,
                                  err);
        rc = run_talk(&s.talk, rc, err);
        close_talk(&s.talk);
    }
    if (rc == PT_OK)
        *size = c.size;
    buf_free(&s.note);
    return rc;
}

/* ---- receipts ---- */

struct fetch {
    struct talk talk;
    const struct log_run_answer *answer;
    const char *path;
    uint64_t known; /* of the owner's log */
    bool overtaken; /* we know more of it now than we said */
};

/* What we asked, answered as we saw it. */
static enum pt_code check_receipt(const struct receipt *r, const struct fetch *f,
                                  struct pt_err *err)
{
    const struct {
        const char *key;
        const struct digest *want;
    } rows[] = {{"question", &f->answer->question}, {"answer", &f->answer->answer}};
    char value[512];
    char hex[65];

    if (r->owner != f->answer->owner || r->asker != f->talk.daemon->home->self)
        return pt_fail(err, PT_EDENIED, "the receipt is of another owner, or for another partner");
    for (size_t i = 0; i < PT_LEN(rows); i++) {
        receipt_field(value, r, rows[i].key);
        text_hex(hex, rows[i].want->b, sizeof rows[i].want->b);
        if (strcmp(value, hex) != 0)
            return pt_fail(err, PT_EDENIED, "the receipt is of another %s than ours", rows[i].key);
    }
    return PT_OK;
}

static enum pt_code take_proof(void *self, struct span text, const struct merkle_proof *proof,
                               struct buf *line, struct pt_err *err)
{
    struct fetch *f = self;
    struct daemon *d = f->talk.daemon;
    const struct witness us = {.home = d->home, .store = d->store};
    struct witness_head head = {.partner = f->answer->owner, .old_size = f->known, .proof = proof};
    struct receipt r;
    struct buf whole = {0};
    uint64_t known;
    enum pt_code rc;

    if ((rc = receipt_read(&r, text, d->home->policy, err)) != PT_OK ||
        (rc = check_receipt(&r, f, err)) != PT_OK ||
        (rc = receipt_note(&head.note, text, err)) != PT_OK ||
        (rc = witness_cosign(line, &known, &us, &head, clock_now_s(), err)) != PT_OK)
        return rc;
    f->overtaken = line->n == 0;
    if (f->overtaken)
        return pt_fail(err, PT_ESTATE, "another receipt of %s came in between",
                       session_peer_name(&f->talk.peer.session));
    if (!buf_add(&whole, text.p, text.n) || !buf_add(&whole, line->p, line->n))
        rc = pt_fail(err, PT_ENOMEM, "a receipt: no memory");
    if (rc == PT_OK && (rc = receipt_read(&r, buf_span(&whole), d->home->policy, err)) == PT_OK &&
        r.signed_s == 0)
        rc = pt_fail(err, PT_EBUG, "a receipt without our own signature");
    if (rc == PT_OK)
        rc = fileio_write(f->path, buf_span(&whole), err);
    buf_free(&whole);
    return rc;
}

static enum pt_code fetch_once(bool *overtaken, struct daemon *d, const struct log_run_answer *a,
                               const char *path, struct pt_err *err)
{
    const struct witness us = {.home = d->home, .store = d->store};
    struct fetch f = {.answer = a, .path = path};
    const struct log_fetch_host host = {.self = &f, .proof = take_proof};
    struct witness_seen seen;
    struct log_fetch talk;
    enum pt_code rc = open_talk(&f.talk, d, a->owner, err);

    if (rc == PT_OK && (rc = witness_seen(&seen, &us, a->owner, err)) == PT_OK) {
        const struct wire_proof_ask ask = {
            .question = a->question, .answer = a->answer, .known_size = seen.size};
        f.known = seen.size;
        rc = log_fetch_begin(&talk, &f.talk.peer.session, &host, &ask, &f.talk.peer.out, err);
    }
    rc = run_talk(&f.talk, rc, err);
    close_talk(&f.talk);
    *overtaken = f.overtaken;
    return rc;
}

/* The owner may show us a later head of its log, for our signature, between our saying what we know and its
 * receipt: then once more, from there. */
enum { FETCH_TRIES = 4 };
static enum pt_code fetch(struct daemon *d, const struct log_run_answer *a, const char *path,
                          struct pt_err *err)
{
    bool overtaken = true;
    enum pt_code rc = PT_OK;

    for (int i = 0; i < FETCH_TRIES && overtaken; i++)
        rc = fetch_once(&overtaken, d, a, path, err);
    return rc;
}

static void folder_of(char out[HOME_PATH_MAX], const struct home *h)
{
    home_path(out, h, "receipts");
}

static enum pt_code path_in(char out[HOME_PATH_MAX], const struct home *h, const char *name,
                            const char *tail, struct pt_err *err)
{
    char dir[HOME_PATH_MAX];
    char file[LOG_RUN_NAME_MAX + 16];

    folder_of(dir, h);
    snprintf(file, sizeof file, "%s%s", name, tail);
    return fileio_join(out, dir, file, err);
}

/* OWNER-QUESTION: a question over several partners has a receipt of each. */
static void name_of(char out[LOG_RUN_NAME_MAX], const struct policy *p,
                    const struct log_run_answer *a)
{
    char hex[65];

    text_hex(hex, a->question.b, sizeof a->question.b);
    snprintf(out, LOG_RUN_NAME_MAX, "%s-%s", p->partners[a->owner].name, hex);
}

static enum pt_code fetch_named(struct daemon *d, const char *name, const struct log_run_answer *a,
                                struct pt_err *err)
{
    char path[HOME_PATH_MAX];
    char pending[HOME_PATH_MAX];
    enum pt_code rc;

    if ((rc = path_in(path, d->home, name, PROOF_TAIL, err)) != PT_OK ||
        (rc = path_in(pending, d->home, name, PENDING_TAIL, err)) != PT_OK)
        return rc;
    if ((rc = fetch(d, a, path, err)) == PT_OK)
        rc = fileio_remove(pending, err);
    return rc;
}

enum pt_code log_run_receipt(char name[LOG_RUN_NAME_MAX], struct daemon *d,
                             const struct log_run_answer *a, struct pt_err *err)
{
    char dir[HOME_PATH_MAX];
    char path[HOME_PATH_MAX];
    char hex[65];
    enum pt_code rc;

    folder_of(dir, d->home);
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return pt_fail(err, PT_EIO, "making folder %s: %s", dir, strerror(errno));
    name_of(name, d->home->policy, a);
    if ((rc = path_in(path, d->home, name, PROOF_TAIL, err)) != PT_OK)
        return rc;
    if (fileio_exists(path)) { /* the same question again: the answer is the same */
        snprintf(name + strlen(name), LOG_RUN_NAME_MAX - strlen(name), PROOF_TAIL);
        return PT_OK;
    }
    text_hex(hex, a->answer.b, sizeof a->answer.b);
    if ((rc = path_in(path, d->home, name, PENDING_TAIL, err)) != PT_OK ||
        (rc = fileio_write(path, span_z(hex), err)) != PT_OK ||
        (rc = fetch_named(d, name, a, err)) != PT_OK)
        return rc;
    snprintf(name + strlen(name), LOG_RUN_NAME_MAX - strlen(name), PROOF_TAIL);
    return PT_OK;
}

/* ---- later ---- */

/* "drinkco-HEX.pending"; false: it is another file. */
static bool read_pending(struct log_run_answer *out, char name[LOG_RUN_NAME_MAX],
                         const struct daemon *d, const char *file)
{
    const size_t tail = strlen(PENDING_TAIL);
    char partner[POLICY_NAME_MAX + 1];
    char path[HOME_PATH_MAX];
    struct buf text = {0};
    struct pt_err err;
    size_t n = strlen(file);

    if (n < tail + 66 || n - tail >= LOG_RUN_NAME_MAX - 16 ||
        strcmp(file + n - tail, PENDING_TAIL) != 0)
        return false;
    n -= tail;
    snprintf(name, LOG_RUN_NAME_MAX, "%.*s", (int)n, file);
    if (!text_copy(partner, sizeof partner, span_of(file, n - 65)) || file[n - 65] != '-' ||
        !text_unhex(out->question.b, 32, span_of(file + n - 64, 64)))
        return false;
    int owner = policy_find_partner(d->home->policy, partner);
    bool good = owner >= 0 && path_in(path, d->home, name, PENDING_TAIL, &err) == PT_OK &&
                fileio_read(&text, path, 64, &err) == PT_OK &&
                text_unhex(out->answer.b, 32, buf_span(&text));
    out->owner = (uint16_t)(owner < 0 ? 0 : owner);
    buf_free(&text);
    return good;
}

static bool stopping(struct log_run *r)
{
    pthread_mutex_lock(&r->lock);
    bool yes = r->stopping;
    pthread_mutex_unlock(&r->lock);
    return yes;
}

/* True: something is still outstanding. */
static bool fetch_pending(struct log_run *r)
{
    struct daemon *d = r->daemon;
    char dir[HOME_PATH_MAX];
    bool away[RECEIPT_PARTNERS_MAX] = {false}; /* one try a round is enough */
    size_t tried = 0;
    bool outstanding = false;

    folder_of(dir, d->home);
    DIR *folder = opendir(dir);
    if (folder == NULL)
        return false;
    for (struct dirent *e = readdir(folder); e != NULL && tried < PENDING_A_ROUND && !stopping(r);
         e = readdir(folder)) {
        struct log_run_answer a;
        char name[LOG_RUN_NAME_MAX];
        struct pt_err err;
        if (!read_pending(&a, name, d, e->d_name))
            continue;
        enum pt_code rc = PT_EPEER;
        if (!away[a.owner]) {
            tried++;
            rc = fetch_named(d, name, &a, &err);
            away[a.owner] = rc == PT_EPEER;
        }
        outstanding |= rc != PT_OK;
        if (rc == PT_OK)
            daemon_log(d, "a receipt of %s that was outstanding is here",
                       d->home->policy->partners[a.owner].name);
    }
    closedir(folder);
    return outstanding;
}

/* *all: every witness has signed what there is. */
static void submit_all(bool *all, struct log_run *r)
{
    struct daemon *d = r->daemon;
    const struct policy *p = d->home->policy;

    *all = true;
    for (uint16_t i = 0; i < p->partner_count && !stopping(r); i++) {
        struct pt_err err;
        if (i == d->home->self || !witness_is(p, i))
            continue;
        enum pt_code rc = submit(&r->signed_size[i], d, i, r->signed_size[i], &err);
        if (rc == PT_OK)
            continue;
        *all = false;
        if (rc != PT_EPEER) /* who is away is no news; anything else is */
            daemon_log(d, "the log is not cosigned by %s: %s%s", p->partners[i].name, err.msg,
                       rc == PT_EDENIED ? "; it may have seen more of this log, or another "
                                          "history of it: was this home restored from an older "
                                          "copy?"
                                        : "");
    }
}

/* False when it is time to stop. */
static bool wait_for_work(struct log_run *r, bool outstanding)
{
    struct timespec until;

    pthread_mutex_lock(&r->lock);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += AGAIN_S;
    while (!r->stopping && !r->woken)
        if (!outstanding)
            pthread_cond_wait(&r->changed, &r->lock);
        else if (pthread_cond_timedwait(&r->changed, &r->lock, &until) == ETIMEDOUT)
            break;
    bool go_on = !r->stopping;
    r->woken = false;
    pthread_mutex_unlock(&r->lock);
    return go_on;
}

static void *work(void *arg)
{
    struct log_run *r = arg;
    const struct timespec settle = {.tv_nsec = SETTLE_MS * 1000000L};
    struct span statement;
    bool outstanding = true;
    bool all;

    while (wait_for_work(r, outstanding)) {
        nanosleep(&settle, NULL); /* what belongs together is signed together */
        if (stopping(r))
            break;
        outstanding = !frozen_look(r->daemon->frozen, &statement);
        if (!outstanding)
            continue; /* an officer has stopped everything */
        submit_all(&all, r);
        outstanding = fetch_pending(r) || !all;
    }
    return NULL;
}

enum pt_code log_run_start(struct log_run **out, struct daemon *d, struct pt_err *err)
{
    struct log_run *r = calloc(1, sizeof *r);

    *out = NULL;
    if (r == NULL)
        return pt_fail(err, PT_ENOMEM, "no memory for the log's witnesses");
    r->daemon = d;
    r->woken = true;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    if (pthread_create(&r->thread, NULL, work, r) != 0) {
        pthread_cond_destroy(&r->changed);
        pthread_mutex_destroy(&r->lock);
        free(r);
        return pt_fail(err, PT_ENOMEM, "no thread for the log's witnesses");
    }
    *out = r;
    return PT_OK;
}

void log_run_wake(struct log_run *r)
{
    if (r == NULL)
        return;
    pthread_mutex_lock(&r->lock);
    r->woken = true;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

void log_run_stop(struct log_run *r)
{
    if (r == NULL)
        return;
    pthread_mutex_lock(&r->lock);
    r->stopping = true;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    free(r);
}
