#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "node/fileio.h"

static char dir[] = P_tmpdir "/patto-fileio-XXXXXX";

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) == NULL ? -1 : 0;
}

static int remove_dir(void **state)
{
    struct pt_err err;
    char path[FILEIO_PATH_MAX];

    (void)state;
    if (fileio_join(path, dir, "file", &err) != PT_OK)
        return -1;
    unlink(path);
    return rmdir(dir); /* fails when a test left something behind */
}

static void path_of(char path[FILEIO_PATH_MAX], const char *name)
{
    struct pt_err err;
    assert_int_equal(fileio_join(path, dir, name, &err), PT_OK);
}

static void assert_holds(const char *path, const char *want)
{
    struct pt_err err = {0};
    struct buf got = {0};

    assert_int_equal(fileio_read(&got, path, 100, &err), PT_OK);
    assert_true(span_eq_vartime(buf_span(&got), span_z(want)));
    buf_free(&got);
}

static size_t entries(void)
{
    size_t n = 0;
    DIR *d = opendir(dir);

    assert_non_null(d);
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n - 2; /* . and .. */
}

static void replaced_whole_or_not_at_all(void **state)
{
    char path[FILEIO_PATH_MAX];
    struct fileio_new f;
    struct pt_err err = {0};
    struct stat st;

    (void)state;
    path_of(path, "file");
    assert_int_equal(fileio_write(path, span_z("old"), &err), PT_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);

    assert_int_equal(fileio_begin(&f, path, &err), PT_OK);
    assert_int_equal(fileio_add(&f, span_z("half of the n"), &err), PT_OK);
    assert_holds(path, "old"); /* while it is being written, and when given up */
    fileio_abandon(&f);
    fileio_abandon(&f);
    assert_holds(path, "old");
    assert_int_equal(entries(), 1);

    assert_int_equal(fileio_begin(&f, path, &err), PT_OK);
    assert_int_equal(fileio_add(&f, span_z("ne"), &err), PT_OK);
    assert_int_equal(fileio_add(&f, span_z("w"), &err), PT_OK);
    assert_int_equal(fileio_commit(&f, &err), PT_OK);
    fileio_abandon(&f);
    assert_holds(path, "new");
    assert_int_equal(entries(), 1);
    assert_int_equal(fileio_remove(path, &err), PT_OK);
    assert_int_equal(fileio_remove(path, &err), PT_OK);
    assert_false(fileio_exists(path));
}

/* What a kill leaves is swept; the file itself stays. */
static void sweep_takes_leftovers_only(void **state)
{
    char path[FILEIO_PATH_MAX];
    struct fileio_new f;
    struct pt_err err = {0};

    (void)state;
    path_of(path, "file");
    assert_int_equal(fileio_write(path, span_z("kept"), &err), PT_OK);
    assert_int_equal(fileio_begin(&f, path, &err), PT_OK);
    close(f.fd); /* as a kill would */
    assert_int_equal(entries(), 2);
    assert_int_equal(fileio_sweep(dir, &err), PT_OK);
    assert_int_equal(entries(), 1);
    assert_holds(path, "kept");
}

static void errors_say_what_to_do(void **state)
{
    char path[FILEIO_PATH_MAX];
    struct buf got = {0};
    struct pt_err err = {0};
    int fd;

    (void)state;
    assert_int_equal(fileio_read(&got, dir, 100, &err), PT_EIO);
    assert_non_null(strstr(err.msg, "it is a folder; name a file"));
    path_of(path, "absent");
    assert_int_equal(fileio_read(&got, path, 100, &err), PT_EIO);
    assert_non_null(strstr(err.msg, "no such file or folder"));
    path_of(path, "absent/file");
    assert_int_equal(fileio_write(path, span_z("x"), &err), PT_EIO);
    path_of(path, "file");
    assert_int_equal(fileio_write(path, span_z("12345"), &err), PT_OK);
    assert_int_equal(fileio_read(&got, path, 4, &err), PT_ELIMIT);
    assert_int_equal(got.n, 0);
    path_of(path, "file/below");
    assert_int_equal(fileio_open(&fd, NULL, path, &err), PT_EIO);
    assert_int_equal(fd, -1);
    assert_non_null(strstr(err.msg, "not a folder"));
    /* A pipe nobody writes to must not block. */
    path_of(path, "pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(fileio_open(&fd, NULL, path, &err), PT_EIO);
    assert_non_null(strstr(err.msg, "not a regular file"));
    unlink(path);
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_int_equal(fileio_write(path, span_z("x"), &err), PT_ELIMIT);
    buf_free(&got);
}

/* A disk that fills up is played by the file size limit of this process. */
static void failed_write_leaves_the_old_file(void **state)
{
    char path[FILEIO_PATH_MAX];
    static const uint8_t big[20000];
    struct rlimit was;
    struct rlimit low;
    struct pt_err err = {0};

    (void)state;
    path_of(path, "file");
    assert_int_equal(fileio_write(path, span_z("old"), &err), PT_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    low = (struct rlimit){10000, was.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    enum pt_code rc = fileio_write(path, span_of(big, sizeof big), &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_equal(rc, PT_EIO);
    assert_holds(path, "old");
    assert_int_equal(entries(), 1);
    /* And a real one, where the machine has the device that is always full. */
    int fd = open("/dev/full", O_WRONLY);
    if (fd >= 0) {
        struct fileio_new f = {.fd = fd, .path = "/dev/full"};
        assert_int_equal(fileio_add(&f, span_z("x"), &err), PT_EIO);
        assert_non_null(strstr(err.msg, "the disk is full; free some space"));
        close(fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replaced_whole_or_not_at_all),
        cmocka_unit_test(sweep_takes_leftovers_only),
        cmocka_unit_test(errors_say_what_to_do),
        cmocka_unit_test(failed_write_leaves_the_old_file),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
