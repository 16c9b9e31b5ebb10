#include "node/recorder.h"

#include "crypto/seal.h"
#include "node/clock.h"
#include "node/hidden.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { NAMES_TRIED = 1000 }; /* sessions that begin within one microsecond */
static const uint64_t BYTES_MAX = (uint64_t)1 << 33; /* twice what the largest batch brings */

struct recorder {
    const struct home *home;
    struct record_head head;
    struct seal_file seal;
    struct fileio_new file;
    struct buf entry;  /* being cut into boxes */
    bool begun, muted; /* begun: the file is there */
    uint64_t written;
    size_t plain_n;
    uint8_t plain[RECORDER_BOX_MAX];
    uint8_t box[4 + RECORDER_BOX_MAX + SEAL_OVERHEAD_BYTES];
};

void recorder_seal(struct key32 *key, struct digest *context, const struct home *h,
                   const char name[RECORDER_NAME + 1])
{
    const struct span parts[] = {span_of(h->node.b, sizeof h->node.b), span_z(name)};

    prf_derive(key, &h->keys->vault, "patto/record-key/1", NULL, 0);
    hash_parts(context, "patto/record/1", parts, PT_LEN(parts));
}

enum pt_code recorder_new(struct recorder **out, const struct recorder_in *in, struct pt_err *err)
{
    const struct policy *p = in->self->policy;
    struct recorder *r = hidden_new(1, sizeof *r); /* it holds the key of its file */

    *out = r;
    if (r == NULL)
        return pt_fail(err, PT_ENOMEM, "no memory to record a session");
    r->home = in->home;
    r->file.fd = -1;
    r->head = (struct record_head){.opener = in->opener,
                                   .what = in->opener ? in->to->what : (enum session_what)0,
                                   .nonce = in->to->nonce,
                                   .policy = p->hash,
                                   .epoch_id = in->self->epoch_id,
                                   .key_period = in->self->key_period,
                                   .began_us = (uint64_t)clock_now_us()};
    snprintf(r->head.peer, sizeof r->head.peer, "%s", p->partners[in->to->peer].name);
    snprintf(r->head.build, sizeof r->head.build, "%s", in->self->build);
    return PT_OK;
}

/* ---- the file ---- */

static enum pt_code begin_file(struct recorder *r, struct pt_err *err)
{
    char dir[HOME_PATH_MAX];
    char path[HOME_PATH_MAX];
    char name[RECORDER_NAME + 1];
    PT_WIPED(key32) key = {0};
    struct digest context;
    bool made = false;
    enum pt_code rc = PT_OK;

    home_path(dir, r->home, "record");
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return pt_fail(err, PT_EIO, "%s: cannot make the folder: %s", dir, strerror(errno));
    for (int i = 0; rc == PT_OK && !made && i < NAMES_TRIED; i++) {
        snprintf(name, sizeof name, "%016" PRIu64, r->head.began_us + (uint64_t)i);
        if (snprintf(path, sizeof path, "%s/%s" RECORDER_SUFFIX, dir, name) >= (int)sizeof path)
            return pt_fail(err, PT_ELIMIT, "%s: the path is too long", dir);
        rc = fileio_grow(&r->file, &made, path, err);
    }
    if (rc != PT_OK)
        return rc;
    if (!made)
        return pt_fail(err, PT_EIO, "%s: no name is free for a record: is the clock right?", dir);
    recorder_seal(&key, &context, r->home, name);
    seal_begin(&r->seal, &key, &context);
    r->begun = true;
    return fileio_add(&r->file, span_of(r->seal.header, SEAL_HEADER_BYTES), err);
}

static enum pt_code write_box(struct recorder *r, bool last, struct pt_err *err)
{
    size_t n = r->plain_n;
    enum pt_code rc;

    if (!r->begun && (rc = begin_file(r, err)) != PT_OK)
        return rc;
    if ((r->written += n) > BYTES_MAX)
        return pt_fail(err, PT_ELIMIT, "a session is longer than its record may be");
    store_u32le(r->box, (uint32_t)n | (last ? RECORDER_LAST : 0));
    if ((rc = seal_next(r->box + 4, &r->seal, span_of(r->plain, n), last)) != PT_OK)
        return pt_fail(err, rc, "sealing a record failed");
    r->plain_n = 0;
    return fileio_add(&r->file, span_of(r->box, 4 + n + SEAL_OVERHEAD_BYTES), err);
}

