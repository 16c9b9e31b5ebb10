/* Goal: an epoch is adopted by the store and by memory, or by neither, whatever fails in between.
 * Method: a real store; snapshot.h and store_event.c are replaced, so that each step can fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/clock.h"
#include "node/epoch_run.h"
#include "node/store_internal.h"
#include "tests/policy_fixture.h"
#include "tests/scratch.h"

enum fault { NOTHING, NEW, KEEP, EVENT, SWEEP, COMMIT };
static enum fault fault;

struct snapshot {
    int refs;
    uint64_t number;
};
static struct snapshot before = {.refs = 1, .number = 7}, after;
static const struct digest EPOCH = {{1}};

static enum pt_code fails_at(enum fault here, struct pt_err *err)
{
    return fault == here ? pt_fail(err, PT_EIO, "the disk is full") : PT_OK;
}

enum pt_code snapshot_new(struct snapshot **out, const struct home *h, struct store *store,
                          const struct epoch_header *header, struct dataset *d, struct pt_err *err)
{
    (void)h;
    (void)store;
    (void)d;
    after = (struct snapshot){.refs = 1, .number = header->number};
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
void snapshot_unref(struct snapshot *s)
{
    if (s != NULL)
        s->refs--;
}
const struct digest *snapshot_id(const struct snapshot *s)
{
    (void)s;
    return &EPOCH;
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
                          struct pt_err *err)
{
    (void)out;
    (void)h;
    (void)key_period;
    return pt_fail(err, PT_EBUG, "no data here");
}
enum pt_code snapshot_seed_new(struct digest *hash, const struct home *h, struct store *store,
                               struct pt_err *err)
{
    (void)hash;
    (void)h;
    (void)store;
    return pt_fail(err, PT_EBUG, "no seed here");
}
enum pt_code snapshot_load(struct snapshot **out, const struct home *h, struct store *store,
                           struct pt_err *err)
{
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

static void both_or_neither(void **state)
{
    struct home home = {.policy = fixture_policy(3)};
    struct daemon d = {.home = &home, .log = tmpfile()};
    struct salt_result *agreed = calloc(1, sizeof *agreed);
    struct dataset data = {0};
    struct pt_err err = {0};
    const struct store_epoch first = {.number = 7, .id = {{7}}};

    assert_non_null(agreed);
    assert_non_null(d.log);
    (void)snprintf(home.dir, sizeof home.dir, "%s", (const char *)*state);
    assert_int_equal(store_open(&d.store, scratch_path(state, "state.db"), STORE_WRITE, &err),
                     PT_OK);
    assert_int_equal(pthread_mutex_init(&d.lock, NULL), 0);
    assert_int_equal(store_epoch_activate(d.store, &first, &err), PT_OK);
    d.epoch = &before;
    agreed->header.number = 8;
    for (fault = NEW; fault <= COMMIT; fault++) {
        assert_int_not_equal(epoch_adopt(&d, agreed, &data, &err), PT_OK);
        assert_ptr_equal(d.epoch, &before);
        assert_int_equal(before.refs, 1);
        assert_int_equal(active(d.store), 7);
        if (fault != NEW)
            assert_int_equal(after.refs, 0);
    }
    fault = NOTHING;
    if (epoch_adopt(&d, agreed, &data, &err) != PT_OK)
        fail_msg("%s", err.msg);
    assert_ptr_equal(d.epoch, &after);
    assert_int_equal(before.refs, 0);
    assert_int_equal(active(d.store), 8);
    store_close(d.store);
    fclose(d.log);
    pthread_mutex_destroy(&d.lock);
    policy_free(home.policy);
    free(agreed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_or_neither, scratch_setup, scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
