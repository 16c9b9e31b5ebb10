/* sim.h - two to five nodes in one process over a network that may be disturbed, and a node that
 * may lie, all from one seed. Programs of tests/sim/ only: wire_encode() is wrapped there.
 *
 * A scenario is a conversation with its hosts and what must hold afterwards. A deviation is one
 * change of one frame, on the way or by its sender, who then signs anew what it signs; or one crash
 * of one node. Fields are those of federation.proto, found by reflection: a new frame is in. */
#ifndef PT_TESTS_SIM_H
#define PT_TESTS_SIM_H

#include "proto/salt.h"
#include "tests/proto_fixture.h"

enum { SIM_NODES_MAX = 5, SIM_LINKS_MAX = 48, SIM_NOBODY = -1, SIM_ROWS_MAX = 16 };
enum sim_side { SIM_OPENER, SIM_ACCEPTER };

/* ---- deviations ---- */

enum sim_mode {
    SIM_CALM,       /* nothing happens */
    SIM_ON_THE_WAY, /* a frame is changed between two honest nodes */
    SIM_BY_SENDER,  /* its sender lies, and signs it */
    SIM_CRASH,      /* a node dies at one of its steps */
    SIM_WEATHER     /* many faults, perhaps a crash, as the seed draws them */
};
enum sim_how { /* of a frame */
               SIM_LOST,
               SIM_TWICE,
               SIM_LATE,
               SIM_SHORT,
               SIM_LONG,
               SIM_NOISE,
               SIM_OF_ANOTHER, /* the frame of the same place in another session */
               SIM_STREAM_ENDS,
               SIM_FRAME_HOWS,
               /* of a value */
               SIM_BIT = SIM_FRAME_HOWS,
               SIM_ZERO,
               SIM_MAX,
               SIM_NEXT,   /* one more; a byte more */
               SIM_CUT,    /* a byte less */
               SIM_NONE,   /* nothing at all */
               SIM_BORROW, /* another session's */
               SIM_VALUE_HOWS,
               /* of a list */
               SIM_DROP_ONE = SIM_VALUE_HOWS,
               SIM_REPEAT_ONE,
               SIM_SWAP,
               SIM_EMPTY,
               SIM_HOWS
};
const char *sim_how_name(enum sim_how how);

struct sim_field {   /* of a frame */
    int in_body;     /* index of the body's field; -1: the frame's own number */
    int in_item;     /* of a list of messages: index of the item's field; -1: the list's */
    bool last;       /* of a list: its last item, else its first */
    bool whole_list; /* SIM_DROP_ONE and after */
};
/* All that a frame of this kind has, each once; a list's items first and last. */
size_t sim_fields(struct sim_field *out, size_t cap, enum frame_kind kind);
/* "ReachDone.counts" */
void sim_field_name(char *out, size_t cap, enum frame_kind kind, const struct sim_field *f);
/* Of all kinds that federation.proto has; 0 after the last. */
enum frame_kind sim_kind(size_t at);
/* Change one value; false: it is as it was. donor: a frame of the same kind, or empty. */
struct sim_change {
    struct sim_field field;
    enum sim_how how;
    struct span donor;
};
bool sim_change_apply(struct buf *frame, const struct sim_change *c, uint64_t random);

struct sim_deviation {
    enum sim_mode mode;
    size_t link; /* which frame: of this link, side and number */
    enum sim_side side;
    uint32_t seq;
    enum frame_kind kind;
    struct sim_change change;
    int node; /* SIM_CRASH */
    unsigned edge;
};

/* ---- a run ---- */

