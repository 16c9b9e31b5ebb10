#include "node/fileio.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMP_TAIL ".tmp"

/* What the machine refused, and what the reader can do about it. */
static enum pt_code machine_error(struct pt_err *err, const char *doing, const char *path, int why)
{
    static const struct advice {
        int why;
        const char *what;
    } ADVICE[] = {
        {ENOSPC, "the disk is full; free some space and run it again"},
        {EDQUOT, "the disk quota is used up; free some space and run it again"},
        {EROFS, "the file system is read-only; mount it writable or choose another home"},
        {EACCES, "permission denied; check the owner and mode of the file and its folder"},
        {EPERM, "not permitted; check the owner and mode of the file and its folder"},
        {ENOENT, "no such file or folder"},
        {ENOTDIR, "a part of the path is not a folder"},
        {EISDIR, "it is a folder, not a file"},
        {EMFILE, "too many open files; raise the limit (ulimit -n)"},
    };

    for (size_t i = 0; i < PT_LEN(ADVICE); i++)
        if (ADVICE[i].why == why)
            return pt_fail(err, PT_EIO, "%s %s: %s", doing, path, ADVICE[i].what);
    char text[128];
    return pt_fail(err, PT_EIO, "%s %s: %s", doing, path, strerror_r(why, text, sizeof text));
}

