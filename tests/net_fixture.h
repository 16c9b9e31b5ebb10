/* net_fixture.h - a network between nodes in one process that loses, repeats, reorders, cuts and
 * changes frames, from a printed seed. */
#ifndef PT_TESTS_NET_FIXTURE_H
#define PT_TESTS_NET_FIXTURE_H

#include "tests/proto_fixture.h"

enum { NET_LINKS_MAX = 2 };

struct net {
    uint64_t random;
    unsigned rate; /* one frame in `rate` meets a fault; 0: none */
    struct fixture_link *links;
    size_t link_count;
    bool cut[NET_LINKS_MAX];
    int faults, failures;
    char last_error[sizeof((struct pt_err *)0)->msg];
};

/* Seeds of this run: consecutive from a printed one, or the one of PATTO_SIM_SEED. */
void net_seeds(const char *what, uint64_t *first, int *count);
void net_init(struct net *n, uint64_t seed, struct fixture_link *links, size_t count);
/* The greeting is part of what may be disturbed. */
void net_open_link(struct fixture_link *l, struct fixture_node *opener,
                   struct fixture_node *accepter, enum session_what what);
/* Until nothing is on its way: frames in random order over the links, and after each what the
 * hosts do of themselves. */
void net_run(struct net *n, void (*hosts)(void *), void *self);

struct net_tally {
    int complete, stopped;
};
/* An undisturbed run completes; one that does not says why. */
void net_count(struct net_tally *t, const struct net *n, bool complete);
void net_enough_of_both(const struct net_tally *t);

#endif
