/* sim_reach.h - a federation that asks for reach, as it is before anybody asks. For sim_reach*.c. */
#ifndef PT_TESTS_SIM_REACH_H
#define PT_TESTS_SIM_REACH_H

#include "proto/reach_talk.h"
#include "tests/sim/sim_ledger.h"

enum { SIM_REACH_SLOTS = 1024, SIM_REACH_ASKER = 0, SIM_REACH_QUEUE = 32 };

struct reach_part { /* one node in one run; volatile */
    struct reach_world *world;
    int at;
    bool open, started, lost, told;
    uint64_t charged_nano;
    struct reach_node node;
    struct reach_item queue[SIM_REACH_QUEUE]; /* to be sent */
    size_t queued;
};
struct reach_ear { /* one link's ends; volatile */
    struct reach_world *world;
    size_t link;
    bool asks, began, began_accepter;
    struct reach_asker asker;
    struct reach_accepter accepter;
    struct reach_sender sender;
    struct reach_item sent, coming;
};
struct reach_world {
    struct policy *policy;
    struct fixture_node nodes[SIM_NODES_MAX];
    size_t node_count, party_count;
    struct epoch_header header;
    struct salt_result epoch;
    struct buf printed, text;
    struct digest epoch_id;
    struct question question;
    struct reach_plan plan;
    uint8_t slots[SIM_NODES_MAX][SIM_REACH_SLOTS];
    struct sim_ledger ledger[SIM_NODES_MAX];
    /* of an attempt */
    struct sim *sim;
    struct digest run;
    bool gone, answered;
    int64_t right[REGIONS_MAX];
    struct reach_part part[SIM_NODES_MAX];
    struct reach_ear ear[SIM_LINKS_MAX];
};

/* Policy, epoch, question and slots of so many; four: the last has no customers. */
void *sim_reach_make(size_t nodes);
void sim_reach_destroy(void *world);
void sim_reach_policy(void *world, const struct policy **p, struct fixture_node **nodes);

#endif
