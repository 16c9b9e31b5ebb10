#include "node/translog.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "node/logdir.h"
#include "policy/log_key.h"
#include "tests/policy_fixture.h"
#include "tests/scratch.h"

enum { NOW_S = 1796990400 };

struct bed {
    struct home home;
    struct home_keys keys;
    struct store *store;
    struct translog *log;
    struct note_key key;
    char db[HOME_PATH_MAX];
};

static void open_store(struct bed *b)
{
    struct pt_err err = {0};

    if (store_open(&b->store, b->db, STORE_WRITE, &err) != PT_OK)
        fail_msg("%s", err.msg);
}

static enum pt_code try_open(struct bed *b, struct pt_err *err)
{
    assert_null(b->log);
    return translog_open(&b->log, &b->home, b->store, err);
}

static void open_log(struct bed *b)
{
    struct pt_err err = {0};

    if (try_open(b, &err) != PT_OK)
        fail_msg("%s", err.msg);
}

static void close_both(struct bed *b)
{
    translog_close(b->log);
    store_close(b->store);
    b->log = NULL;
    b->store = NULL;
}

static void begin(struct bed *b, void **state)
{
    struct fixture_partner partner;
    struct pt_err err = {0};

    memset(b, 0, sizeof *b);
    fixture_partner_init(&partner, 0, NULL);
    b->keys.node = partner.node;
    b->home.policy = fixture_policy(2);
    b->home.self = (uint16_t)policy_find_partner(b->home.policy, partner.name); /* in name order */
    b->home.keys = &b->keys;
    snprintf(b->home.dir, sizeof b->home.dir, "%s", (const char *)*state);
    home_path(b->db, &b->home, "state.db");
    assert_int_equal(log_key_make(&b->key, b->home.policy, b->home.self, NOTE_ED25519, &err),
                     PT_OK);
    open_store(b);
    open_log(b);
}

static void end(struct bed *b)
{
    close_both(b);
    policy_free(b->home.policy);
}

static void events(struct bed *b, const char *fields, size_t count)
{
    struct store_place place;
    struct pt_err err = {0};

    for (size_t i = 0; i < count; i++)
        assert_int_equal(store_event(&place, b->store, "test", fields, NOW_S, &err), PT_OK);
}

static struct checkpoint publish(struct bed *b)
{
    const struct checkpoint_trust trust = {.log = &b->key};
    struct checkpoint c;
    struct checkpoint kept;
    struct buf note;
    struct buf file;
    bool found;
    struct pt_err err = {0};

