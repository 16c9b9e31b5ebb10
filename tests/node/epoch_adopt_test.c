/* Goal: an epoch is adopted by the store and by memory, or by neither, whatever fails in between.
 * Method: a real store; snapshot.h and store_event.c are replaced, so that each step can fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/blobs.h"
#include "node/epoch_run.h"
#include "node/store_internal.h"
#include "tests/policy_fixture.h"
#include "tests/scratch.h"

enum fault { NOTHING, RECORD, NEW, KEEP, EVENT, SWEEP, GONE, OLD_RECORDS, COMMIT };
static enum fault fault;

struct snapshot {
    int refs;
    uint64_t number;
    struct digest id;
};
static struct snapshot before = {.refs = 1, .number = 7, .id = {{7}}}, after;
static const struct digest EPOCH = {{8}};

static enum pt_code fails_at(enum fault here, struct pt_err *err)
{
    return fault == here ? pt_fail(err, PT_EIO, "the disk is full") : PT_OK;
}

enum pt_code dataset_record(const struct dataset *d, const struct home *h,
                            const struct parallel *parallel, struct pt_err *err)
{
    (void)d;
    (void)h;
    (void)parallel;
    return fails_at(RECORD, err);
}
enum pt_code snapshot_recorded(const struct home *h, const struct epoch_header *header,
                               struct pt_err *err)
{
    (void)h;
    (void)header;
    return fails_at(GONE, err);
}
enum pt_code snapshot_record_sweep(const struct home *h, struct store *store, int64_t now_s,
                                   struct pt_err *err)
{
    (void)h;
    (void)store;
    (void)now_s;
    return fails_at(OLD_RECORDS, err);
}
enum pt_code snapshot_new(struct snapshot **out, const struct home *h, struct store *store,
                          const struct epoch_header *header, struct dataset *d, struct pt_err *err)
{
    (void)h;
    (void)store;
    (void)d;
    after = (struct snapshot){.refs = 1, .number = header->number, .id = EPOCH};
    *out = fault == NEW ? NULL : &after;
    return fails_at(NEW, err);
}
enum pt_code snapshot_keep(struct store *store, const struct salt_result *r, int64_t now_s,
                           struct pt_err *err)
{
    const struct store_epoch e = {.number = r->header.number, .id = EPOCH, .created_s = now_s};
    enum pt_code rc = store_epoch_activate(store, &e, err);

    return rc == PT_OK ? fails_at(KEEP, err) : rc;
}
/* The last step: also drops the store's transaction behind its back, as a full disk may. */
enum pt_code snapshot_seed_sweep(struct store *store, const struct policy *p, int64_t now_s,
                                 struct pt_err *err)
{
    (void)p;
    (void)now_s;
    if (fault == COMMIT) {
        struct query q;
        query_begin(&q, store, "ROLLBACK");
        query_run(&q);
        return query_end(&q, "end the transaction early", err);
    }
    return fails_at(SWEEP, err);
}
enum pt_code store_event(struct store_place *out, struct store *s, const char *kind,
                         const char *fields, int64_t now_s, struct pt_err *err)
{
    (void)s;
    (void)kind;
    (void)fields;
    (void)now_s;
    *out = (struct store_place){0};
    return fails_at(EVENT, err);
}
struct snapshot *snapshot_ref(struct snapshot *s)
{
    s->refs++;
    return s;
}
bool snapshot_unref(struct snapshot *s)
{
    return s != NULL && --s->refs == 0;
}
const struct digest *snapshot_id(const struct snapshot *s)
{
    return &s->id;
}

