/* The network of a simulated run: links, what goes wrong on them, and their end. */
#include "tests/sim/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STEPS_MAX = 20000 };

struct sim *sim_running;

uint32_t sim_mix(uint64_t *random) /* splitmix64: public, reproducible */
{
    uint64_t z = *random += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (uint32_t)(z >> 32);
}

uint32_t sim_draw(struct sim *s)
{
    return sim_mix(&s->random);
}

/* ---- nodes ---- */

bool sim_edge(struct sim *s, int node)
{
    const struct sim_deviation *d = &s->deviation;
    unsigned edge = s->edges[node]++;

    if (!s->down[node] && (d->mode == SIM_CRASH || d->mode == SIM_WEATHER) && d->node == node &&
        d->edge == edge) {
        s->down[node] = true;
        s->faults++;
    }
    return s->down[node];
}

bool sim_is_open(const struct sim *s, size_t link, enum sim_side side)
{
    return s->session[side][link].state == SESSION_OPEN && !s->down[s->link[link].node[side]];
}

static void failed(struct sim *s, const struct session *session, const struct pt_err *err)
{
    s->failures++;
    /* A reason for people, and it is over. */
    assert_string_not_equal(err->msg, "");
    assert_int_equal(session->state, SESSION_FAILED);
}

/* This side hears that the stream has ended. */
static void ended(struct sim *s, size_t link, enum sim_side side)
{
    struct session *session = &s->session[side][link];
    struct pt_err err = {0};

    if (s->down[s->link[link].node[side]] || session->state == SESSION_FAILED)
        return;
    if (session_ended(session, &err) != PT_OK)
        failed(s, session, &err);
}

static void cut(struct sim *s, size_t link)
{
    if (s->link[link].cut)
        return;
    s->link[link].cut = true;
    outbox_free(&s->out[0][link]);
    outbox_free(&s->out[1][link]);
    buf_free(&s->link[link].held);
    ended(s, link, SIM_OPENER);
    ended(s, link, SIM_ACCEPTER);
}

/* Those of a node that died: the others notice. */
static void cut_dead_links(struct sim *s)
{
    for (size_t i = 0; i < s->link_count; i++)
        if (s->down[s->link[i].node[0]] || s->down[s->link[i].node[1]])
            cut(s, i);
}

size_t sim_open(struct sim *s, int opener, int accepter, enum session_what what)
{
    size_t at = s->link_count++;
    struct session_to to = {.peer = (uint16_t)accepter, .what = what};
    struct session_to from = {.peer = (uint16_t)opener, .what = what};
    struct pt_err err = {0};

    assert_true(at < SIM_LINKS_MAX);
    s->what = what;
    memset(to.nonce.b, s->nonce, sizeof to.nonce.b);
    to.nonce.b[0] = (uint8_t)at;
    from.nonce = to.nonce;
    from.nonce.b[1] ^= 0xff;
    s->link[at] = (struct sim_link){.node = {opener, accepter}};
    session_accept(&s->session[SIM_ACCEPTER][at], &s->nodes[accepter].self, from);
    assert_int_equal(session_open(&s->session[SIM_OPENER][at], &s->nodes[opener].self, to,
                                  &s->out[SIM_OPENER][at], &err),
                     PT_OK);
    return at;
}

void sim_free(struct sim *s)
{
    for (size_t i = 0; i < s->link_count; i++) {
        outbox_free(&s->out[0][i]);
        outbox_free(&s->out[1][i]);
        buf_free(&s->link[i].held);
        buf_free(&s->link[i].text);
    }
    s->link_count = 0;
}

/* ---- what is recorded ---- */

static void note(struct sim *s, size_t link, enum sim_side side, struct span bytes)
{
    struct sim_record *r = s->record;
    struct wire_in in = {0};
    struct pt_err err = {0};

    if (r == NULL)
        return;
    assert_int_equal(wire_decode(&in, bytes, &err), PT_OK);
    r->frames = realloc(r->frames, (r->count + 1) * sizeof *r->frames);
    assert_non_null(r->frames);
    struct sim_frame *f = &r->frames[r->count++];
    *f = (struct sim_frame){.link = link,
                            .side = side,
                            .seq = in.frame.seq,
                            .kind = in.frame.kind,
                            .node = s->link[link].node[side]};
    assert_true(buf_add(&f->bytes, bytes.p, bytes.n));
    wire_in_free(&in);
}

void sim_record_free(struct sim_record *r)
{
    for (size_t i = 0; i < r->count; i++)
        buf_free(&r->frames[i].bytes);
    free(r->frames);
    *r = (struct sim_record){0};
}

const struct sim_frame *sim_record_find(const struct sim_record *r, const struct sim_deviation *d)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->frames[i].link == d->link && r->frames[i].side == d->side &&
            r->frames[i].seq == d->seq)
            return &r->frames[i];
    return NULL;
}

/* ---- faults on the way ---- */

static void disturb_bytes(struct sim *s, struct buf *frame, enum sim_how how, struct span donor)
{
    if (how == SIM_SHORT)
        frame->n = sim_draw(s) % frame->n;
    else if (how == SIM_LONG)
        assert_true(buf_u8(frame, (uint8_t)sim_draw(s)));
    else if (how == SIM_BIT)
        frame->p[sim_draw(s) % frame->n] ^= (uint8_t)(1U << sim_draw(s) % 8);
    else if (how == SIM_NOISE)
        for (size_t i = 0; i < frame->n; i++)
            frame->p[i] = (uint8_t)sim_draw(s);
    else if (how == SIM_OF_ANOTHER && donor.n > 0) {
        frame->n = 0;
        assert_true(buf_add(frame, donor.p, donor.n));
    }
}

