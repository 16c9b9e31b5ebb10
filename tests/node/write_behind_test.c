/* Goal: what is added is in the files, in order, once the wait is over, however much it is and however it is cut;
 * what cannot be written is said at the latest then, and nothing after it is written. */
#include "node/write_behind.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { FILES = 2, BYTES = 3 * WRITE_BEHIND_BYTES + 12345 };

static char dir[] = "/tmp/patto-write-behind-XXXXXX";
static uint8_t bytes[BYTES];

static void path_of(char out[FILEIO_PATH_MAX], size_t i)
{
    struct pt_err err;
    char name[8];

    snprintf(name, sizeof name, "%zu", i);
    assert_int_equal(fileio_join(out, dir, name, &err), PT_OK);
}

static void expect_file(size_t i, uint8_t first)
{
    char path[FILEIO_PATH_MAX];
    struct buf got = {0};
    struct pt_err err;

    path_of(path, i);
    assert_int_equal(fileio_read(&got, path, 2 * (size_t)BYTES, &err), PT_OK);
    assert_int_equal(got.n, BYTES);
    for (size_t k = 0; k < BYTES; k++)
        assert_int_equal(got.p[k], (uint8_t)(bytes[k] + first));
    buf_free(&got);
}

static void files_hold_what_was_added(void **state)
{
    static const size_t CUTS[] = {1, WRITE_BEHIND_PIECE, 1000003, WRITE_BEHIND_BYTES + 1};
    struct write_behind *w;
    struct fileio_new file[FILES];
    struct pt_err err = {0};

    (void)state;
    assert_int_equal(write_behind_new(&w, &err), PT_OK);
    for (size_t i = 0; i < FILES; i++) {
        char path[FILEIO_PATH_MAX];
        size_t cut = 0;
        path_of(path, i);
        assert_int_equal(fileio_begin(&file[i], path, &err), PT_OK);
        for (size_t at = 0; at < BYTES;) {
            const size_t most = CUTS[cut++ % PT_LEN(CUTS)];
            const size_t n = BYTES - at < most ? BYTES - at : most;
            uint8_t *part = malloc(n); /* the caller's own is free at once */
            assert_non_null(part);
            for (size_t k = 0; k < n; k++)
                part[k] = (uint8_t)(bytes[at + k] + i);
            assert_int_equal(write_behind_add(w, &file[i], span_of(part, n), &err), PT_OK);
            memset(part, 0xee, n);
            free(part);
            at += n;
        }
    }
    assert_int_equal(write_behind_wait(w, &err), PT_OK);
    for (size_t i = 0; i < FILES; i++) {
        assert_int_equal(fileio_commit(&file[i], &err), PT_OK);
        expect_file(i, (uint8_t)i);
    }
    assert_int_equal(write_behind_wait(w, &err), PT_OK);
    write_behind_free(w);
    write_behind_free(NULL);
}

static void what_cannot_be_written_is_said(void **state)
{
    struct write_behind *w;
    struct fileio_new closed = {.fd = -1, .path = "nowhere"};
    struct fileio_new good;
    char path[FILEIO_PATH_MAX];
    struct pt_err err = {0};
    off_t end;

    (void)state;
    path_of(path, FILES);
    assert_int_equal(fileio_begin(&good, path, &err), PT_OK);
    assert_int_equal(write_behind_new(&w, &err), PT_OK);
    (void)!write_behind_add(w, &closed, span_of(bytes, 10), &err);
    assert_int_equal(write_behind_wait(w, &err), PT_EIO);
    assert_non_null(strstr(err.msg, "nowhere"));
    assert_int_equal(write_behind_add(w, &good, span_of(bytes, 10), &err), PT_EIO);
    assert_int_equal(write_behind_wait(w, &err), PT_EIO);
    end = lseek(good.fd, 0, SEEK_END);
    assert_int_equal(end, 0);
    write_behind_free(w);
    fileio_abandon(&good);
}

static int set_up(void **state)
{
    (void)state;
    for (size_t k = 0; k < BYTES; k++)
        bytes[k] = (uint8_t)(k * 2654435761U >> 24);
    return mkdtemp(dir) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < FILES; i++) {
        char path[FILEIO_PATH_MAX];
        path_of(path, i);
        unlink(path);
    }
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_hold_what_was_added),
        cmocka_unit_test(what_cannot_be_written_is_said),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
