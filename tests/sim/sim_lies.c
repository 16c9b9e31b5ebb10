/* A sender that lies: its frames are changed before they are in its own transcript, and signed
 * anew; and what a lie may do to the others without being noticed by the protocol. */
#include "tests/sim/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

int sim_liar(const struct sim *s)
{
    const struct sim_deviation *d = &s->deviation;

    return d->mode == SIM_BY_SENDER && d->link < s->link_count ? s->link[d->link].node[d->side]
                                                               : SIM_NOBODY;
}

/* Lies that no receiver can tell from the truth while the session lasts, because they are about the
 * liar itself. The receiver keeps the liar's signature on them, and replay (PROTOCOL.md 8) shows
 * those about data. Everything else must be noticed. */
static const struct {
    const char *field, *why;
    unsigned in; /* sessions for this (bit: enum session_what); 0: for anything */
    int how;     /* only if changed so; -1: however */
    int seq;     /* only of this number; -1: of any */
} BELIEVED[] = {
    {"Hello.build", "a name for people", 0, -1, -1},
    {"Welcome.build", "a name for people", 0, -1, -1},
    {"Hello.nonce", "any 32 bytes will do", 0, -1, -1},
    {"Welcome.nonce", "any 32 bytes will do", 0, -1, -1},
    {"Hello.epoch_id", "only questions are of an epoch", ~(1U << WHAT_ASK), -1, -1},
    {"Welcome.epoch_id", "only questions are of an epoch", ~(1U << WHAT_ASK), -1, -1},
    {"Hello.key_period", "a question's is its epoch's", 1U << WHAT_ASK, -1, -1},
    {"Welcome.key_period", "a question's is its epoch's", 1U << WHAT_ASK, -1, -1},
    {"Hello.oprf_public", "only tokens are made with it", ~(1U << WHAT_TOKENISE), -1, -1},
    {"Welcome.oprf_public", "only tokens are made with it", ~(1U << WHAT_TOKENISE), -1, -1},
    {"Evaluated.proof", "another proof of the same", 0, SIM_BORROW, -1},
    {"Reply.data", "own data: replay shows it", 0, -1, -1},
    {"Answer.sizes", "own data: replay shows it", 0, -1, -1},
    {"Answer.charged_rho_nano", "nothing: own ledger is the owner's loss", 0, SIM_ZERO, -1},
    {"Answer.charged_rho_nano", "nothing: own ledger is the owner's loss", 0, SIM_NONE, -1},
    {"Answer.left_rho_nano", "own ledger: the owner's is what counts", 0, -1, -1},
    {"Answer.audit_position", "own record: the receipt shows it", 0, -1, -1},
    {"ReachDone.left_rho_nano", "own ledger: the owner's is what counts", 0, -1, -1},
    {"ReachDone.audit_position", "own record: the receipt shows it", 0, -1, -1},
    {"ReachPart.data", "own data or share: replay shows it", 0, -1, -1},
    {"AddHead.old_size", "the witness says what it has seen", 0, -1, 1},
    {"AddHead.proof", "not looked at while the sizes differ", 0, -1, 1},
};

const char *sim_believed(const struct sim *s)
{
    const struct sim_deviation *d = &s->deviation;
    char name[96];

    if (d->mode != SIM_BY_SENDER)
        return NULL;
    sim_field_name(name, sizeof name, d->kind, &d->change.field);
    for (size_t i = 0; i < PT_LEN(BELIEVED); i++)
        if (strcmp(BELIEVED[i].field, name) == 0 &&
            (BELIEVED[i].in == 0 || (BELIEVED[i].in >> s->what & 1) != 0) &&
            (BELIEVED[i].how < 0 || BELIEVED[i].how == (int)d->change.how) &&
            (BELIEVED[i].seq < 0 || BELIEVED[i].seq == (int)d->seq))
            return BELIEVED[i].why;
    return NULL;
}

void sim_right(const struct sim *s, int node, bool right, const char *what)
{
    if (!right && node != sim_liar(s) && sim_believed(s) == NULL)
        fail_msg("%s: node %d holds a wrong result: %s", s->scenario->name, node, what);
}

/* ---- on the way into the outbox ---- */

static bool speaker(struct sim *s, const struct buf *out, size_t *link, enum sim_side *side)
{
    for (size_t i = 0; i < s->link_count; i++)
        for (int k = 0; k < 2; k++) {
            const struct outbox *o = &s->out[k][i];
            if (o->frames == NULL || out < o->frames || out >= o->frames + o->cap)
                continue;
            *link = i;
            *side = (enum sim_side)k;
            return true;
        }
    return false;
}

/* Change it; what it signs is then signed over the change, unless that is what was changed. A frame
 * that breaks a bound of the wire goes out as it is. */
static void lie(struct sim *s, size_t link, enum sim_side side, struct buf *out)
{
    const struct sim_change *c = &s->deviation.change;
    struct wire_in in = {0};
    struct buf again = {0};
    struct pt_err err = {0};
    char name[96];

    s->faults += sim_change_apply(out, c, sim_draw(s));
    sim_field_name(name, sizeof name, s->deviation.kind, &c->field);
    const char *last = strrchr(name, '.');
    if (strcmp(last, ".signature") == 0 || strcmp(last, ".seq") == 0 ||
        wire_decode(&in, buf_span(out), &err) != PT_OK)
        return;
    sim_sign(s, link, side, &in.frame);
    if (sim_encode_real(&again, &in.frame, &err) == PT_OK) {
        buf_free(out);
        *out = again;
    } else {
        buf_free(&again);
    }
    wire_in_free(&in);
}

static void remember(struct sim_link *l, const struct frame *f)
{
    const struct span row = f->u.reply.data;

    if (f->kind == FRAME_QUESTION) {
        buf_free(&l->text);
        assert_true(buf_add(&l->text, f->u.question.text.p, f->u.question.text.n));
    }
    if (f->kind == FRAME_REPLY && l->row_count < SIM_ROWS_MAX)
        hash_parts(&l->rows[l->row_count++], "patto/answer/row/1", &row, 1);
    if (f->kind == FRAME_REACH_QUESTION)
        l->run = f->u.reach_question.run;
}

enum pt_code sim_encode(struct buf *out, const struct frame *f, struct pt_err *err)
{
    struct sim *s = sim_running;
    struct wire_in in = {0};
    enum sim_side side;
    size_t link;
    enum pt_code rc = sim_encode_real(out, f, err);

    if (s == NULL || rc != PT_OK || !speaker(s, out, &link, &side))
        return rc;
    const struct sim_deviation *d = &s->deviation;
    if (s->scenario->leaving != NULL && s->link[link].node[side] != sim_liar(s))
        s->scenario->leaving(s->world, s->link[link].node[side], f);
    if (d->mode == SIM_BY_SENDER && d->link == link && d->side == side && d->seq == f->seq)
        lie(s, link, side, out);
    if (wire_decode(&in, buf_span(out), err) == PT_OK)
        remember(&s->link[link], &in.frame);
    wire_in_free(&in);
    return PT_OK;
}
