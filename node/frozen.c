#include "node/frozen.h"

#include "node/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct frozen {
    const struct home *home;
    char path[HOME_PATH_MAX];
    void (*noticed)(void *self, const struct frozen_state *s);
    void *self;
    pthread_mutex_t lock;
    atomic_bool stopped; /* what follows is written before, and never again */
    struct buf statement;
    struct frozen_state state;
};

void frozen_path(char out[HOME_PATH_MAX], const struct home *h)
{
    home_path(out, h, "policy/current/policy.yaml.freeze");
}

/* There, whatever it is: a link into nowhere stops as well. */
static bool is_there(const char *path)
{
    char target[1];

    return access(path, F_OK) == 0 || readlink(path, target, sizeof target) >= 0;
}

static void read_statement(struct frozen_state *out, struct buf *text, const struct home *h,
                           struct pt_err *err)
{
    char path[HOME_PATH_MAX];

    *out = (struct frozen_state){0};
    frozen_path(path, h);
    out->frozen = is_there(path);
    if (!out->frozen)
        return;
    if (fileio_read(text, path, FREEZE_TEXT_MAX, err) == PT_OK &&
        freeze_check(&out->by, h->policy, buf_span(text), err) == PT_OK)
        out->stands = true;
    else
        pt_wrap(err, "%s", path);
}

void frozen_read(struct frozen_state *out, const struct home *h, struct pt_err *err)
{
    struct buf text = {0};

    read_statement(out, &text, h, err);
    buf_free(&text);
}

enum pt_code frozen_put(struct freeze *out, const struct home *h, struct span statement,
                        struct pt_err *err)
{
    char path[HOME_PATH_MAX];
    enum pt_code rc = freeze_check(out, h->policy, statement, err);

    if (rc != PT_OK)
        return rc;
    frozen_path(path, h);
    return is_there(path) ? PT_OK : fileio_write(path, statement, err);
}

void frozen_words(char out[600], const struct home *h, const struct frozen_state *s)
{
    char at[20];
    char path[HOME_PATH_MAX];

    clock_time(at, s->by.at_s);
    frozen_path(path, h);
    if (s->stands)
        snprintf(out, 600,
                 "%s's officer stopped this policy on %s UTC: %s. Nothing is asked or answered "
                 "until a new version, signed by all, is joined",
                 s->by.officer, at, s->by.reason);
    else
        snprintf(out, 600,
                 "there is a statement at %.300s that is no officer's: look into how it came "
                 "there. Until it is gone or a new version is joined nothing is asked or answered",
                 path);
}

enum pt_code frozen_new(struct frozen **out, const struct home *h,
                        void (*noticed)(void *self, const struct frozen_state *s), void *self,
                        struct pt_err *err)
{
    struct frozen *f = calloc(1, sizeof *f);

    *out = f;
    if (f == NULL)
        return pt_fail(err, PT_ENOMEM, "no memory to look for an officer's stop");
    f->home = h;
    f->noticed = noticed;
    f->self = self;
    frozen_path(f->path, h);
    pthread_mutex_init(&f->lock, NULL);
    return PT_OK;
}

void frozen_free(struct frozen *f)
{
    if (f == NULL)
        return;
    pthread_mutex_destroy(&f->lock);
    buf_free(&f->statement);
    free(f);
}

bool frozen_look(struct frozen *f, struct span *statement)
{
    struct pt_err why = {0};
    bool first = false;

    *statement = (struct span){0};
    if (f == NULL)
        return false;
    if (!atomic_load(&f->stopped)) {
        if (!is_there(f->path))
            return false;
        pthread_mutex_lock(&f->lock);
        if (!atomic_load(&f->stopped)) {
            read_statement(&f->state, &f->statement, f->home, &why);
            f->state.frozen = true; /* it was there a moment ago, and that is enough */
            first = true;
            atomic_store(&f->stopped, true);
        }
        pthread_mutex_unlock(&f->lock);
    }
    if (f->state.stands)
        *statement = buf_span(&f->statement);
    if (first)
        f->noticed(f->self, &f->state);
    return true;
}

enum pt_code frozen_refuse(struct frozen *f, struct pt_err *err)
{
    char words[600];
    struct span statement;

    if (!frozen_look(f, &statement))
        return PT_OK;
    frozen_words(words, f->home, &f->state);
    return pt_fail(err, PT_EDENIED, "%.480s", words);
}