static enum pt_code put(struct recorder *r, struct span bytes, struct pt_err *err)
{
    while (bytes.n > 0) {
        size_t n = sizeof r->plain - r->plain_n;
        enum pt_code rc;

        if (n > bytes.n)
            n = bytes.n;
        memcpy(r->plain + r->plain_n, bytes.p, n);
        r->plain_n += n;
        bytes.p += n;
        bytes.n -= n;
        if (r->plain_n == sizeof r->plain && (rc = write_box(r, false, err)) != PT_OK)
            return rc;
    }
    return PT_OK;
}

static enum pt_code put_entry(struct recorder *r, const struct record_entry *e, struct pt_err *err)
{
    r->entry.n = 0;
    if (!record_put(&r->entry, e))
        return pt_fail(err, PT_ENOMEM, "no memory to record a session");
    return put(r, buf_span(&r->entry), err);
}

static enum pt_code put_head(struct recorder *r, struct pt_err *err)
{
    const struct record_entry e = {.kind = RECORD_HEAD, .head = r->head};

    return r->begun || r->plain_n > 0 ? PT_OK : put_entry(r, &e, err);
}

/* ---- the session ---- */

/* Before such a frame leaves, all up to it is on the disk: it tells what was paid for, or binds us. */
static bool is_release(enum frame_kind k)
{
    return k == FRAME_ANSWER || k == FRAME_REACH_DONE || k == FRAME_HEADER_SIGNATURE ||
           k == FRAME_HEADER_SIGNATURES;
}

static bool is_about_logs(const struct frame *f)
{
    return (f->kind == FRAME_HELLO && f->u.greeting.what == WHAT_LOG) ||
           (f->kind >= FRAME_ADD_HEAD && f->kind <= FRAME_EVENT_PROOF);
}

static enum pt_code said(void *self, const struct session_said *s, struct pt_err *err)
{
    struct recorder *r = self;
    struct record_entry e;
    enum pt_code rc;

    r->muted = r->muted || is_about_logs(s->frame);
    if (r->muted)
        return PT_OK;
    record_of_said(&e, s);
    if ((rc = put_head(r, err)) == PT_OK)
        rc = put_entry(r, &e, err);
    if (rc == PT_OK && s->sent && is_release(s->frame->kind)) {
        rc = write_box(r, false, err);
        if (rc == PT_OK)
            rc = fileio_flush(&r->file, err);
    } else if (rc == PT_OK && s->sent &&
               (s->frame->kind == FRAME_FINISH || s->frame->kind == FRAME_RECEIPT)) {
        rc = write_box(r, false, err); /* a killed process loses nothing that both have signed */
    }
    return rc == PT_OK ? PT_OK : pt_wrap(err, "the record of a session");
}

struct session_watch recorder_watch(struct recorder *r)
{
    return (struct session_watch){.self = r, .said = said};
}

enum pt_code recorder_note(struct recorder *r, struct span fact, struct pt_err *err)
{
    const struct record_entry e = {.kind = RECORD_NOTE, .bytes = fact};
    enum pt_code rc = put_head(r, err);

    return rc == PT_OK ? put_entry(r, &e, err) : rc;
}

enum pt_code recorder_end(struct recorder *r, const struct session *s, struct pt_err *err)
{
    const struct record_entry e = {.kind = RECORD_END, .state = s->state, .refusal = s->refusal};
    enum pt_code rc = PT_OK;

    if (r == NULL)
        return PT_OK;
    /* Who came no further than a greeting was told nothing, and could fill the disk with it. */
    if (!r->muted && (r->begun || s->protocol != NULL) && (rc = put_entry(r, &e, err)) == PT_OK)
        rc = write_box(r, true, err);
    fileio_close(&r->file);
    buf_free(&r->entry);
    hidden_free(r);
    return rc == PT_OK ? PT_OK : pt_wrap(err, "the record of a session");
}