/* A rename or removal lasts only once the folder that names the file is on the disk. */
static enum pt_code flush_folder(const char *path, struct pt_err *err)
{
    char dir[FILEIO_PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t n = slash == NULL ? 0 : (size_t)(slash - path);

    if (slash == NULL)
        snprintf(dir, sizeof dir, ".");
    else
        snprintf(dir, sizeof dir, "%.*s", n == 0 ? 1 : (int)n, path);
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return machine_error(err, "opening folder", dir, errno);
    int rc = fsync(fd);
    int why = errno;
    close(fd);
    /* Some file systems have no fsync of folders, and say so with EINVAL. */
    return rc == 0 || why == EINVAL ? PT_OK : machine_error(err, "flushing folder", dir, why);
}

enum pt_code fileio_begin(struct fileio_new *f, const char *path, struct pt_err *err)
{
    f->fd = -1;
    f->path[0] = f->temp[0] = '\0';
    if (strlen(path) + sizeof ".XXXXXX" TEMP_TAIL > sizeof f->temp)
        return pt_fail(err, PT_ELIMIT, "writing %s: the path is longer than %d characters", path,
                       FILEIO_PATH_MAX - 12);
    snprintf(f->path, sizeof f->path, "%s", path);
    snprintf(f->temp, sizeof f->temp, "%s.XXXXXX%s", path, TEMP_TAIL);
    f->fd = mkostemps(f->temp, (int)strlen(TEMP_TAIL), O_CLOEXEC); /* mode 0600 */
    if (f->fd < 0) {
        int why = errno;
        f->temp[0] = '\0';
        return machine_error(err, "writing", path, why);
    }
    return PT_OK;
}

/* What is written at once a file system keeps in pages side by side, as many as it can. In a guest those are
 * the ones that its host has taken back, and writing 1 MiB at a time takes several times as long for them. */
static size_t at_once(size_t n)
{
    const size_t most = 1 << 15;

    return n < most ? n : most;
}

enum pt_code fileio_add(struct fileio_new *f, struct span bytes, struct pt_err *err)
{
    while (bytes.n > 0) {
        ssize_t n = write(f->fd, bytes.p, at_once(bytes.n));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return machine_error(err, "writing", f->path, n < 0 ? errno : ENOSPC);
        bytes.p += n;
        bytes.n -= (size_t)n;
    }
    return PT_OK;
}

enum pt_code fileio_leave(struct fileio_new *f, size_t n, struct pt_err *err)
{
    return lseek(f->fd, (off_t)n, SEEK_CUR) >= 0 ? PT_OK
                                                 : machine_error(err, "writing", f->path, errno);
}

enum pt_code fileio_put(struct fileio_new *f, uint64_t offset, struct span bytes,
                        struct pt_err *err)
{
    while (bytes.n > 0) {
        ssize_t n = pwrite(f->fd, bytes.p, at_once(bytes.n), (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return machine_error(err, "writing", f->path, n < 0 ? errno : ENOSPC);
        bytes.p += n;
        bytes.n -= (size_t)n;
        offset += (uint64_t)n;
    }
    return PT_OK;
}

enum pt_code fileio_get(void *out, size_t n, const struct fileio_new *f, uint64_t offset,
                        struct pt_err *err)
{
    for (size_t at = 0; at < n;) {
        ssize_t got = pread(f->fd, (uint8_t *)out + at, n - at, (off_t)(offset + at));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return machine_error(err, "reading", f->path, errno);
        if (got == 0)
            return pt_fail(err, PT_EIO, "reading %s: it became shorter meanwhile", f->path);
        at += (size_t)got;
    }
    return PT_OK;
}

enum pt_code fileio_nameless(struct fileio_new *f, const char *dir, struct pt_err *err)
{
    char path[FILEIO_PATH_MAX];
    enum pt_code rc;

    f->fd = -1;
    f->temp[0] = '\0';
    if ((rc = fileio_join(path, dir, "spool", err)) != PT_OK)
        return rc;
    memcpy(f->path, path, sizeof path);
    f->fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (f->fd >= 0)
        return PT_OK;
    /* A file system that has none of these: one whose name goes at once. */
    if ((rc = fileio_begin(f, path, err)) != PT_OK)
        return rc;
    unlink(f->temp);
    f->temp[0] = '\0';
    return PT_OK;
}

static enum pt_code commit(struct fileio_new *f, bool flush, struct pt_err *err)
{
    int why = 0;

    if (flush && fsync(f->fd) != 0)
        why = errno;
    if (close(f->fd) != 0 && why == 0)
        why = errno;
    f->fd = -1;
    if (why == 0 && rename(f->temp, f->path) != 0)
        why = errno;
    if (why != 0) {
        fileio_abandon(f);
        return machine_error(err, "writing", f->path, why);
    }
    f->temp[0] = '\0';
    return flush ? flush_folder(f->path, err) : PT_OK;
}

enum pt_code fileio_commit(struct fileio_new *f, struct pt_err *err)
{
    return commit(f, true, err);
}

enum pt_code fileio_commit_unflushed(struct fileio_new *f, struct pt_err *err)
{
    return commit(f, false, err);
}

void fileio_abandon(struct fileio_new *f)
{
    if (f->fd >= 0)
        close(f->fd);
    if (f->temp[0] != '\0')
        unlink(f->temp);
    f->fd = -1;
    f->temp[0] = '\0';
}

enum pt_code fileio_grow(struct fileio_new *f, bool *made, const char *path, struct pt_err *err)
{
    *made = false;
    f->temp[0] = '\0';
    if (strlen(path) >= sizeof f->path)
        return pt_fail(err, PT_ELIMIT, "writing %s: the path is too long", path);
    snprintf(f->path, sizeof f->path, "%s", path);
    f->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    *made = f->fd >= 0;
    return *made || errno == EEXIST ? PT_OK : machine_error(err, "writing", path, errno);
}

enum pt_code fileio_flush(struct fileio_new *f, struct pt_err *err)
{
    if (fdatasync(f->fd) != 0)
        return machine_error(err, "writing", f->path, errno);
    return flush_folder(f->path, err);
}

void fileio_close(struct fileio_new *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

enum pt_code fileio_write(const char *path, struct span bytes, struct pt_err *err)
{
    struct fileio_new f;
    enum pt_code rc;

    if ((rc = fileio_begin(&f, path, err)) != PT_OK)
        return rc;
    if ((rc = fileio_add(&f, bytes, err)) == PT_OK)
        return fileio_commit(&f, err);
    fileio_abandon(&f);
    return rc;
}

enum pt_code fileio_open(int *fd, uint64_t *bytes, const char *path, struct pt_err *err)
{
    struct stat st;

    /* O_NONBLOCK: a named pipe without a writer must be refused, not waited for. */
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0)
        return machine_error(err, "reading", path, errno);
    int why = fstat(*fd, &st) == 0 ? 0 : errno;
    if (why == 0 && S_ISREG(st.st_mode)) {
        if (bytes != NULL)
            *bytes = (uint64_t)st.st_size;
        return PT_OK;
    }
    close(*fd);
    *fd = -1;
    if (why != 0)
        return machine_error(err, "reading", path, why);
    return pt_fail(err, PT_EIO, "reading %s: it is %s; name a file", path,
                   S_ISDIR(st.st_mode) ? "a folder" : "not a regular file");
}

enum pt_code fileio_fill(size_t *n, int fd, void *out, size_t cap, const char *path,
                         struct pt_err *err)
{
    *n = 0;
    while (*n < cap) {
        ssize_t got = read(fd, (uint8_t *)out + *n, cap - *n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return machine_error(err, "reading", path, errno);
        if (got == 0)
            break;
        *n += (size_t)got;
    }
    return PT_OK;
}

enum pt_code fileio_read(struct buf *out, const char *path, size_t max, struct pt_err *err)
{
    uint64_t bytes = 0;
    size_t need;
    size_t got = 0;
    int fd = -1;
    enum pt_code rc = fileio_open(&fd, &bytes, path, err);

    if (rc != PT_OK)
        return rc;
    if (bytes > max) {
        rc = pt_fail(err, PT_ELIMIT, "reading %s: it is longer than %zu bytes", path, max);
        goto out;
    }
    if (!pt_add(out->n, (size_t)bytes, &need) || !buf_reserve(out, need)) {
        rc = pt_fail(err, PT_ENOMEM, "reading %s: not enough memory", path);
        goto out;
    }
    if (bytes > 0)
        rc = fileio_fill(&got, fd, out->p + out->n, (size_t)bytes, path, err);
    out->n += got;
    if (rc == PT_OK && got != bytes)
        rc = pt_fail(err, PT_EIO, "reading %s: it became shorter meanwhile; try again", path);
out:
    close(fd);
    return rc;
}

bool fileio_exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

enum pt_code fileio_join(char out[FILEIO_PATH_MAX], const char *dir, const char *name,
                         struct pt_err *err)
{
    int n = snprintf(out, FILEIO_PATH_MAX, "%s/%s", dir, name);

    if (n >= 0 && n < FILEIO_PATH_MAX)
        return PT_OK;
    out[0] = '\0';
    return pt_fail(err, PT_ELIMIT, "%s: the path is longer than %d characters", dir,
                   FILEIO_PATH_MAX - 1);
}

enum pt_code fileio_remove(const char *path, struct pt_err *err)
{
    if (unlink(path) == 0)
        return flush_folder(path, err);
    return errno == ENOENT ? PT_OK : machine_error(err, "removing", path, errno);
}

enum pt_code fileio_sweep(const char *dir, struct pt_err *err)
{
    char path[FILEIO_PATH_MAX];
    enum pt_code rc = PT_OK;
    DIR *d = opendir(dir);

    if (d == NULL)
        return machine_error(err, "looking through", dir, errno);
    for (struct dirent *e = readdir(d); e != NULL && rc == PT_OK; e = readdir(d)) {
        size_t n = strlen(e->d_name);
        size_t tail = strlen(TEMP_TAIL);
        if (n <= tail || strcmp(e->d_name + n - tail, TEMP_TAIL) != 0)
            continue;
        if ((rc = fileio_join(path, dir, e->d_name, err)) == PT_OK)
            rc = fileio_remove(path, err);
    }
    closedir(d);
    return rc;
}