/* Not reached, but the modules are replaced as a whole. */
enum pt_code store_event_head(struct store_place *out, struct store *s, struct pt_err *err)
{
    (void)out;
    (void)s;
    return pt_fail(err, PT_EBUG, "no events here");
}
enum pt_code store_event_verify(struct store_place *head, struct store *s, struct pt_err *err)
{
    return store_event_head(head, s, err);
}
const struct epoch_header *snapshot_header(const struct snapshot *s)
{
    (void)s;
    return NULL;
}
const struct columns_map *snapshot_map(const struct snapshot *s)
{
    (void)s;
    return NULL;
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
enum pt_code snapshot_seed_new(struct salt_own *own, const struct home *h, struct store *store,
                               struct pt_err *err)
{
    (void)own;
    (void)h;
    (void)store;
    return pt_fail(err, PT_EBUG, "no seed here");
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

static uint64_t active(struct store *s)
{
    struct store_epoch e = {0};
    struct pt_err err = {0};
    bool found;

    assert_int_equal(store_epoch_active(&e, &found, s, &err), PT_OK);
    uint64_t number = found ? e.number : 0;
    store_epoch_free(&e);
    return number;
}

struct node {
    struct home home;
    struct daemon daemon;
    struct salt_result agreed;
    struct dataset data;
    struct pt_err err;
};

/* Epoch 7 is in force; 8 has been agreed. */
static struct node *set_up(void **state)
{
    const struct store_epoch first = {.number = 7, .id = {{7}}};
    struct node *n = calloc(1, sizeof *n);

    assert_non_null(n);
    n->home.policy = fixture_policy(3);
    (void)snprintf(n->home.dir, sizeof n->home.dir, "%s", (const char *)*state);
    n->daemon.home = &n->home;
    n->daemon.log = tmpfile();
    assert_non_null(n->daemon.log);
    assert_int_equal(
        store_open(&n->daemon.store, scratch_path(state, "state.db"), STORE_WRITE, &n->err), PT_OK);
    assert_int_equal(pthread_mutex_init(&n->daemon.lock, NULL), 0);
    assert_int_equal(store_epoch_activate(n->daemon.store, &first, &n->err), PT_OK);
    before.refs = 1;
    n->daemon.epoch = &before;
    n->agreed.header.number = 8;
    fault = NOTHING;
    return n;
}

static void tear_down(struct node *n)
{
    store_close(n->daemon.store);
    fclose(n->daemon.log);
    pthread_mutex_destroy(&n->daemon.lock);
    policy_free(n->home.policy);
    free(n);
}

static enum pt_code adopt(struct node *n)
{
    return epoch_adopt(&n->daemon, &n->agreed, &n->data, &n->err);
}

static void both_or_neither(void **state)
{
    struct node *n = set_up(state);

    for (fault = RECORD; fault <= COMMIT; fault++) {
        assert_int_not_equal(adopt(n), PT_OK);
        assert_ptr_equal(n->daemon.epoch, &before);
        assert_int_equal(before.refs, 1);
        assert_int_equal(active(n->daemon.store), 7);
        if (fault > NEW)
            assert_int_equal(after.refs, 0);
    }
    fault = NOTHING;
    if (adopt(n) != PT_OK)
        fail_msg("%s", n->err.msg);
    assert_ptr_equal(n->daemon.epoch, &after);
    assert_int_equal(before.refs, 0);
    assert_int_equal(active(n->daemon.store), 8);
    tear_down(n);
}

/* Goal: a question under way when a new epoch is adopted keeps its columns to the end. */
static void columns_outlive_their_epoch_while_in_use(void **state)
{
    struct node *n = set_up(state);
    const struct blobs_at old = {.home = &n->home, .epoch = &before.id, .peer = "drinkco"};
    const struct blobs_at new = {.home = &n->home, .epoch = &EPOCH, .peer = "drinkco"};
    const char *path = scratch_path(state, "columns/07000000000000000000000000000000");

    assert_int_equal(blobs_prepare(&old, &n->err), PT_OK);
    struct snapshot *session = daemon_epoch(&n->daemon);
    assert_int_equal(adopt(n), PT_OK);
    assert_int_equal(blobs_prepare(&new, &n->err), PT_OK);
    assert_true(fileio_exists(path));
    daemon_release(&n->daemon, session);
    assert_false(fileio_exists(path));
    daemon_release(&n->daemon, daemon_epoch(&n->daemon));
    daemon_release(&n->daemon, NULL);
    assert_true(fileio_exists(scratch_path(state, "columns/08000000000000000000000000000000")));
    tear_down(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_or_neither, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(columns_outlive_their_epoch_while_in_use, scratch_setup,
                                        scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
