/* Goal: columns on disk: found only when whole, gone with their epoch, and no leftovers of a
 * process that was killed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "node/blobs.h"
#include "tests/scratch.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct digest OLD = {{1}}, NOW = {{2}}, NAME = {{3}};

static struct home home_at(void **state)
{
    struct home h = {0};

    (void)snprintf(h.dir, sizeof h.dir, "%s", (const char *)*state);
    return h;
}

/* Files in a folder of HOME/columns. */
static size_t count(void **state, const char *under)
{
    char path[512];
    size_t n = 0;

    (void)snprintf(path, sizeof path, "%s/columns/%s", (const char *)*state, under);
    DIR *d = opendir(path);
    if (!d)
        return 0;
    for (struct dirent *e = readdir(d); e; e = readdir(d))
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}
#define OLD_FOLDER "01000000000000000000000000000000"
#define NOW_FOLDER "02000000000000000000000000000000"

static void put(const struct home *h, const struct digest *epoch, const char *peer, bool whole)
{
    const struct blobs_at at = {.home = h, .epoch = epoch, .peer = peer};
    struct fileio_new f;
    struct pt_err err = {0};

    if (blob_begin(&f, &at, &NAME, &err) != PT_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(fileio_add(&f, span_z("ciphertext"), &err), PT_OK);
    if (whole)
        assert_int_equal(fileio_commit(&f, &err), PT_OK);
    else
        (void)close(f.fd); /* as if killed */
}

static void leftovers_are_swept(void **state)
{
    struct home h = home_at(state);
    const struct blobs_at at = {.home = &h, .epoch = &NOW, .peer = "drinkco"};
    struct blob_map m;
    struct pt_err err = {0};
    bool found;

    assert_int_equal(blobs_sweep(&h, &err), PT_OK); /* a home without columns */
    put(&h, &NOW, "drinkco", true);
    put(&h, &NOW, "drinkco", false);
    put(&h, &NOW, "homeware", false);
    put(&h, &OLD, "drinkco", false);
    assert_int_equal(count(state, NOW_FOLDER "/drinkco-held"), 2);
    scratch_write(scratch_path(state, "columns/stray"), span_z("not ours"));
    assert_int_equal(blobs_sweep(&h, &err), PT_OK);
    assert_int_equal(count(state, NOW_FOLDER "/drinkco-held"), 1);
    assert_int_equal(count(state, NOW_FOLDER "/homeware-held"), 0);
    assert_int_equal(count(state, OLD_FOLDER "/drinkco-held"), 0);
    assert_int_equal(blob_map(&m, &found, &at, &NAME, 10, &err), PT_OK);
    assert_true(found);
    assert_true(span_eq_vartime(m.bytes, span_z("ciphertext")));
    blob_unmap(&m);
    assert_int_equal(blob_map(&m, &found, &at, &NAME, 11, &err), PT_OK);
    assert_false(found);
}

/* Goal: bytes are read from the file, or where the process has few descriptors left from the mapping; none
 * beyond the end, and none of a file that became shorter. */
static void columns_are_read(void **state)
{
    struct home h = home_at(state);
    const struct blobs_at at = {.home = &h, .epoch = &NOW, .peer = "drinkco"};
    struct rlimit limit;
    struct pt_err err = {0};
    char path[512];
    bool found;

    put(&h, &NOW, "drinkco", true);
    (void)snprintf(path, sizeof path, "%s/columns/" NOW_FOLDER "/drinkco-held/03%062d",
                   (const char *)*state, 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    for (int few = 0; few < 2; few++) {
        const struct rlimit now = {few ? 8 : limit.rlim_cur, limit.rlim_max};
        uint8_t out[10] = {0};
        struct blob_map m;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
        assert_int_equal(blob_map(&m, &found, &at, &NAME, 10, &err), PT_OK);
        assert_true(found);
        assert_int_equal(m.open > 0, !few);
        assert_true(blob_read(&m, 2, out, 8));
        assert_memory_equal(out, "phertext", 8);
        assert_true(blob_read(&m, 10, out, 0));
        assert_false(blob_read(&m, 2, out, 9));
        assert_false(blob_read(&m, 11, out, 0));
        assert_false(blob_read(&m, UINT64_MAX, out, 2));
        if (!few) {
            assert_int_equal(truncate(path, 5), 0);
            assert_false(blob_read(&m, 2, out, 8));
            put(&h, &NOW, "drinkco", true);
        }
        blob_unmap(&m);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* Goal: what an older build kept of our own columns goes at start, and nothing beside it. */
static void columns_sent_are_swept(void **state)
{
    struct home h = home_at(state);
    char path[512];
    struct pt_err err = {0};

    put(&h, &NOW, "drinkco", true);
    put(&h, &NOW, "homeware-sent", true); /* a peer of that name */
    (void)snprintf(path, sizeof path, "%s/columns/" NOW_FOLDER "/drinkco-sent",
                   (const char *)*state);
    assert_int_equal(mkdir(path, 0700), 0);
    scratch_write(scratch_path(state, "columns/" NOW_FOLDER "/drinkco-sent/03"),
                  span_z("ciphertext"));
    assert_int_equal(count(state, NOW_FOLDER), 3);
    assert_int_equal(blobs_sweep(&h, &err), PT_OK);
    assert_int_equal(count(state, NOW_FOLDER), 2);
    assert_int_equal(count(state, NOW_FOLDER "/drinkco-held"), 1);
    assert_int_equal(count(state, NOW_FOLDER "/homeware-sent-held"), 1);
}

static void epochs_gone_by_are_removed(void **state)
{
    struct home h = home_at(state);

    put(&h, &OLD, "drinkco", true);
    put(&h, &OLD, "homeware", true);
    put(&h, &NOW, "drinkco", true);
    blobs_retire(&h, &NOW);
    blobs_drop(&h, &OLD); /* gone already */
    assert_int_equal(count(state, ""), 1);
    assert_int_equal(count(state, NOW_FOLDER "/drinkco-held"), 1);
    blobs_drop(&h, &NOW);
    assert_int_equal(count(state, ""), 0);
}

/* The digest of the held column, by way of `seen`. */
static struct digest digest_of(const struct home *h, struct blobs_seen *seen)
{
    const struct blobs_at at = {.home = h, .epoch = &NOW, .peer = "drinkco"};
    struct blob_map map;
    struct digest d;
    struct pt_err err = {0};
    bool found;

    assert_int_equal(blob_map(&map, &found, &at, &NAME, strlen("ciphertext"), &err), PT_OK);
    assert_true(found);
    blob_digest(&d, seen, &map);
    blob_unmap(&map);
    return d;
}

/* Goal: a file is hashed again when it is not the one that was hashed: written to, or replaced. */
static void a_changed_file_is_hashed_again(void **state)
{
    struct home h = home_at(state);
    struct blobs_seen *seen = blobs_seen_new();
    char path[512];
    char name[65] = "03";

    memset(name + 2, '0', 62);
    (void)snprintf(path, sizeof path, "%s/columns", (const char *)*state);
    (void)mkdir(path, 0700);
    put(&h, &NOW, "drinkco", true);
    struct digest first = digest_of(&h, seen);
    struct digest plain = digest_of(&h, NULL);
    assert_memory_equal(&first, &plain, sizeof first);
    plain = digest_of(&h, seen);
    assert_memory_equal(&first, &plain, sizeof first);

    (void)snprintf(path, sizeof path, "%s/columns/" NOW_FOLDER "/drinkco-held/%s",
                   (const char *)*state, name);
    usleep(20000);                          /* the kernel's clock of files moves in ticks */
    assert_int_equal(chmod(path, 0600), 0); /* another change time: not known any more */
    const struct blobs_at at = {.home = &h, .epoch = &NOW, .peer = "drinkco"};
    const struct digest told = {{5}}; /* which no file has: it shows who hashed */
    blob_hashed(seen, &at, &NAME, &told);
    plain = digest_of(&h, seen);
    assert_memory_equal(&told, &plain, sizeof told);
    blob_hashed(NULL, &at, &NAME, &told);
    usleep(20000); /* the kernel's clock of files moves in ticks */
    FILE *f = fopen(path, "r+");
    assert_non_null(f);
    fputc('C', f);
    fclose(f);
    struct digest changed = digest_of(&h, seen);
    plain = digest_of(&h, NULL);
    assert_memory_equal(&changed, &plain, sizeof plain);
    assert_memory_not_equal(&changed, &first, sizeof first);
    put(&h, &NOW, "drinkco", true);
    plain = digest_of(&h, seen);
    assert_memory_equal(&plain, &first, sizeof first);
    blobs_seen_free(seen);
    blobs_seen_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_changed_file_is_hashed_again, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(columns_are_read, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(leftovers_are_swept, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(columns_sent_are_swept, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(epochs_gone_by_are_removed, scratch_setup,
                                        scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
