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

static void epochs_gone_by_are_removed(void **state)
{
    struct home h = home_at(state);

    put(&h, &OLD, "drinkco", true);
    put(&h, &OLD, "homeware", true);
    put(&h, &NOW, "drinkco", true);
    blobs_retire(&h, &NOW);
    assert_int_equal(count(state, ""), 1);
    assert_int_equal(count(state, NOW_FOLDER "/drinkco-held"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(leftovers_are_swept, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(epochs_gone_by_are_removed, scratch_setup,
                                        scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
