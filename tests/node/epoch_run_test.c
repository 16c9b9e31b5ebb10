/* Goal: what a node checks and pays before it says anything in a round of an epoch. Method: a store
 * of its own, a policy of three, no network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/clock.h"
#include "node/epoch_run.h"
#include "node/ledger.h"
#include "tests/policy_fixture.h"
#include "tests/scratch.h"

struct node {
    struct home home;
    struct daemon daemon;
    struct session_self self;
    struct salt_round round;
    struct dataset data;
    struct pt_err err;
};

/* Partner 0 is asked by partner 1 for an epoch of all three. */
static void set_up(struct node *n, void **state)
{
    memset(n, 0, sizeof *n);
    n->home.policy = fixture_policy(3);
    /* Always in its dates: epochs have no clock parameter. */
    n->home.policy->valid_from_s = 0;
    n->home.policy->valid_until_s = INT64_MAX / 2;
    n->daemon.home = &n->home;
    if (store_open(&n->daemon.store, scratch_path(state, "state.db"), STORE_WRITE, &n->err) !=
        PT_OK)
        fail_msg("%s", n->err.msg);
    n->self.policy = n->home.policy;
    n->round.self = &n->self;
    n->round.number = (uint64_t)clock_now_s() / 60;
    n->round.count = 3;
    for (uint16_t i = 0; i < 3; i++)
        n->round.partner[i] = i;
    memset(n->data.commitment.b, 0x5a, sizeof n->data.commitment.b);
}

static void tear_down(struct node *n)
{
    store_close(n->daemon.store);
    policy_free(n->home.policy);
}

static enum pt_code ask(struct node *n)
{
    return epoch_allow(&n->daemon, n->home.policy->partners[1].name, &n->round, &n->data, &n->err);
}

static uint64_t spent(struct node *n, size_t partner)
{
    uint64_t sum;

    assert_int_equal(store_charge_sum(&sum, n->daemon.store, n->home.policy->partners[partner].name,
                                      INT64_MIN, &n->err),
                     PT_OK);
    return sum;
}

/* Goal: a size is paid for before it is announced (PROTOCOL.md 5, order), by everyone who will read
 * it, and once a dataset. An initiator that always stops after Commit reads nothing for free. */
static void size_is_charged_before_it_is_said(void **state)
{
    struct node n;

    set_up(&n, state);
    assert_int_equal(ask(&n), PT_OK);
    assert_int_equal(spent(&n, 0), 0); /* ourselves */
    assert_int_equal(spent(&n, 1), LEDGER_PADDING_RHO_NANO);
    assert_int_equal(spent(&n, 2), LEDGER_PADDING_RHO_NANO);
    assert_int_equal(ask(&n), PT_OK);
    assert_int_equal(spent(&n, 1), LEDGER_PADDING_RHO_NANO);
    n.data.commitment.b[0] ^= 1;
    assert_int_equal(ask(&n), PT_OK);
    assert_int_equal(spent(&n, 1), 2 * LEDGER_PADDING_RHO_NANO);
    tear_down(&n);
}

/* Goal: no size for who cannot pay. */
static void no_budget_no_round(void **state)
{
    struct node n;

    set_up(&n, state);
    n.home.policy->privacy.lifetime_rho_nano = LEDGER_PADDING_RHO_NANO - 1;
    assert_int_equal(ask(&n), PT_ELIMIT);
    assert_int_equal(spent(&n, 1), 0);
    tear_down(&n);
}

/* Goal: one partner cannot end all epochs by proposing the last number there is: numbers are
 * minutes, and one far ahead would have to be waited for. */
static void number_is_near_the_clock(void **state)
{
    static const uint64_t far[] = {UINT64_MAX, INT64_MAX, INT64_MAX - 1, 1ULL << 40};
    struct node n;

    set_up(&n, state);
    uint64_t now = n.round.number;
    for (size_t i = 0; i < PT_LEN(far); i++) {
        n.round.number = far[i];
        assert_int_equal(ask(&n), PT_ESTATE);
    }
    n.round.number = now + 3 * 1440;
    assert_int_equal(ask(&n), PT_ESTATE);
    assert_int_equal(spent(&n, 1), 0);
    n.round.number = now + 60; /* its clock is an hour ahead */
    assert_int_equal(ask(&n), PT_OK);
    tear_down(&n);
}

/* Goal: a home in which a far number is already in force goes on from there. */
static void the_next_number_is_always_good(void **state)
{
    const struct store_epoch last = {.number = 1ULL << 40};
    struct node n;

    set_up(&n, state);
    assert_int_equal(store_epoch_activate(n.daemon.store, &last, &n.err), PT_OK);
    assert_int_equal(ask(&n), PT_ESTATE);
    n.round.number = (1ULL << 40) + 2;
    assert_int_equal(ask(&n), PT_ESTATE);
    n.round.number = (1ULL << 40) + 1;
    assert_int_equal(ask(&n), PT_OK);
    tear_down(&n);
}

/* Goal: whoever sees the salt first may try again only so often. */
static void rounds_a_day_are_counted(void **state)
{
    struct node n;

    set_up(&n, state);
    for (int i = 0; i < 1 + EPOCH_RETRIES_MAX; i++)
        assert_int_equal(ask(&n), PT_OK);
    assert_int_equal(ask(&n), PT_EDENIED);
    tear_down(&n);
}

/* Goal: a partner that opens sessions and proposes nothing holds up our epochs only so often, and
 * no other partner's. */
static void sessions_a_day_are_counted(void **state)
{
    struct node n;

    set_up(&n, state);
    for (int i = 0; i < EPOCH_SESSIONS_A_DAY; i++)
        assert_int_equal(epoch_session_take(&n.daemon, "freshmart", &n.err), PT_OK);
    assert_int_equal(epoch_session_take(&n.daemon, "freshmart", &n.err), PT_EDENIED);
    assert_int_equal(epoch_session_take(&n.daemon, "homeware", &n.err), PT_OK);
    tear_down(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(size_is_charged_before_it_is_said, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(no_budget_no_round, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(number_is_near_the_clock, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(the_next_number_is_always_good, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(sessions_a_day_are_counted, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(rounds_a_day_are_counted, scratch_setup, scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
