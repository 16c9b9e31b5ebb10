#include "tests/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

int scratch_setup(void **state)
{
    const char *root = getenv("TMPDIR");
    char path[512];

    snprintf(path, sizeof path, "%s/patto-test-XXXXXX", root != NULL ? root : "/tmp");
    if (mkdtemp(path) == NULL)
        return -1;
    *state = strdup(path);
    return *state != NULL ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

int scratch_teardown(void **state)
{
    int rc = nftw(*state, remove_one, 16, FTW_DEPTH | FTW_PHYS);

    free(*state);
    *state = NULL;
    return rc;
}

const char *scratch_path(void **state, const char *name)
{
    static char room[4][1024];
    static unsigned turn;
    char *out = room[turn++ % 4];

    snprintf(out, sizeof room[0], "%s/%s", (const char *)*state, name);
    return out;
}

void scratch_write(const char *path, struct span content)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, content.n > 0 ? (const void *)content.p : "", content.n),
                     (ssize_t)content.n);
    assert_int_equal(close(fd), 0);
}
