#include "node/blobs.h"

#include "crypto/base/text.h"
#include "proto/reply.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static enum pt_code make_folder(const char *path, struct pt_err *err)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return PT_OK;
    return pt_fail(err, PT_EIO, "%s: cannot make the folder: %s", path, strerror(errno));
}

/* HOME/columns/EPOCH, then /PEER-held; depth says how far. */
static enum pt_code folder(char out[HOME_PATH_MAX], const struct blobs_at *at, int depth,
                           struct pt_err *err)
{
    char root[HOME_PATH_MAX];
    char epoch[65];

    home_path(root, at->home, "columns");
    text_hex(epoch, at->epoch->b, 16);
    int n = depth == 0 ? snprintf(out, HOME_PATH_MAX, "%s/%s", root, epoch)
                       : snprintf(out, HOME_PATH_MAX, "%s/%s/%s-held", root, epoch, at->peer);
    if (n < 0 || n >= HOME_PATH_MAX)
        return pt_fail(err, PT_ELIMIT, "%s: the path is too long", root);
    return PT_OK;
}

static enum pt_code path_of(char out[HOME_PATH_MAX], const struct blobs_at *at,
                            const struct digest *name, struct pt_err *err)
{
    char dir[HOME_PATH_MAX];
    char hex[65];
    enum pt_code rc = folder(dir, at, 1, err);

    if (rc != PT_OK)
        return rc;
    text_hex(hex, name->b, sizeof name->b);
    return fileio_join(out, dir, hex, err);
}

enum pt_code blobs_prepare(const struct blobs_at *at, struct pt_err *err)
{
    char path[HOME_PATH_MAX];
    enum pt_code rc;

    home_path(path, at->home, "columns");
    if ((rc = make_folder(path, err)) != PT_OK)
        return rc;
    for (int depth = 0; depth < 2; depth++)
        if ((rc = folder(path, at, depth, err)) != PT_OK || (rc = make_folder(path, err)) != PT_OK)
            return rc;
    return PT_OK;
}

/* Size and owner are of no use here; the change time moves with every write and rename. */
static struct blob_identity identity_of(const struct stat *st)
{
    return (struct blob_identity){.device = (uint64_t)st->st_dev,
                                  .inode = (uint64_t)st->st_ino,
                                  .changed_s = (uint64_t)st->st_ctim.tv_sec,
                                  .changed_ns = (uint64_t)st->st_ctim.tv_nsec};
}

/* One question has hundreds of columns, and a process perhaps a thousand descriptors, of which connections
 * must have theirs. */
enum { DESCRIPTORS_SHARE = 4 };
static bool may_stay_open(int fd)
{
    struct rlimit most = {0, 0};

    return getrlimit(RLIMIT_NOFILE, &most) == 0 && (rlim_t)fd < most.rlim_cur / DESCRIPTORS_SHARE;
}

static enum pt_code map_file(struct blob_map *out, bool *found, const char *path, size_t bytes,
                             struct pt_err *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    *found = false;
    if (fd < 0)
        return errno == ENOENT ? PT_OK : pt_fail(err, PT_EIO, "%s: %s", path, strerror(errno));
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size < 0 ||
        (size_t)st.st_size != bytes || bytes == 0) {
        close(fd);
        return PT_OK;
    }
    void *p = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
    const int why = errno;
    const bool stays = p != MAP_FAILED && may_stay_open(fd);
    if (!stays)
        close(fd);
    if (p == MAP_FAILED)
        return pt_fail(err, PT_ENOMEM, "%s: cannot be mapped: %s", path, strerror(why));
    *out = (struct blob_map){span_of(p, bytes), identity_of(&st), stays ? fd + 1 : 0};
    *found = true;
    return PT_OK;
}

enum pt_code blob_map(struct blob_map *out, bool *found, const struct blobs_at *at,
                      const struct digest *name, size_t bytes, struct pt_err *err)
{
    char path[HOME_PATH_MAX];
    enum pt_code rc;

    *out = (struct blob_map){0};
    *found = false;
    if ((rc = path_of(path, at, name, err)) != PT_OK)
        return rc;
    return map_file(out, found, path, bytes, err);
}

void blob_unmap(struct blob_map *m)
{
    if (m->bytes.p != NULL) {
        void *p;
        memcpy(&p, &m->bytes.p, sizeof p); /* munmap() takes no const */
        munmap(p, m->bytes.n);
    }
    if (m->open > 0)
        close(m->open - 1);
    *m = (struct blob_map){0};
}

