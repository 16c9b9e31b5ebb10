/* Goal: what a peer can make the evaluator's disk hold before it pays has a bound. Method: the host
 * callbacks of ask_evaluator, called as it calls them; no epoch, so snapshot.h is replaced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/clock.h"
#include "node/evaluate.h"
#include "tests/policy_fixture.h"
#include "tests/scratch.h"

static const struct epoch_header HEADER;
static const struct digest EPOCH = {{1}};

const struct digest *snapshot_id(const struct snapshot *s)
{
    (void)s;
    return &EPOCH;
}
const struct epoch_header *snapshot_header(const struct snapshot *s)
{
    (void)s;
    return &HEADER;
}
const struct columns_map *snapshot_map(const struct snapshot *s)
{
    (void)s;
    return NULL;
}

/* Not reached, but the module is replaced as a whole. */
struct snapshot *snapshot_ref(struct snapshot *s)
{
    return s;
}
bool snapshot_unref(struct snapshot *s)
{
    (void)s;
    return false;
}
const struct key32 *snapshot_seed(const struct snapshot *s)
{
    (void)s;
    return NULL;
}
const struct key32 *snapshot_noise_key(const struct snapshot *s)
{
    (void)s;
    return NULL;
}
uint32_t snapshot_key_period(const struct policy *p, int64_t now_s)
{
    (void)p;
    (void)now_s;
    return 1;
}
struct vault_place snapshot_vault(char dir[HOME_PATH_MAX], const struct home *h)
{
    (void)h;
    dir[0] = '\0';
    return (struct vault_place){.dir = dir};
}
void dataset_free(struct dataset *d)
{
    (void)d;
}
enum pt_code dataset_load(struct dataset *out, const struct home *h, uint32_t key_period,
                          const struct dataset_how *how, struct pt_err *err)
{
    (void)out;
    (void)h;
    (void)key_period;
    (void)how;
    return pt_fail(err, PT_EBUG, "no data here");
}
enum pt_code dataset_record(const struct dataset *d, const struct home *h,
                            const struct parallel *parallel, struct pt_err *err)
{
    (void)d;
    (void)h;
    (void)parallel;
    return pt_fail(err, PT_EBUG, "no record here");
}
enum pt_code snapshot_recorded(const struct home *h, const struct epoch_header *header,
                               struct pt_err *err)
{
    (void)h;
    (void)header;
    return pt_fail(err, PT_EBUG, "no record here");
}
enum pt_code snapshot_record_sweep(const struct home *h, struct store *store, int64_t now_s,
                                   struct pt_err *err)
{
    (void)h;
    (void)store;
    (void)now_s;
    return pt_fail(err, PT_EBUG, "no record here");
}
enum pt_code snapshot_seed_new(struct salt_own *own, const struct home *h, struct store *store,
                               struct pt_err *err)
{
    (void)own;
    (void)h;
    (void)store;
    return pt_fail(err, PT_EBUG, "no seed here");
}
enum pt_code snapshot_seed_sweep(struct store *store, const struct policy *p, int64_t now_s,
                                 struct pt_err *err)
{
    (void)store;
    (void)p;
    (void)now_s;
    return pt_fail(err, PT_EBUG, "no seeds here");
}
enum pt_code snapshot_new(struct snapshot **out, const struct home *h, struct store *store,
                          const struct epoch_header *header, struct dataset *d, struct pt_err *err)
{
    (void)out;
    (void)h;
    (void)store;
    (void)header;
    (void)d;
    return pt_fail(err, PT_EBUG, "no epoch here");
}
enum pt_code snapshot_load(struct snapshot **out, const struct home *h, struct store *store,
                           const struct parallel *parallel, struct pt_err *err)
{
    (void)parallel;
    (void)out;
    (void)h;
    (void)store;
    return pt_fail(err, PT_EBUG, "no epoch here");
}
enum pt_code snapshot_keep(struct store *store, const struct salt_result *r, int64_t now_s,
                           struct pt_err *err)
{
    (void)store;
    (void)r;
    (void)now_s;
    return pt_fail(err, PT_EBUG, "no epoch here");
}

/* Goal: the last column of the day is kept, the next is refused with QUOTA and leaves no file. */
static void columns_a_day_are_counted(void **state)
{
    static struct home_keys keys;
    struct home home = {.keys = &keys, .policy = fixture_policy(3)};
    struct daemon d = {.home = &home};
    struct session_self self = {.policy = home.policy};
    struct session s = {.self = &self, .peer = 1, .what = WHAT_ASK, .state = SESSION_OPEN};
    struct evaluate *e = calloc(1, sizeof *e);
    struct pt_err err = {0};
    uint64_t used;

    assert_non_null(e);
    snprintf(home.dir, sizeof home.dir, "%s", (const char *)*state);
    assert_int_equal(store_open(&d.store, scratch_path(state, "state.db"), STORE_WRITE, &err),
                     PT_OK);
    const struct store_quota quota = {.what = "columns",
                                      .peer = home.policy->partners[1].name,
                                      .count = EVALUATE_COLUMNS_A_DAY - 1,
                                      .limit = EVALUATE_COLUMNS_A_DAY};
    assert_int_equal(store_quota_take(&used, d.store, &quota, clock_now_s(), &err), PT_OK);
    assert_int_equal(evaluate_begin(e, &d, NULL, &s, &err), PT_OK);
    e->ask.columns = calloc(2, sizeof *e->ask.columns);
    assert_non_null(e->ask.columns);
    const struct ask_host *host = &e->ask.in.host;
    assert_int_equal(host->column_write(e, 0, span_z("part"), &err), PT_OK);
    assert_int_equal(host->column_write(e, 0, span_z("of one column"), &err), PT_OK);
    assert_int_equal(host->column_write(e, 1, span_z("part"), &err), PT_EDENIED);
    assert_int_equal(s.because, REFUSAL_QUOTA);
    assert_false(e->columns[1].writing);
    evaluate_end(e);
    free(e);
    store_close(d.store);
    policy_free(home.policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(columns_a_day_are_counted, scratch_setup, scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
