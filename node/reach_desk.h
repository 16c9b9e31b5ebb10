/* reach_desk.h - runs of reach under way at this node (proto/reach.h): what partners deliver for
 * each, until the thread that works on it takes it. Bounded: few runs at once, one an asker, and
 * only items that the run awaits, each once and no larger than its stage allows. */
#ifndef PT_REACH_DESK_H
#define PT_REACH_DESK_H

#include "node/daemon.h"
#include "proto/reach.h"

enum { REACH_RUNS_MAX = 4, REACH_WAIT_S = 300 };

struct reach_desk;
PT_MUST_USE enum pt_code reach_desk_new(struct reach_desk **out, struct pt_err *err);
void reach_desk_free(struct reach_desk *d); /* no run may be open; NULL is fine */

struct reach_run; /* secret */
struct reach_run_in {
    struct digest run;
    struct reach_plan plan;
    uint16_t self, asker; /* partner indices */
    struct key32 random;  /* secret: reach_run_random() */
};
/* All of a run's randomness here, from the epoch's seed (a neutral node's: from its own for that
 * epoch). session: of the question, zeros at the asker, who drew the run's id itself; without it an
 * asker could have one id's permutations twice. */
struct reach_run_origin {
    const struct digest *run, *epoch, *session;
    struct span text;
};
void reach_run_random(struct key32 *out, const struct home *h, const struct snapshot *epoch,
                      const struct reach_run_origin *o);

/* From now on its items are taken. PT_EPEER: too many runs, or another of this asker. PT_EDENIED:
 * the run is open already. Close with reach_run_close(), which takes NULL too. */
PT_MUST_USE enum pt_code reach_run_open(struct reach_run **out, struct reach_desk *d,
                                        const struct reach_run_in *in, struct pt_err *err);
void reach_run_close(struct reach_run *r);
const struct reach_plan *reach_run_plan(const struct reach_run *r);
/* From any thread: the run is lost, its worker stops with this error. */
void reach_run_fail(struct reach_run *r, const struct pt_err *why);

/* May partner `from` deliver so many bytes of this stage for this run now? Then it is expected no
 * more. PT_EBADMSG. */
PT_MUST_USE enum pt_code reach_desk_expect(struct reach_desk *d, const struct digest *run,
                                           const struct reach_item *item, uint64_t bytes,
                                           struct pt_err *err);
/* Delivered: *item is taken. A run that was closed meanwhile loses it. */
void reach_desk_put(struct reach_desk *d, const struct digest *run, struct reach_item *item);

/* All of this node's part, as a party (vector: its slots, taken; empty when it is none) and as a
 * node. Blocks until done: at most REACH_WAIT_S for each item. counts: 2^parties, at nodes 1 and
 * 3 (*counted). PT_EPEER names who did not deliver. */
struct reach_result {
    bool counted;
    int64_t counts[REGIONS_MAX];
};
PT_MUST_USE enum pt_code reach_run_work(struct reach_result *out, struct reach_run *r,
                                        struct daemon *d, struct buf *vector, struct pt_err *err);

#endif