bool blob_read(const struct blob_map *m, uint64_t at, uint8_t *out, size_t n)
{
    if (at > m->bytes.n || n > m->bytes.n - at)
        return false;
    if (m->open == 0) {
        memcpy(out, m->bytes.p + at, n);
        return true;
    }
    while (n > 0) {
        const ssize_t got = pread(m->open - 1, out, n, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        out += got;
        at += (uint64_t)got;
        n -= (size_t)got;
    }
    return true;
}

enum { SEEN_MAX = 1024 };
struct blobs_seen {
    pthread_mutex_t lock;
    struct {
        struct blob_identity file;
        struct digest digest;
    } all[SEEN_MAX];
    size_t count, next;
};

struct blobs_seen *blobs_seen_new(void)
{
    struct blobs_seen *s = calloc(1, sizeof *s);

    if (s != NULL)
        pthread_mutex_init(&s->lock, NULL);
    return s;
}

void blobs_seen_free(struct blobs_seen *s)
{
    if (s != NULL)
        pthread_mutex_destroy(&s->lock);
    free(s);
}

static bool find_seen(struct digest *out, struct blobs_seen *seen, const struct blob_identity *file)
{
    bool found = false;

    pthread_mutex_lock(&seen->lock);
    for (size_t i = 0; i < seen->count && !found; i++) {
        found = memcmp(&seen->all[i].file, file, sizeof *file) == 0;
        if (found)
            *out = seen->all[i].digest;
    }
    pthread_mutex_unlock(&seen->lock);
    return found;
}

static void keep_seen(struct blobs_seen *seen, const struct blob_identity *file,
                      const struct digest *digest)
{
    pthread_mutex_lock(&seen->lock);
    seen->all[seen->next].file = *file;
    seen->all[seen->next].digest = *digest;
    seen->next = (seen->next + 1) % SEEN_MAX;
    seen->count += seen->count < SEEN_MAX;
    pthread_mutex_unlock(&seen->lock);
}

void blob_digest(struct digest *out, struct blobs_seen *seen, const struct blob_map *map)
{
    if (seen != NULL && find_seen(out, seen, &map->file))
        return;
    reply_column_digest(out, map->bytes);
    if (seen != NULL)
        keep_seen(seen, &map->file, out);
}

void blob_hashed(struct blobs_seen *seen, const struct blobs_at *at, const struct digest *name,
                 const struct digest *digest)
{
    char path[HOME_PATH_MAX];
    struct stat st;
    struct pt_err ignored;

    if (seen == NULL || path_of(path, at, name, &ignored) != PT_OK || lstat(path, &st) != 0 ||
        !S_ISREG(st.st_mode))
        return; /* then it is hashed again */
    const struct blob_identity file = identity_of(&st);
    keep_seen(seen, &file, digest);
}

enum pt_code blob_begin(struct fileio_new *f, const struct blobs_at *at, const struct digest *name,
                        struct pt_err *err)
{
    char path[HOME_PATH_MAX];
    enum pt_code rc;

    f->fd = -1;
    if ((rc = blobs_prepare(at, err)) != PT_OK || (rc = path_of(path, at, name, err)) != PT_OK)
        return rc;
    return fileio_begin(f, path, err);
}

/* Two levels of folders with plain files: nothing else is ever made there. */
static void remove_tree(const char *path, int depth)
{
    DIR *d = opendir(path);

    if (d == NULL)
        return;
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        char child[HOME_PATH_MAX];
        struct pt_err ignored = {0};
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            fileio_join(child, path, e->d_name, &ignored) != PT_OK)
            continue;
        if (unlink(child) != 0 && depth > 0)
            remove_tree(child, depth - 1);
    }
    closedir(d);
    rmdir(path);
}

static bool is_sent(const char *name)
{
    static const char TAIL[] = "-sent";
    const size_t n = strlen(name);

    return n >= strlen(TAIL) && strcmp(name + n - strlen(TAIL), TAIL) == 0;
}

/* Each folder in dir, down to `depth` more levels: its temporaries go, and of the last level whole
 * folders of columns sent. */
static enum pt_code sweep(const char *dir, int depth, struct pt_err *err)
{
    enum pt_code rc = PT_OK;
    DIR *d = opendir(dir);

    if (d == NULL) /* a plain file, or no columns yet */
        return errno == ENOTDIR || errno == ENOENT
                   ? PT_OK
                   : pt_fail(err, PT_EIO, "%s: %s", dir, strerror(errno));
    if (depth == 0)
        rc = fileio_sweep(dir, err);
    for (struct dirent *e = readdir(d); e != NULL && depth > 0 && rc == PT_OK; e = readdir(d)) {
        char child[HOME_PATH_MAX];
        if (e->d_name[0] == '.' || (rc = fileio_join(child, dir, e->d_name, err)) != PT_OK)
            continue;
        if (depth == 1 && is_sent(e->d_name))
            remove_tree(child, 0);
        else
            rc = sweep(child, depth - 1, err);
    }
    closedir(d);
    return rc;
}

enum pt_code blobs_sweep(const struct home *h, struct pt_err *err)
{
    char root[HOME_PATH_MAX];

    home_path(root, h, "columns");
    return sweep(root, 2, err);
}

void blobs_drop(const struct home *h, const struct digest *epoch)
{
    const struct blobs_at at = {.home = h, .epoch = epoch};
    char path[HOME_PATH_MAX];
    struct pt_err ignored = {0};

    if (folder(path, &at, 0, &ignored) == PT_OK)
        remove_tree(path, 2);
}

void blobs_retire(const struct home *h, const struct digest *keep)
{
    char root[HOME_PATH_MAX];
    char kept[65];

    home_path(root, h, "columns");
    text_hex(kept, keep->b, 16);
    DIR *d = opendir(root);
    if (d == NULL)
        return;
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        char child[HOME_PATH_MAX];
        struct pt_err ignored = {0};
        if (e->d_name[0] != '.' && strcmp(e->d_name, kept) != 0 &&
            fileio_join(child, root, e->d_name, &ignored) == PT_OK)
            remove_tree(child, 2);
    }
    closedir(d);
}
