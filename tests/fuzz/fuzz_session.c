/* Property: whatever a peer sends after, before or instead of its greeting, a node goes from state
 * to state of its tables, refuses with a named reason, and after a refusal takes nothing more.
 *
 * Input: one byte which protocol (64: about logs) and role (128: opener), then frames as length (u16le) and bytes. A frame of
 * length 0xffff stands for the correct Hello. Crypto is real, so that beyond the greeting only
 * the opener's side (whose peer's signature is checked first) is out of reach of random bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/ask.h"
#include "proto/log_talk.h"
#include "proto/salt.h"
#include "proto/tokenise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FRAMES_MAX = 8 };

struct world { /* made once: nothing in it changes */
    struct policy policy;
    struct policy_partner partners[2];
    struct policy_attribute tier[2];
    struct sign_key keys[2];
    struct oprf_key oprf;
    struct session_self self[2];
    struct epoch_header header;
    bool made;
};

static void make(struct world *w)
{
    static char values[2][POLICY_VALUE_MAX + 1] = {"basic", "gold"};
    struct key32 seed = {{7}};
    struct pt_err err = {0};
    static const char *const names[] = {"drinkco", "freshmart"};

    memset(w, 0, sizeof *w);
    snprintf(w->policy.federation, sizeof w->policy.federation, "fuzz");
    w->policy.partners = w->partners;
    w->policy.partner_count = 2;
    w->policy.slots_per_customer = 4;
    w->policy.privacy.count_rho_nano = 500000;
    w->policy.rule[QUESTION_OVERLAP] = (struct policy_rule){.present = true, .askers = 3};
    for (int i = 0; i < 2; i++) {
        w->tier[i] = (struct policy_attribute){
            .name = "tier", .values = values, .value_count = 2, .max_per_person = 1};
        snprintf(w->partners[i].name, sizeof w->partners[i].name, "%s", names[i]);
        w->partners[i].attributes = &w->tier[i];
        w->partners[i].attribute_count = 1;
        w->partners[i].customers_max = 1000000;
        sign_key_random(&w->keys[i]);
        sign_key_public(&w->partners[i].node, &w->keys[i]);
        snprintf(w->header.participants[i].name, sizeof w->header.participants[i].name, "%s",
                 names[i]);
        w->header.participants[i].padded_size = 2000;
    }
    if (oprf_key_derive(&w->oprf, &seed, span_z("fuzz")) != PT_OK)
        abort();
    w->header.number = 1;
    w->header.slot_count = 4096;
    w->header.participant_count = 2;
    for (int i = 0; i < 2; i++) {
        w->self[i] = (struct session_self){.policy = &w->policy,
                                           .partner = (uint16_t)i,
                                           .key = &w->keys[i],
                                           .key_period = 1,
                                           .oprf_public = w->oprf.public_key,
                                           .build = "fuzz"};
        if (epoch_header_id(&w->self[i].epoch_id, &w->header, &err) != PT_OK)
            abort();
    }
    w->made = true;
}

static enum pt_code quota(void *self, uint16_t peer, uint64_t n, struct pt_err *err)
{
    (void)self;
    (void)peer;
    return n > 4096 ? pt_fail(err, PT_EDENIED, "quota") : PT_OK;
}
static enum pt_code allow(void *self, const struct salt_round *r, struct pt_err *err)
{
    (void)self;
    return r->number > 9 || r->attempt > 3 ? pt_fail(err, PT_ESTATE, "number") : PT_OK;
}
static enum pt_code adopt(void *self, const struct salt_result *r, struct pt_err *err)
{
    (void)self;
    (void)r;
    (void)err;
    __builtin_trap(); /* nobody signed: no fuzzer forges Ed25519 */
}
static enum pt_code column_known(void *self, const struct wire_column *c, bool *here,
                                 struct pt_err *err)
{
    (void)self;
    (void)c;
    (void)err;
    *here = false;
    __builtin_trap(); /* a question that its asker did not sign got this far */
}

