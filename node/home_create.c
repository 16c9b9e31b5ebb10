#include "crypto/base/text.h"
#include "node/home_internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static enum pt_code make_folder(const char *dir, const char *name, struct pt_err *err)
{
    char path[HOME_PATH_MAX];

    if (fileio_join(path, dir, name, err) != PT_OK)
        return err->code;
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return PT_OK;
    return pt_fail(err, PT_EIO, "making folder %s: %s", path, strerror(errno));
}

static enum pt_code put(const char *dir, const char *name, struct span content, struct pt_err *err)
{
    char path[HOME_PATH_MAX];

    if (fileio_join(path, dir, name, err) != PT_OK)
        return err->code;
    return fileio_write(path, content, err);
}

static enum pt_code put_hex(const char *dir, const char *name, struct span bytes,
                            struct pt_err *err)
{
    char line[2 * sizeof(struct sign_key) + 2];
    enum pt_code rc;

    text_hex(line, bytes.p, bytes.n);
    line[2 * bytes.n] = '\n';
    rc = put(dir, name, span_of(line, 2 * bytes.n + 1), err);
    explicit_bzero(line, sizeof line);
    return rc;
}

static enum pt_code put_keys(const char *dir, struct pt_err *err)
{
    static const char *const RANDOM[] = {"keys/oprf.key", "keys/vault.key", "keys/noise.key",
                                         "keys/epoch.key", "keys/planner.token"};
    PT_WIPED(sign_key) node = {{0}};
    struct sign_public public;

    for (size_t i = 0; i < PT_LEN(RANDOM); i++) {
        PT_WIPED(key32) k = {{0}};
        key32_random(&k);
        if (put_hex(dir, RANDOM[i], span_of(k.b, sizeof k.b), err) != PT_OK)
            return err->code;
    }
    sign_key_random(&node);
    sign_key_public(&public, &node);
    if (put_hex(dir, "keys/node.key", span_of(node.b, sizeof node.b), err) != PT_OK)
        return err->code;
    return put_hex(dir, "keys/node.pub", span_of(public.b, sizeof public.b), err);
}

/* The name that peers dial is in the policy; where we listen says it only when it is a name. */
static void host_of(char out[TLS_HOST_MAX + 1], const char *listen)
{
    struct span host = span_of(listen, (size_t)(strrchr(listen, ':') - listen));

    if (host.n > 2 && host.p[0] == '[')
        host = span_of(host.p + 1, host.n - 2);
    if (text_eq(host, "0.0.0.0") || text_eq(host, "::") || !text_copy(out, TLS_HOST_MAX + 1, host))
        out[0] = '\0';
}

static enum pt_code put_identity(const char *dir, const struct config *c, int64_t now_s,
                                 struct pt_err *err)
{
    char host[TLS_HOST_MAX + 1];
    struct tls_identity id = {0};
    enum pt_code rc;

    host_of(host, c->listen);
    struct tls_subject who = {.name = c->name, .host = host, .now_s = now_s};
    if ((rc = tls_identity_new(&id, &who, err)) == PT_OK &&
        (rc = put(dir, "keys/tls.key", buf_span(&id.key_pem), err)) == PT_OK)
        rc = put(dir, "keys/tls.crt", buf_span(&id.certificate_pem), err);
    tls_identity_free(&id);
    return rc;
}

static enum pt_code fill(const char *dir, const struct config *c, int64_t now_s, struct pt_err *err)
{
    static const char *const FOLDERS[] = {"keys", "policy", "vault", "columns", "log"};
    struct buf settings = {0};
    enum pt_code rc;

    for (size_t i = 0; i < PT_LEN(FOLDERS); i++)
        if (make_folder(dir, FOLDERS[i], err) != PT_OK)
            return err->code;
    if ((rc = put_keys(dir, err)) != PT_OK || (rc = put_identity(dir, c, now_s, err)) != PT_OK)
        return rc;
    if ((rc = config_print(&settings, c, err)) == PT_OK)
        rc = put(dir, "node.yaml", buf_span(&settings), err);
    buf_free(&settings);
    return rc;
}

/* Is there room for a home: nothing of that name, or an empty folder? */
static enum pt_code check_place(const char *dir, struct pt_err *err)
{
    struct stat st;
    const struct dirent *e;
    bool empty = true;

    if (lstat(dir, &st) != 0)
        return errno == ENOENT ? PT_OK : pt_fail(err, PT_EIO, "%s: %s", dir, strerror(errno));
    DIR *d = S_ISDIR(st.st_mode) ? opendir(dir) : NULL;
    if (d == NULL)
        return pt_fail(err, PT_ESTATE, "%s is there and is no folder we can read: choose another",
                       dir);
    while (empty && (e = readdir(d)) != NULL) /* NOLINT(concurrency-mt-unsafe) */
        empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
    closedir(d);
    return empty
               ? PT_OK
               : pt_fail(err, PT_ESTATE,
                         "%s is not empty, and a home is never overwritten: choose another folder",
                         dir);
}

/* A socket's path is shorter than a file's. */
static enum pt_code check_socket(const char *dir, const struct config *c, struct pt_err *err)
{
    char here[HOME_PATH_MAX] = "";
    size_t n = strlen(dir) + sizeof "/planner.sock";

    if (strcmp(c->planner, "unix") != 0)
        return PT_OK;
    if (dir[0] != '/' && getcwd(here, sizeof here) != NULL)
        n += strlen(here) + 1;
    if (n <= sizeof((struct sockaddr_un *)0)->sun_path)
        return PT_OK;
    return pt_fail(err, PT_EUSAGE,
                   "the path of %s is too long for a Unix socket: choose a shorter one, or "
                   "--planner 127.0.0.1:PORT",
                   dir);
}

static enum pt_code put_in_place(const char *building, const char *dir, struct pt_err *err)
{
    char parent[HOME_PATH_MAX];

    if (rename(building, dir) != 0)
        return pt_fail(err, PT_EIO, "renaming %s to %s: %s", building, dir, strerror(errno));
    snprintf(parent, sizeof parent, "%s/..", dir);
    return home_flush_folder(parent, err);
}

enum pt_code home_create(const char *dir_as_given, const struct config *c, int64_t now_s,
                         struct pt_err *err)
{
    char dir[HOME_PATH_MAX];
    char building[HOME_PATH_MAX];
    int lock_fd = -1;
    enum pt_code rc;

    if (strlen(dir_as_given) == 0 || strlen(dir_as_given) > HOME_PATH_MAX / 2)
        return pt_fail(err, PT_EUSAGE, "a folder's path of 1..%d bytes", HOME_PATH_MAX / 2);
    snprintf(dir, sizeof dir, "%s", dir_as_given);
    for (size_t n = strlen(dir); n > 1 && dir[n - 1] == '/'; n--)
        dir[n - 1] = '\0';
    snprintf(building, sizeof building, "%.*s" HOME_UNFINISHED, HOME_PATH_MAX - 8, dir);
    if ((rc = check_place(dir, err)) != PT_OK || (rc = check_socket(dir, c, err)) != PT_OK)
        return rc;
    /* A killed init leaves this folder: its keys were shown to nobody, so they are replaced. */
    if (mkdir(building, 0700) != 0 && errno != EEXIST)
        return pt_fail(err, PT_EIO, "making folder %s: %s", building, strerror(errno));
    if ((rc = home_lock_take(&lock_fd, building, err)) != PT_OK)
        return rc;
    if ((rc = fill(building, c, now_s, err)) == PT_OK)
        rc = put_in_place(building, dir, err);
    close(lock_fd);
    return rc;
}
