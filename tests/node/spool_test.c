#include "node/spool.h"

#include <dirent.h>
#include <errno.h>
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

enum { RECORD = 61, CHUNK = SPOOL_CHUNK_BYTES / RECORD };

static char dir[] = P_tmpdir "/patto-spool-XXXXXX";

/* A file system that has no nameless files, as long as this is set. */
static bool without_nameless;
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    mode_t mode = 0;

    if (without_nameless && (flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    if ((flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE) { /* nobody else gives a mode */
        va_list more;
        va_start(more, flags);
        mode = va_arg(more, mode_t);
        va_end(more);
    }
    return __real_open(path, flags, mode);
}

static int setup(void **state)
{
    (void)state;
    return mkdtemp(dir) == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    return rmdir(dir); /* fails when something was left */
}

/* Record i of a part: its numbers in front, then what follows from them. */
static void record_of(uint8_t out[RECORD], size_t part, uint32_t i)
{
    memset(out, (int)(part * 31 + i * 7), RECORD);
    store_u32le(out, (uint32_t)part);
    store_u32le(out + 4, i);
}

static void put(struct spool *s, size_t part, uint32_t first, uint32_t count)
{
    struct pt_err err = {0};
    uint8_t r[RECORD];

    for (uint32_t i = first; i < first + count; i++) {
        record_of(r, part, i);
        assert_int_equal(spool_put(s, part, r, &err), PT_OK);
    }
}

struct taken {
    size_t part;
    uint32_t next, fail_at;
};
static enum pt_code take(void *self, const uint8_t *record, struct pt_err *err)
{
    struct taken *t = self;
    uint8_t want[RECORD];

    if (t->next == t->fail_at)
        return pt_fail(err, PT_ELIMIT, "enough");
    record_of(want, t->part, t->next++);
    assert_memory_equal(record, want, RECORD);
    return PT_OK;
}

static enum pt_code take_all(struct spool *s, size_t part, uint32_t *count, struct pt_err *err)
{
    struct taken t = {.part = part, .fail_at = UINT32_MAX};
    const enum pt_code rc = spool_take(s, part, &(struct spool_taker){take, &t}, err);

    *count = t.next;
    return rc;
}

static struct spool *new_spool(void)
{
    struct spool *s = NULL;
    struct pt_err err;

    assert_int_equal(spool_new(&s, dir, RECORD, &err), PT_OK);
    return s;
}

/* Goal: each part gives what went into it, all of it, in order, however the parts took turns and
 * however full their chunks are. */
static void parts_keep_their_order(void **state)
{
    static const struct {
        size_t part;
        uint32_t count;
    } PARTS[] = {{0, 0},
                 {1, 1},
                 {2, CHUNK - 1},
                 {3, CHUNK},
                 {4, CHUNK + 1},
                 {700, 2 * CHUNK},
                 {SPOOL_PARTS - 1, 5 * CHUNK + 17}};
    struct spool *s = new_spool();
    struct pt_err err;
    uint32_t count;

    (void)state;
    for (uint32_t i = 0; i < 5 * CHUNK + 17; i++)
        for (size_t p = 0; p < PT_LEN(PARTS); p++)
            if (i < PARTS[p].count)
                put(s, PARTS[p].part, i, 1);
    for (size_t p = PT_LEN(PARTS); p-- > 0;) {
        assert_int_equal(take_all(s, PARTS[p].part, &count, &err), PT_OK);
        assert_int_equal(count, PARTS[p].count);
    }
    struct taken t = {.part = 700, .fail_at = CHUNK + 3};
    assert_int_equal(spool_take(s, 700, &(struct spool_taker){take, &t}, &err), PT_ELIMIT);
    assert_int_equal(t.next, CHUNK + 3);
    spool_free(s);
}

/* The only open file without a name, which the spool has; -1: none. */
static int nameless(void)
{
    DIR *d = opendir("/proc/self/fd");
    int found = -1;

    assert_non_null(d);
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        char link[64];
        char to[512];
        snprintf(link, sizeof link, "/proc/self/fd/%.20s", e->d_name);
        ssize_t n = readlink(link, to, sizeof to - 1);
        if (n <= 0)
            continue;
        to[n] = '\0';
        if (strncmp(to, dir, strlen(dir)) == 0 && strstr(to, "(deleted)") != NULL)
            found = (int)strtol(e->d_name, NULL, 10);
    }
    closedir(d);
    return found;
}

/* Goal: few records never reach the disk; many do, sealed, under no name; what was altered there is
 * told, and nothing of that chunk handed over. */
static void sealed_and_nameless(void **state)
{
    struct spool *s = new_spool();
    struct pt_err err = {0};
    static uint8_t file[8 * (SPOOL_CHUNK_BYTES + 16)];
    uint8_t r[RECORD];
    uint32_t count;

    (void)state;
    put(s, 5, 0, CHUNK);
    assert_int_equal(nameless(), -1);
    put(s, 5, CHUNK, 3 * CHUNK);
    const int fd = nameless();
    assert_true(fd >= 0);
    assert_int_equal(rmdir(dir), 0); /* there is nothing in it */
    assert_int_equal(mkdir(dir, 0700), 0);
    const ssize_t n = pread(fd, file, sizeof file, 0);
    assert_int_equal(n, 3 * (SPOOL_CHUNK_BYTES + 16));
    for (uint32_t i = 0; i < CHUNK; i++) {
        record_of(r, 5, i);
        assert_null(memmem(file, (size_t)n, r, 8));
        assert_null(memmem(file, (size_t)n, r + 8, 16));
    }
    file[SPOOL_CHUNK_BYTES + 16 + 100] ^= 1;
    assert_int_equal(pwrite(fd, file, (size_t)n, 0), n);
    assert_int_equal(take_all(s, 5, &count, &err), PT_EBADMSG);
    assert_int_equal(count, CHUNK); /* of the first chunk, which is as it was */
    /* Chunks that change places. */
    file[SPOOL_CHUNK_BYTES + 16 + 100] ^= 1;
    assert_int_equal(pwrite(fd, file + SPOOL_CHUNK_BYTES + 16, SPOOL_CHUNK_BYTES + 16, 0),
                     SPOOL_CHUNK_BYTES + 16);
    assert_int_equal(take_all(s, 5, &count, &err), PT_EBADMSG);
    assert_int_equal(count, 0);
    assert_int_equal(ftruncate(fd, 100), 0);
    assert_int_equal(take_all(s, 5, &count, &err), PT_EIO);
    spool_free(s);
    assert_int_equal(nameless(), -1);
}

static void where_files_have_names_the_name_goes_at_once(void **state)
{
    without_nameless = true;
    sealed_and_nameless(state);
    without_nameless = false;
}

static void a_full_disk_is_told(void **state)
{
    struct spool *s = new_spool();
    struct rlimit was;
    struct pt_err err = {0};
    uint8_t r[RECORD] = {0};
    enum pt_code rc = PT_OK;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){20000, was.rlim_max}), 0);
    for (uint32_t i = 0; i < 4 * CHUNK && rc == PT_OK; i++)
        rc = spool_put(s, 9, r, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_equal(rc, PT_EIO);
    spool_free(s);
    assert_int_equal(spool_new(&s, "absent-folder", RECORD, &err), PT_OK);
    rc = PT_OK;
    for (uint32_t i = 0; i < 3 * CHUNK && rc == PT_OK; i++)
        rc = spool_put(s, 9, r, &err);
    assert_int_equal(rc, PT_EIO);
    assert_non_null(strstr(err.msg, "no such file or folder"));
    spool_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_keep_their_order),
        cmocka_unit_test(sealed_and_nameless),
        cmocka_unit_test(where_files_have_names_the_name_goes_at_once),
        cmocka_unit_test(a_full_disk_is_told),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
