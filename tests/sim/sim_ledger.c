#include "tests/sim/sim_ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/scratch.h"

static void *folder;
static struct buf empty; /* a state.db in which nothing has happened */

static const char *path_of(int node)
{
    char name[32];

    snprintf(name, sizeof name, "state-%d.db", node);
    return scratch_path(&folder, name);
}

static void open_store(struct sim_ledger *l)
{
    struct pt_err err = {0};

    if (store_open(&l->store, path_of(l->node), STORE_WRITE, &err) != PT_OK)
        fail_msg("%s", err.msg);
}

static void remove_files(int node)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char path[512];

    for (size_t i = 0; i < PT_LEN(ends); i++) {
        snprintf(path, sizeof path, "%s%s", path_of(node), ends[i]);
        unlink(path);
    }
}

void sim_ledger_fresh(struct sim_ledger *l, int node)
{
    if (folder == NULL)
        assert_int_equal(scratch_setup(&folder), 0);
    sim_ledger_close(l);
    l->node = node;
    remove_files(node);
    if (empty.n == 0) {
        open_store(l);
        sim_ledger_close(l);
        fixture_read(&empty, path_of(node));
    } else {
        scratch_write(path_of(node), buf_span(&empty));
    }
    open_store(l);
}

void sim_ledger_close(struct sim_ledger *l)
{
    if (l->store != NULL)
        store_close(l->store);
    l->store = NULL;
}

void sim_ledger_restart(struct sim_ledger *l)
{
    sim_ledger_close(l);
    open_store(l);
}

void sim_ledgers_remove(void)
{
    buf_free(&empty);
    if (folder != NULL)
        (void)scratch_teardown(&folder);
    folder = NULL;
}

enum pt_code sim_ledger_charge(struct ledger_result *out, struct sim_ledger *l, struct sim *s,
                               const struct ledger_charge *c, struct pt_err *err)
{
    enum pt_code rc;

    if (sim_edge(s, l->node))
        return pt_fail(err, PT_EIO, "down");
    rc = ledger_charge(out, l->store, s->policy, c, SIM_NOW_S, err);
    return sim_edge(s, l->node) ? pt_fail(err, PT_EIO, "down") : rc;
}

bool sim_ledger_holds(const struct sim_ledger *l, const struct digest *id, uint64_t rho_nano)
{
    struct store_charge row;
    struct pt_err err = {0};
    bool found = false;

    assert_int_equal(store_charge_find(&row, &found, l->store, id, &err), PT_OK);
    return found && row.rho_nano >= rho_nano;
}

uint64_t sim_ledger_spent(const struct sim_ledger *l, const struct policy *p, const char *recipient)
{
    struct budget_spent spent;
    struct store_place head;
    struct pt_err err = {0};

    assert_int_equal(store_event_verify(&head, l->store, &err), PT_OK);
    assert_int_equal(ledger_spent(&spent, l->store, p, recipient, SIM_NOW_S, &err), PT_OK);
    assert_true(spent.lifetime_nano <= p->privacy.lifetime_rho_nano);
    return spent.lifetime_nano;
}
