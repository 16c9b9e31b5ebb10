#include "node/peer.h"

#include "node/federation.h"

#include <string.h>

enum { LAST_FRAMES_MAX = 8 }; /* answers that may be on their way before a refusal */

/* A partner that refuses ends the stream, and with it what we still send: why is in what it said
 * before that. *err stays what it is when it said no such thing. */
static enum pt_code refused_meanwhile(struct peer *p, struct pt_err *err)
{
    struct pt_err said = {0};
    bool ended = false;
    enum pt_code rc = PT_OK;

    for (int i = 0; i < LAST_FRAMES_MAX && rc == PT_OK && !ended; i++)
        if ((rc = rpc_recv(&p->frame, &ended, p->call, &said)) == PT_OK && !ended)
            rc = session_step(&p->session, buf_span(&p->frame), &p->out, &said);
    if (rc == PT_OK || !p->session.refused_by_peer)
        return pt_wrap(err, "%s", p->name);
    *err = said;
    return rc;
}

static enum pt_code after_sending(struct peer *p, enum pt_code rc, struct pt_err *err)
{
    if (rc == PT_EPEER)
        return refused_meanwhile(p, err);
    return rc == PT_OK ? PT_OK : pt_wrap(err, "%s", p->name);
}

enum pt_code peer_flush_begin(struct peer *p, struct pt_err *err)
{
    struct buf frame = {0};
    enum pt_code rc = PT_OK;

    while (rc == PT_OK && outbox_take(&p->out, &frame))
        rc = rpc_send_begin(p->call, &frame, err);
    return after_sending(p, rc, err);
}

enum pt_code peer_flush(struct peer *p, struct pt_err *err)
{
    const enum pt_code rc = peer_flush_begin(p, err);

    return rc == PT_OK ? after_sending(p, rpc_send_wait(p->call, err), err) : rc;
}

enum pt_code peer_step(struct peer *p, struct pt_err *err)
{
    bool ended = false;
    struct pt_err later = {0};
    enum pt_code rc = rpc_recv(&p->frame, &ended, p->call, err);

    if (rc != PT_OK)
        return pt_wrap(err, "%s", p->name);
    if (ended)
        return session_ended(&p->session, err);
    rc = session_step(&p->session, buf_span(&p->frame), &p->out, err);
    enum pt_code sent = peer_flush(p, rc == PT_OK ? err : &later);
    return rc != PT_OK ? rc : sent;
}

static uint32_t patience_ms(enum session_what what)
{
    switch (what) {
    case WHAT_ASK:
        return FEDERATION_ANSWER_MS; /* a large table takes the evaluator long */
    case WHAT_TOKENISE:
    case WHAT_LOG:
    case WHAT_REACH:
        return FEDERATION_WORK_MS;
    case WHAT_EPOCH:
        break;
    }
    return FEDERATION_EPOCH_MS;
}

enum pt_code peer_open(struct peer *p, struct daemon *d, const struct session_self *self,
                       uint16_t partner, enum session_what what, struct pt_err *err)
{
    const struct policy_partner *who = &d->home->policy->partners[partner];
    struct rpc_pin pin = {.certificate = who->certificate};
    struct session_to to = {.peer = partner, .what = what};
    struct key32 nonce;
    enum pt_code rc;

    const struct recorder_in record = {.home = d->home, .self = self, .to = &to, .opener = true};

    *p = (struct peer){.name = who->name, .daemon = d};
    snprintf(pin.name, sizeof pin.name, "%s", who->name);
    key32_random(&nonce);
    memcpy(to.nonce.b, nonce.b, sizeof to.nonce.b);
    if ((rc = recorder_new(&p->record, &record, err)) != PT_OK)
        return rc;
    to.watch = recorder_watch(p->record);
    if ((rc = rpc_channel_open_federation(&p->channel, &d->home->identity, &pin, who->endpoint,
                                          &FEDERATION_LIMITS, err)) != PT_OK ||
        (rc = rpc_call_open(&p->call, p->channel, FEDERATION_METHOD, 0, err)) != PT_OK)
        return pt_wrap(err, "%s", who->name);
    rpc_call_set_deadline(p->call, FEDERATION_GREETING_TOTAL_MS);
    if ((rc = session_open(&p->session, self, to, &p->out, err)) != PT_OK ||
        (rc = peer_flush(p, err)) != PT_OK)
        return rc;
    while (p->session.state != SESSION_OPEN)
        if ((rc = peer_step(p, err)) != PT_OK)
            return rc;
    rpc_call_set_io_timeout(p->call, patience_ms(what));
    rpc_call_set_deadline(p->call,
                          what == WHAT_EPOCH ? FEDERATION_EPOCH_TOTAL_MS : FEDERATION_TOTAL_MS);
    return PT_OK;
}

enum pt_code peer_finish(struct peer *p, struct pt_err *err)
{
    enum pt_code rc;

    while (p->session.state != SESSION_DONE)
        if ((rc = peer_step(p, err)) != PT_OK)
            return rc;
    return rpc_call_send_end(p->call, err);
}

bool peer_linger(struct peer *p)
{
    struct pt_err said = {0};
    bool ended = false;
    enum pt_code rc = p->call == NULL ? PT_ESTATE : rpc_call_send_end(p->call, &said);

    for (int i = 0; i < LAST_FRAMES_MAX && rc == PT_OK && !ended; i++)
        rc = rpc_recv(&p->frame, &ended, p->call, &said);
    return rc == PT_EDENIED;
}

void peer_close(struct peer *p)
{
    struct pt_err ignored = {0};

    if (p->call != NULL) {
        if (p->session.state != SESSION_DONE)
            rpc_call_cancel(p->call);
        /* What the session said counts; a stream torn down afterwards adds nothing. */
        (void)!rpc_call_close(p->call, &ignored);
    }
    rpc_channel_close(p->channel);
    if (recorder_end(p->record, &p->session, &ignored) != PT_OK)
        daemon_log(p->daemon, "%s", ignored.msg);
    outbox_free(&p->out);
    buf_free(&p->frame);
    *p = (struct peer){0};
}