/* About logs: what comes has met the wire's limits, and is decided by its first number. */
static enum pt_code add_head(void *self, const struct wire_add_head *w,
                             const struct merkle_proof *proof, struct buf *line, uint64_t *known,
                             struct pt_err *err)
{
    (void)self;
    if (proof->count > MERKLE_PROOF_MAX || w->note.n == 0 || w->note.n > WIRE_NOTE_MAX)
        __builtin_trap();
    *known = 5;
    if (w->old_size == 6)
        return pt_fail(err, PT_EDENIED, "a fork");
    return w->old_size != 5 || buf_u8(line, 'x') ? PT_OK : PT_ENOMEM;
}
static enum pt_code give(void *self, const struct wire_proof_ask *ask, struct buf *text,
                         struct merkle_proof *proof, struct pt_err *err)
{
    (void)self;
    proof->count = ask->known_size % 2;
    if (ask->known_size == 6)
        return pt_fail(err, PT_EDENIED, "not yours");
    return buf_u8(text, 'x') ? PT_OK : PT_ENOMEM;
}
static enum pt_code line_came(void *self, struct span line, struct pt_err *err)
{
    (void)self;
    (void)err;
    if (line.n == 0 || line.n > WIRE_NOTE_LINE_MAX)
        __builtin_trap();
    return PT_OK;
}

struct node {
    struct session session;
    struct tokenise_peer tokens;
    struct salt_responder salt;
    struct ask_evaluator ask;
    struct log_accept logs;
    bool attached;
};

static void attach(struct node *n, struct world *w)
{
    static const struct key32 key = {{1}};
    static const struct salt_own own = {.padded_size = 2000};
    struct tokenise_peer_in tokens = {&w->oprf, &key, {NULL, quota}, {0}};
    struct ask_evaluator_in ask = {&w->header, &key, &key, {.column_known = column_known}};
    struct pt_err err = {0};
    enum pt_code rc = PT_EBUG;

    if (n->attached || n->session.state != SESSION_OPEN)
        return;
    n->attached = true;
    if (n->session.what == WHAT_TOKENISE)
        rc = tokenise_peer_begin(&n->tokens, &n->session, &tokens, &err);
    if (n->session.what == WHAT_EPOCH)
        rc = salt_responder_begin(&n->salt, &n->session, &own,
                                  (struct salt_host){NULL, allow, adopt}, &err);
    if (n->session.what == WHAT_ASK)
        rc = ask_evaluator_begin(&n->ask, &n->session, &ask, &err);
    if (n->session.what == WHAT_LOG)
        rc = log_accept_begin(&n->logs, &n->session,
                              &(struct log_accept_host){NULL, add_head, give, line_came}, &err);
    if (rc != PT_OK)
        __builtin_trap();
}

static void step(struct node *n, struct span frame, struct outbox *out)
{
    struct pt_err err = {0};
    enum session_state was = n->session.state;
    size_t before = outbox_count(out);

    if (session_step(&n->session, frame, out, &err) == PT_OK) {
        if (was == SESSION_FAILED)
            __builtin_trap(); /* there is a way back from an error */
        return;
    }
    if (err.msg[0] == '\0' || n->session.state != SESSION_FAILED ||
        n->session.refusal == REFUSAL_NONE)
        __builtin_trap(); /* no reason, or not over */
    if (was == SESSION_FAILED && outbox_count(out) != before)
        __builtin_trap(); /* talks on */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world w;
    static struct node n;
    struct rd r = {.in = {data, size}};
    struct outbox out = {0};
    struct outbox hello = {0};
    struct session opener;
    struct pt_err err = {0};
    uint8_t first = rd_u8(&r);
    struct session_to to = {.what = first & 64 ? WHAT_LOG : (enum session_what)(1 + first % 3),
                            .nonce = {{1}}};
    struct session_to from = {.peer = 1, .what = to.what, .nonce = {{2}}};
    struct buf good = {0};

    if (!w.made)
        make(&w);
    memset(&n, 0, sizeof n);
    session_accept(&n.session, &w.self[0], from);
    if (session_open(&opener, &w.self[1], to, &hello, &err) != PT_OK || !outbox_take(&hello, &good))
        abort();
    if (first & 128) { /* the other side: an opener, and what its peer answers */
        n.session = opener;
        n.attached = true;
    }
    for (int i = 0; i < FRAMES_MAX && !r.bad; i++) {
        struct span head = rd_take(&r, 2);
        if (head.n < 2)
            break;
        size_t length = (size_t)(head.p[0] | head.p[1] << 8);
        struct span frame = length == 0xffff ? buf_span(&good) : rd_take(&r, length);
        step(&n, frame, &out);
        attach(&n, &w);
    }
    ask_evaluator_free(&n.ask);
    tokenise_peer_wipe(&n.tokens);
    outbox_free(&out);
    outbox_free(&hello);
    buf_free(&good);
    return 0;
}
