/* fuzz_file.h - for targets whose reader takes a path: a folder of this process, gone at its end. */
#ifndef PT_TESTS_FUZZ_FILE_H
#define PT_TESTS_FUZZ_FILE_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/base/span.h"

static char fuzz_folder[256]; /* empty: none yet */

/* Nothing of this has to outlive the machine, and waiting for the disk is not the subject. */
int fdatasync(int fd)
{
    (void)fd;
    return 0;
}
int fsync(int fd)
{
    (void)fd;
    return 0;
}

static inline void fuzz_folder_remove(void)
{
    DIR *d = opendir(fuzz_folder);

    for (struct dirent *e = d != NULL ? readdir(d) : NULL; e != NULL; e = readdir(d))
        if (e->d_name[0] != '.')
            (void)!unlinkat(dirfd(d), e->d_name, 0);
    if (d != NULL)
        closedir(d);
    (void)!rmdir(fuzz_folder);
}

static inline const char *fuzz_dir(void)
{
    const char *above = getenv("TMPDIR");

    if (fuzz_folder[0] != '\0')
        return fuzz_folder;
    snprintf(fuzz_folder, sizeof fuzz_folder, "%s/patto-fuzz-XXXXXX",
             above != NULL ? above : "/tmp");
    if (mkdtemp(fuzz_folder) == NULL || atexit(fuzz_folder_remove) != 0)
        abort();
    return fuzz_folder;
}

/* FOLDER/NAME in path. */
static inline void fuzz_path(char *path, size_t cap, const char *name)
{
    int n = snprintf(path, cap, "%s/%s", fuzz_dir(), name);

    if (n < 0 || (size_t)n >= cap)
        abort();
}

static inline void fuzz_write(const char *path, struct span bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0 || write(fd, bytes.p, bytes.n) != (ssize_t)bytes.n || close(fd) != 0)
        abort();
}

#endif