    if (translog_checkpoint(&note, b->log, NOW_S, &err) != PT_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(checkpoint_open(&c, NULL, buf_span(&note), &trust, &err), PT_OK);
    assert_int_equal(translog_read(&file, &found, b->log, &err), PT_OK);
    assert_true(found);
    assert_int_equal(checkpoint_open(&kept, NULL, buf_span(&file), &trust, &err), PT_OK);
    assert_memory_equal(&kept, &c, sizeof c);
    assert_int_equal(c.size, translog_published(b->log));
    assert_int_equal(translog_check(b->log, &err), PT_OK);
    buf_free(&note);
    buf_free(&file);
    return c;
}

static bool is_there(struct bed *b, const char *name)
{
    char path[HOME_PATH_MAX];

    home_path(path, &b->home, name);
    return access(path, F_OK) == 0;
}

/* Goal: every checkpoint continues the one before, every event is in it, and tiles are those of
 * its size; after another start as well.
 * Method: 600 events in unequal steps, over two borders of tiles. */
static void checkpoints_continue_each_other(void **state)
{
    static const size_t STEPS[] = {1, 4, 200, 51, 1, 255, 88};
    static struct bed b;
    static struct store_event_row row;
    struct checkpoint last = {0};
    struct digest entry;
    struct digest leaf;
    struct merkle_proof p;
    struct pt_err err = {0};

    begin(&b, state);
    for (size_t i = 0; i < PT_LEN(STEPS); i++) {
        events(&b, "a=1", STEPS[i]);
        struct checkpoint c = publish(&b);
        const struct merkle_range range = {.old = last.size, .size = c.size};
        assert_int_equal(c.size, last.size + STEPS[i]);
        assert_int_equal(translog_consistency(&p, b.log, range, &err), PT_OK);
        assert_true(merkle_consistency_ok(&p, range, &last.root, &c.root));
        for (uint64_t n = 1; n <= c.size; n += 37) {
            const struct merkle_spot at = {.index = n - 1, .size = c.size};
            assert_int_equal(translog_event(&row, &entry, b.log, n, &err), PT_OK);
            assert_string_equal(row.fields, "a=1");
            merkle_leaf(&leaf, span_of(entry.b, sizeof entry.b));
            assert_int_equal(translog_inclusion(&p, b.log, n - 1, c.size, &err), PT_OK);
            assert_true(merkle_inclusion_ok(&p, &leaf, at, &c.root));
        }
        last = c;
        close_both(&b);
        open_store(&b);
        open_log(&b);
        assert_int_equal(translog_size(b.log), last.size);
        assert_int_equal(translog_published(b.log), last.size);
    }
    assert_int_equal(last.size, 600);
    assert_true(is_there(&b, "log/tile/0/001") && is_there(&b, "log/tile/1/000.p/2"));
    assert_true(is_there(&b, "log/tile/entries/002.p/88"));
    assert_false(is_there(&b, "log/tile/0/000.p") || is_there(&b, "log/tile/entries/000.p"));
    struct checkpoint again = publish(&b);
    assert_memory_equal(&again, &last, sizeof last);
    assert_int_equal(translog_event(&row, &entry, b.log, 601, &err), PT_EUSAGE);
    assert_int_equal(translog_event(&row, &entry, b.log, 0, &err), PT_EUSAGE);
    end(&b);
}

static void nothing_to_sign_is_said(void **state)
{
    static struct bed b;
    struct buf note;
    struct pt_err err = {0};

    begin(&b, state);
    assert_int_equal(translog_checkpoint(&note, b.log, NOW_S, &err), PT_ESTATE);
    events(&b, "a=1", 1);
    b.home.keys = NULL;
    assert_int_equal(translog_checkpoint(&note, b.log, NOW_S, &err), PT_ESTATE);
    assert_null(note.p);
    end(&b);
}

/* Goal: killed or failed between the head's record and its publication, the node publishes that
 * very head next.
 * Method: a file stands where log/ should be. */
static void a_head_is_kept_over_a_crash(void **state)
{
    static struct bed b;
    char dir[HOME_PATH_MAX];
    struct store_head head;
    struct buf note;
    bool found;
    struct pt_err err = {0};

    begin(&b, state);
    home_path(dir, &b.home, "log");
    scratch_write(dir, span_z("in the way"));
    events(&b, "a=1", 3);
    assert_int_equal(translog_checkpoint(&note, b.log, NOW_S, &err), PT_EIO);
    assert_null(note.p);
    assert_int_equal(store_head_last(&head, &found, b.store, &err), PT_OK);
    assert_true(found && head.size == 3);
    close_both(&b);
    assert_int_equal(unlink(dir), 0);
    open_store(&b);
    open_log(&b);
    assert_int_equal(translog_published(b.log), 0);
    struct checkpoint c = publish(&b);
    assert_int_equal(c.size, 3);
    assert_memory_equal(c.root.b, head.root.b, 32);
    end(&b);
}

static void flip(struct bed *b, const char *name, size_t at)
{
    char path[HOME_PATH_MAX];
    struct buf bytes = {0};
    struct pt_err err = {0};

    home_path(path, &b->home, name);
    assert_int_equal(fileio_read(&bytes, path, 1 << 20, &err), PT_OK);
    assert_true(at < bytes.n);
    bytes.p[at] ^= 1;
    scratch_write(path, buf_span(&bytes));
    buf_free(&bytes);
}

/* Goal: a changed, cut, lengthened or missing tile is named, and made again from the store. */
static void tiles_are_checked_and_repaired(void **state)
{
    static const struct {
        const char *file;
        size_t at;
        const char *says;
    } CASES[] = {
        {"log/tile/entries/000", 34 * 7 + 2, "event 8"},
        {"log/tile/entries/001.p/44", 0, "event 257"},
        {"log/tile/0/000", 32 * 255 + 31, "event 256"},
        {"log/tile/0/001.p/44", 32, "event 258"},
        {"log/tile/1/000.p/1", 0, "log/tile/1/000.p/1 was changed"},
    };
    static struct bed b;
    char path[HOME_PATH_MAX];
    struct buf bytes = {0};
    struct pt_err err = {0};
    struct pt_err was;

    begin(&b, state);
    events(&b, "a=1", 300);
    publish(&b);
    for (size_t i = 0; i < PT_LEN(CASES); i++) {
        flip(&b, CASES[i].file, CASES[i].at);
        assert_int_equal(translog_check(b.log, &err), PT_EBADMSG);
        if (strstr(err.msg, CASES[i].says) == NULL)
            fail_msg("expected \"%s\" in \"%s\"", CASES[i].says, err.msg);
        assert_int_equal(translog_repair(&was, b.log, &err), PT_OK);
        assert_int_equal(was.code, PT_EBADMSG);
        assert_int_equal(translog_check(b.log, &err), PT_OK);
        assert_int_equal(translog_repair(&was, b.log, &err), PT_OK);
        assert_int_equal(was.code, PT_OK);
    }
    home_path(path, &b.home, "log/tile/0/001.p/44");
    assert_int_equal(fileio_read(&bytes, path, 1 << 20, &err), PT_OK);
    scratch_write(path, span_of(bytes.p, bytes.n - 1));
    assert_int_equal(translog_check(b.log, &err), PT_EBADMSG);
    assert_non_null(strstr(err.msg, "event 300"));
    assert_true(buf_u8(&bytes, 0));
    scratch_write(path, buf_span(&bytes));
    assert_int_equal(translog_check(b.log, &err), PT_EBADMSG);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(translog_check(b.log, &err), PT_EBADMSG);
    assert_non_null(strstr(err.msg, "tile/0/001.p/44"));
    buf_free(&bytes);
    end(&b);
}

static void copy(const char *to, const char *from)
{
    struct buf bytes = {0};
    struct pt_err err = {0};

    assert_int_equal(fileio_read(&bytes, from, 1 << 24, &err), PT_OK);
    scratch_write(to, buf_span(&bytes));
    buf_free(&bytes);
}

static void put_back(struct bed *b, const char *old)
{
    char side[HOME_PATH_MAX + 4];

    close_both(b);
    for (const char *end = "-wal"; end != NULL; end = end[1] == 'w' ? "-shm" : NULL) {
        snprintf(side, sizeof side, "%.*s%s", HOME_PATH_MAX - 1, b->db, end);
        (void)unlink(side);
    }
    copy(b->db, old);
    open_store(b);
}

/* Goal: an older state.db, and one that went on differently, are found by what was published; also
 * when only the store's own heads show it.
 * Method: a copy at 5 events, put back after 9 were signed. */
static void rollback_and_fork_are_found(void **state)
{
    static struct bed b;
    char old[HOME_PATH_MAX];
    char checkpoint[HOME_PATH_MAX];
    struct pt_err err = {0};

    begin(&b, state);
    home_path(old, &b.home, "old");
    home_path(checkpoint, &b.home, "log/checkpoint");
    events(&b, "a=1", 5);
    publish(&b);
    close_both(&b);
    copy(old, b.db);
    open_store(&b);
    open_log(&b);
    events(&b, "a=1", 4);
    publish(&b);
    put_back(&b, old);
    assert_int_equal(try_open(&b, &err), PT_EDENIED);
    assert_non_null(strstr(err.msg, "event 6 is the first that is missing"));
    /* As many events again, but not those. */
    events(&b, "a=1", 4);
    assert_int_equal(try_open(&b, &err), PT_EBADMSG);
    assert_non_null(strstr(err.msg, "fork"));
    assert_non_null(strstr(err.msg, "event 6"));
    events(&b, "a=1", 40);
    assert_int_equal(try_open(&b, &err), PT_EBADMSG);
    assert_non_null(strstr(err.msg, "event 6"));
    /* Without the published files, nobody but a witness can tell. */
    assert_int_equal(unlink(checkpoint), 0);
    open_log(&b);
    end(&b);
}

static void a_checkpoint_that_is_not_ours(void **state)
{
    static struct bed b;
    char path[HOME_PATH_MAX];
    struct pt_err err = {0};

    begin(&b, state);
    events(&b, "a=1", 2);
    publish(&b);
    translog_close(b.log);
    b.log = NULL;
    home_path(path, &b.home, "log/checkpoint");
    flip(&b, "log/checkpoint", 3);
    assert_int_equal(try_open(&b, &err), PT_EBADMSG);
    assert_non_null(strstr(err.msg, "log/checkpoint"));
    scratch_write(path, span_z("nothing"));
    assert_int_equal(try_open(&b, &err), PT_EBADMSG);
    end(&b);
}

/* Goal: cosignatures join what is published, as long as it is still that. */
static void cosignatures_are_published(void **state)
{
    static struct bed b;
    struct fixture_partner other;
    struct note_key witness;
    struct checkpoint c;
    struct buf text = {0};
    struct buf note;
    struct buf file;
    struct pt_err err = {0};
    bool found;

    begin(&b, state);
    events(&b, "a=1", 2);
    publish(&b);
    fixture_partner_init(&other, 1, NULL);
    size_t at = (size_t)policy_find_partner(b.home.policy, other.name);
    assert_int_equal(log_key_make(&witness, b.home.policy, at, NOTE_COSIGNATURE, &err), PT_OK);
    assert_int_equal(translog_checkpoint(&note, b.log, NOW_S, &err), PT_OK);
    const struct checkpoint_trust trust = {.log = &b.key};
    assert_int_equal(checkpoint_open(&c, NULL, buf_span(&note), &trust, &err), PT_OK);
    assert_int_equal(checkpoint_print(&text, &c, &err), PT_OK);
    assert_int_equal(note_cosign(&note, &witness, &other.node, buf_span(&text), NOW_S, &err),
                     PT_OK);
    assert_int_equal(translog_cosigned(b.log, buf_span(&note), &err), PT_OK);
    assert_int_equal(translog_read(&file, &found, b.log, &err), PT_OK);
    assert_true(found && span_eq_vartime(buf_span(&file), buf_span(&note)));
    buf_free(&file);
    events(&b, "a=1", 1);
    publish(&b);
    assert_int_equal(translog_cosigned(b.log, buf_span(&note), &err), PT_OK);
    assert_int_equal(translog_read(&file, &found, b.log, &err), PT_OK);
    assert_false(span_eq_vartime(buf_span(&file), buf_span(&note)));
    buf_free(&file);
    buf_free(&note);
    /* Signed with our key over another root: only a stolen key could. */
    c.size = 3;
    assert_int_equal(checkpoint_sign(&note, &c, &b.keys.node, &err), PT_OK);
    assert_int_equal(translog_cosigned(b.log, buf_span(&note), &err), PT_EDENIED);
    buf_free(&note);
    buf_free(&text);
    end(&b);
}

enum { THREADS = 4, ROUNDS = 25 };

static void *work(void *argument)
{
    struct bed *b = argument;
    struct merkle_proof p;
    struct store_place place;
    struct buf note;
    struct pt_err err;

    for (int i = 0; i < ROUNDS; i++) {
        const struct checkpoint_trust trust = {.log = &b->key};
        struct checkpoint c;
        if (store_event(&place, b->store, "test", "a=1", NOW_S, &err) != PT_OK ||
            translog_checkpoint(&note, b->log, NOW_S, &err) != PT_OK)
            return b; /* asserts are for the main thread */
        bool good = checkpoint_open(&c, NULL, buf_span(&note), &trust, &err) == PT_OK &&
                    c.size >= place.sequence &&
                    translog_inclusion(&p, b->log, place.sequence - 1, c.size, &err) == PT_OK;
        buf_free(&note);
        if (!good)
            return b;
    }
    return NULL;
}

/* Goal: whoever has recorded an event gets a checkpoint that covers it, and all heads are of one
 * history. */
static void threads_share_the_log(void **state)
{
    static struct bed b;
    pthread_t threads[THREADS];
    struct pt_err err = {0};
    void *failed;

    begin(&b, state);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &b), 0);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(translog_published(b.log), THREADS * ROUNDS);
    assert_int_equal(translog_check(b.log, &err), PT_OK);
    close_both(&b);
    open_store(&b);
    open_log(&b);
    end(&b);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        CASE(checkpoints_continue_each_other), CASE(nothing_to_sign_is_said),
        CASE(a_head_is_kept_over_a_crash),     CASE(tiles_are_checked_and_repaired),
        CASE(rollback_and_fork_are_found),     CASE(a_checkpoint_that_is_not_ours),
        CASE(cosignatures_are_published),      CASE(threads_share_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
