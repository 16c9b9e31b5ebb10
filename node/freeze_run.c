#include "node/freeze_run.h"

#include "node/clock.h"
#include "node/peer.h"

#include <inttypes.h>

static bool is_stopped(void *self, struct span *statement)
{
    const struct daemon *d = self;
    return frozen_look(d->frozen, statement);
}

static enum pt_code take_stop(void *self, struct span statement, struct pt_err *err)
{
    struct daemon *d = self;
    struct freeze by;
    struct span ours;
    enum pt_code rc = frozen_put(&by, d->home, statement, err);

    if (rc == PT_OK)
        (void)frozen_look(d->frozen, &ours);
    return rc;
}

/* Once a policy, however often the node starts. */
static enum pt_code record_stop(struct daemon *d, const struct frozen_state *s, struct pt_err *err)
{
    struct store_place place;
    struct buf known = {0};
    char hash[72];
    char fields[256];
    bool found;
    enum pt_code rc;

    policy_hash_text(hash, &d->home->policy->hash);
    if ((rc = store_begin(d->store, err)) != PT_OK)
        return rc;
    if ((rc = store_fact_find(&known, &found, d->store, "frozen", err)) != PT_OK ||
        (found && span_eq_vartime(buf_span(&known), span_z(hash))))
        goto out;
    snprintf(fields, sizeof fields, "policy=%s officer=%s at=%" PRId64, hash,
             s->stands ? s->by.officer : "unknown", s->stands ? s->by.at_s : 0);
    if ((rc = store_event(&place, d->store, "freeze", fields, clock_now_s(), err)) == PT_OK &&
        (rc = store_fact_put(d->store, "frozen", span_z(hash), err)) == PT_OK)
        rc = store_commit(d->store, err);
out:
    store_rollback(d->store);
    buf_free(&known);
    return rc;
}

/* To greet a partner is to tell it: the session's first step finds the stop and sends the
 * statement. Who cannot be reached hears of it at its next message to us. */
static void tell_partner(struct daemon *d, uint16_t partner)
{
    struct session_self self;
    PT_WIPED(oprf_key) key = {0};
    struct peer peer = {0};
    struct pt_err err = {0};

    if (daemon_self(&self, &key, d, NULL, &err) != PT_OK)
        return;
    enum pt_code rc = peer_open(&peer, d, &self, partner, WHAT_TOKENISE, &err);
    bool told = rc != PT_OK && peer.session.refusal == REFUSAL_STOPPED_BY_OFFICER;
    if (told && !peer.session.refused_by_peer) /* else it has stopped itself */
        told = peer_linger(&peer);
    daemon_log(d, "%s %s of the stop", d->home->policy->partners[partner].name,
               told ? "is told" : "could not be told");
    peer_close(&peer);
}

static void *tell_all(void *arg)
{
    struct daemon *d = arg;
    struct frozen_state s;
    struct pt_err err = {0};

    frozen_read(&s, d->home, &err);
    if (record_stop(d, &s, &err) != PT_OK)
        daemon_log(d, "the stop is not on the record: %s", err.msg);
    daemon_publish(d);
    for (size_t i = 0; s.stands && i < d->home->policy->partner_count; i++)
        if (i != d->home->self)
            tell_partner(d, (uint16_t)i);
    return NULL;
}

/* In whatever thread saw it, perhaps within a transaction: the work is another thread's. */
void freeze_run_noticed(void *self, const struct frozen_state *s)
{
    struct daemon *d = self;
    char words[600];

    frozen_words(words, d->home, s);
    daemon_log(d, "STOPPED: %s", words);
    d->telling = pthread_create(&d->teller, NULL, tell_all, d) == 0;
    if (!d->telling)
        daemon_log(d, "no thread to tell the partners: they hear of it at their next message");
}

struct session_stop freeze_run_hooks(struct daemon *d)
{
    return (struct session_stop){.self = d, .stopped = is_stopped, .take = take_stop};
}
