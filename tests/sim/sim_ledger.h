/* sim_ledger.h - the ledgers of simulated nodes: node/ledger over node/store, on files. */
#ifndef PT_TESTS_SIM_LEDGER_H
#define PT_TESTS_SIM_LEDGER_H

#include "node/ledger.h"
#include "tests/sim/sim.h"

enum { SIM_NOW_S = 1780315200 }; /* 2026-06-01 12:00 UTC */

struct sim_ledger {
    struct store *store;
    int node;
};
/* An empty one of that node; what it held before is gone. */
void sim_ledger_fresh(struct sim_ledger *l, int node);
/* The process of its node has ended and begins again. */
void sim_ledger_restart(struct sim_ledger *l);
void sim_ledger_close(struct sim_ledger *l);
/* ledger_charge() with a step before and after it at which the node may die. */
enum pt_code sim_ledger_charge(struct ledger_result *out, struct sim_ledger *l, struct sim *s,
                               const struct ledger_charge *c, struct pt_err *err);
/* Does it hold that charge, of so much at least? */
bool sim_ledger_holds(const struct sim_ledger *l, const struct digest *id, uint64_t rho_nano);
/* All that recipient was ever charged; chain and sums are checked with it. */
uint64_t sim_ledger_spent(const struct sim_ledger *l, const struct policy *p,
                          const char *recipient);
/* The folder of all of them, from the first use on. */
void sim_ledgers_remove(void);

#endif