struct sim_link {
    int node[2];       /* by side */
    bool cut, again;   /* again: the frame under way comes twice */
    uint32_t taken[2]; /* frames carried, by side */
    struct buf held;   /* SIM_LATE */
    enum sim_side held_side;
    /* what has been said, for who signs anew */
    struct buf text;
    struct digest run, rows[SIM_ROWS_MAX];
    size_t row_count;
};
struct sim_frame { /* as recorded */
    size_t link;
    enum sim_side side;
    uint32_t seq;
    enum frame_kind kind;
    int node;
    struct buf bytes;
};
struct sim_record {
    struct sim_frame *frames;
    size_t count;
    unsigned edges[SIM_NODES_MAX];
};
void sim_record_free(struct sim_record *r);
const struct sim_frame *sim_record_find(const struct sim_record *r, const struct sim_deviation *d);

struct sim_scenario;
struct sim {
    const struct sim_scenario *scenario;
    void *world;
    const struct policy *policy;
    struct fixture_node *nodes;
    size_t node_count;
    struct session session[2][SIM_LINKS_MAX];
    struct outbox out[2][SIM_LINKS_MAX]; /* by who speaks */
    struct sim_link link[SIM_LINKS_MAX];
    size_t link_count;
    bool down[SIM_NODES_MAX];
    unsigned edges[SIM_NODES_MAX];
    const struct salt_round *round[SIM_NODES_MAX]; /* of an epoch under way */
    const struct digest *proof;                    /* what a proof of columns is called, or NULL */
    uint64_t random;
    unsigned rate;          /* one frame in so many meets a fault; 0: none */
    enum session_what what; /* of its links */
    uint8_t nonce;          /* sessions of this attempt have nonces of their own */
    struct sim_deviation deviation;
    int faults, failures;
    struct sim_record *record; /* not NULL: frames are noted */
};
extern struct sim *sim_running; /* NULL: no run is under way */

struct sim_scenario {
    const char *name;
    size_t nodes_min, nodes_max;
    void *(*make)(size_t nodes);
    void (*destroy)(void *world);
    void (*policy)(void *world, const struct policy **p, struct fixture_node **nodes);
    void (*fresh)(void *world);                /* nothing is remembered */
    void (*begin)(void *world, struct sim *s); /* one attempt */
    void (*hosts)(void *world, struct sim *s); /* what nodes do of themselves */
    void (*crash)(void *world, int node);      /* what is not on its disk is gone; NULL: nothing */
    bool (*end)(void *world, struct sim *s);   /* check all that holds; true: all is well */
    /* An honest node is about to say this: is it paid for? NULL: costs nothing. */
    void (*leaving)(void *world, int node, const struct frame *f);
};
extern const struct sim_scenario SIM_TOKENS, SIM_TOKENS_REFUSED, SIM_ASK, SIM_ASK_VALUE,
    SIM_ASK_REFUSED, SIM_EPOCH, SIM_HEADS, SIM_RECEIPTS, SIM_REACH;

uint32_t sim_mix(uint64_t *random);
uint32_t sim_draw(struct sim *s);
/* A link between two nodes, Hello on its way. */
size_t sim_open(struct sim *s, int opener, int accepter, enum session_what what);
/* Until nothing is under way. */
void sim_run(struct sim *s);
void sim_free(struct sim *s); /* links only */
/* A step of node that a crash may come at. True: it is down, and does nothing more. */
bool sim_edge(struct sim *s, int node);
int sim_liar(const struct sim *s); /* or SIM_NOBODY */
/* Does the host's part of this link still live, greeted? */
bool sim_is_open(const struct sim *s, size_t link, enum sim_side side);
/* The result that node holds is right, or its liar is believed in just that. */
void sim_right(const struct sim *s, int node, bool right, const char *what);
/* Is this the sender's word alone, or without meaning to the receiver? */
const char *sim_believed(const struct sim *s);

/* A frame was made for `out`: perhaps lie. Called by the wrapped wire_encode(). */
enum pt_code sim_encode(struct buf *out, const struct frame *f, struct pt_err *err);
enum pt_code sim_encode_real(struct buf *out, const struct frame *f, struct pt_err *err);
/* Sign f again, as the speaking side of this link would. */
void sim_sign(struct sim *s, size_t link, enum sim_side side, struct frame *f);

#endif