/* False: it does not arrive, or not now. */
static bool disturb(struct sim *s, size_t link, enum sim_side side, struct buf *frame,
                    const struct sim_change *c)
{
    struct sim_link *l = &s->link[link];

    s->faults++;
    if (c->how == SIM_LATE) {
        l->held = *frame;
        l->held_side = side;
        *frame = (struct buf){0};
        return false;
    }
    if (c->how == SIM_STREAM_ENDS)
        cut(s, link);
    if (c->how == SIM_LOST || c->how == SIM_STREAM_ENDS)
        return false;
    l->again = c->how == SIM_TWICE;
    disturb_bytes(s, frame, c->how, c->donor);
    return true;
}

static bool weather(struct sim *s, size_t link, enum sim_side side, struct buf *frame)
{
    static const enum sim_how hows[] = {SIM_LOST, SIM_TWICE, SIM_LATE,  SIM_SHORT,      SIM_LONG,
                                        SIM_BIT,  SIM_BIT,   SIM_NOISE, SIM_STREAM_ENDS};

    if (s->rate == 0 || sim_draw(s) % s->rate != 0)
        return true;
    const struct sim_change c = {.how = hows[sim_draw(s) % PT_LEN(hows)]};
    /* One frame a link is late at a time. */
    return (c.how == SIM_LATE && s->link[link].held.n > 0) || disturb(s, link, side, frame, &c);
}

static bool deviate(struct sim *s, size_t link, enum sim_side side, struct buf *frame)
{
    const struct sim_deviation *d = &s->deviation;
    uint32_t seq = s->link[link].taken[side]++;

    if (d->mode != SIM_ON_THE_WAY || d->link != link || d->side != side || d->seq != seq)
        return true;
    if (d->change.how < SIM_FRAME_HOWS)
        return disturb(s, link, side, frame, &d->change);
    s->faults += sim_change_apply(frame, &d->change, sim_draw(s));
    return true;
}

/* ---- carrying ---- */

static void arrive(struct sim *s, size_t link, enum sim_side from, struct span frame)
{
    enum sim_side to = from == SIM_OPENER ? SIM_ACCEPTER : SIM_OPENER;
    struct session *session = &s->session[to][link];
    struct pt_err err = {0};
    bool over = session->state == SESSION_FAILED || session->state == SESSION_DONE;

    if (sim_edge(s, s->link[link].node[to]))
        return;
    if (session_step(session, frame, &s->out[to][link], &err) == PT_OK || over)
        return;
    if (s->down[s->link[link].node[to]])
        return; /* died in it */
    failed(s, session, &err);
    assert_int_not_equal(session->refusal, REFUSAL_NONE);
}

static void carry(struct sim *s, size_t link, enum sim_side from)
{
    struct sim_link *l = &s->link[link];
    struct buf held = l->held_side == from ? l->held : (struct buf){0};
    struct buf frame;

    if (!outbox_take(&s->out[from][link], &frame))
        return;
    note(s, link, from, buf_span(&frame));
    if (held.n > 0) /* what was held comes after this one */
        l->held = (struct buf){0};
    bool arrives = deviate(s, link, from, &frame) && weather(s, link, from, &frame);
    for (int times = arrives ? 1 + l->again : 0; times > 0 && !l->cut; times--)
        arrive(s, link, from, buf_span(&frame));
    l->again = false;
    buf_free(&frame);
    if (held.n > 0 && !l->cut)
        arrive(s, link, from, buf_span(&held));
    buf_free(&held);
}

/* A random one of those on which something is under way; false: there is none. */
static bool choose(struct sim *s, size_t *link, enum sim_side *from)
{
    uint32_t busy = 0;

    for (size_t i = 0; i < s->link_count; i++)
        for (int side = 0; side < 2; side++)
            busy += !s->link[i].cut && outbox_count(&s->out[side][i]) > 0;
    if (busy == 0)
        return false;
    uint32_t at = sim_draw(s) % busy;
    for (size_t i = 0; i < s->link_count; i++)
        for (int side = 0; side < 2; side++) {
            if (s->link[i].cut || outbox_count(&s->out[side][i]) == 0 || at-- > 0)
                continue;
            *link = i;
            *from = (enum sim_side)side;
            return true;
        }
    return false;
}

/* Nothing moves any more: deadlines pass. True: that set something going. */
static bool deadlines(struct sim *s)
{
    size_t link;
    enum sim_side from;

    for (size_t i = 0; i < s->link_count; i++) {
        ended(s, i, SIM_OPENER);
        ended(s, i, SIM_ACCEPTER);
    }
    s->scenario->hosts(s->world, s);
    cut_dead_links(s);
    return choose(s, &link, &from);
}

void sim_run(struct sim *s)
{
    size_t link;
    enum sim_side from;

    sim_running = s;
    s->scenario->hosts(s->world, s);
    for (size_t step = 0; choose(s, &link, &from) || deadlines(s); step++) {
        assert_true(step < STEPS_MAX); /* a hang, or a storm */
        if (!choose(s, &link, &from))
            continue;
        carry(s, link, from);
        cut_dead_links(s);
        s->scenario->hosts(s->world, s);
        cut_dead_links(s);
    }
    sim_running = NULL;
}
