#include "node/home.h"

#include "crypto/base/text.h"
#include "node/home_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_FILE_MAX = 16 << 10, NAME_ROOM = 160 };

enum pt_code home_harden(struct pt_err *err)
{
    static const struct rlimit NONE = {0, 0};

    umask(077);
    if (setrlimit(RLIMIT_CORE, &NONE) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return pt_fail(err, PT_EIO, "core dumps cannot be turned off: %s", strerror(errno));
    /* A file-size limit and a peer that goes are errors to report, not reasons to die. */
    if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return pt_fail(err, PT_EIO, "signals cannot be set: %s", strerror(errno));
    if (sodium_init() < 0)
        return pt_fail(err, PT_EBUG, "libsodium does not start");
    return PT_OK;
}

void home_path(char out[HOME_PATH_MAX], const struct home *h, const char *name)
{
    int n = snprintf(out, HOME_PATH_MAX, "%s/%s", h->dir, name);

    assert(n > 0 && n < HOME_PATH_MAX); /* home_open() left NAME_ROOM */
    (void)n;
}

void home_planner_target(char out[HOME_PATH_MAX], const struct home *h)
{
    if (strcmp(h->config.planner, "unix") == 0)
        snprintf(out, HOME_PATH_MAX, "unix:%.*s/planner.sock", HOME_PATH_MAX - 24, h->dir);
    else
        snprintf(out, HOME_PATH_MAX, "%s", h->config.planner);
}

enum pt_code home_flush_folder(const char *path, struct pt_err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = fd < 0 || fsync(fd) != 0 ? errno : 0;

    if (fd >= 0)
        close(fd);
    /* Some file systems have no fsync of folders, and say so with EINVAL. */
    if (failed == 0 || failed == EINVAL)
        return PT_OK;
    return pt_fail(err, PT_EIO, "flushing folder %s: %s", path, strerror(failed));
}

/* ---- the lock: of the open file (OFD), so that it goes with the process, however that ends. */

static struct flock whole_file(short type)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET};
}

static long read_pid(int fd)
{
    char text[24] = "";
    uint32_t pid;
    ssize_t n = pread(fd, text, sizeof text - 1, 0);

    if (n <= 0)
        return -1;
    text[strcspn(text, "\n")] = '\0';
    return text_u32(span_z(text), &pid) ? (long)pid : -1;
}

enum pt_code home_lock_take(int *fd, const char *dir, struct pt_err *err)
{
    char path[HOME_PATH_MAX];
    char pid[24];
    struct flock want = whole_file(F_WRLCK);

    *fd = -1;
    if (fileio_join(path, dir, "lock", err) != PT_OK)
        return err->code;
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*fd < 0)
        return pt_fail(err, PT_EIO,
                       "%s cannot be written (%s): make the home writable for this "
                       "user",
                       dir, strerror(errno));
    if (fcntl(*fd, F_OFD_SETLK, &want) != 0) {
        bool busy = errno == EAGAIN || errno == EACCES;
        int why = errno;
        long owner = read_pid(*fd);
        close(*fd);
        *fd = -1;
        if (!busy)
            return pt_fail(err, PT_EIO, "%s cannot be locked: %s", path, strerror(why));
        return pt_fail(err, PT_ESTATE,
                       "another patto (process %ld) uses %s: stop it first, or wait for its end",
                       owner, dir);
    }
    int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(*fd, 0) != 0 || pwrite(*fd, pid, (size_t)n, 0) != n) {
        int why = errno;
        close(*fd);
        *fd = -1;
        return pt_fail(err, PT_EIO, "%s cannot be written: %s", path, strerror(why));
    }
    return PT_OK;
}

enum pt_code home_lock_owner(long *pid, const struct home *h, struct pt_err *err)
{
    char path[HOME_PATH_MAX];
    struct flock probe = whole_file(F_WRLCK);

    *pid = 0;
    home_path(path, h, "lock");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? PT_OK : pt_fail(err, PT_EIO, "%s: %s", path, strerror(errno));
    if (fcntl(fd, F_OFD_GETLK, &probe) == 0 && probe.l_type != F_UNLCK)
        *pid = read_pid(fd);
    close(fd);
    return PT_OK;
}

/* ---- keys */

/* A secret file of ours: nobody else may read it. */
static enum pt_code read_private(struct buf *out, const char *dir, const char *name,
                                 struct pt_err *err)
{
    char path[HOME_PATH_MAX];
    struct stat st;

    if (fileio_join(path, dir, name, err) != PT_OK)
        return err->code;
    if (stat(path, &st) == 0 && (st.st_mode & 077) != 0)
        return pt_fail(err, PT_EDENIED,
                       "%s may be read by others than its owner: chmod 600 %s, and if anybody did "
                       "read it, make a new home",
                       path, path);
    return fileio_read(out, path, KEY_FILE_MAX, err);
}

/* One line of hex. */
static enum pt_code read_hex(uint8_t *out, size_t n, const char *dir, const char *name,
                             struct pt_err *err)
{
    struct buf text = {0};
    enum pt_code rc;

    if ((rc = read_private(&text, dir, name, err)) != PT_OK)
        goto out;
    struct span line = buf_span(&text);
    if (line.n > 0 && line.p[line.n - 1] == '\n')
        line.n--;
    if (!text_unhex(out, n, line))
        rc = pt_fail(err, PT_EPARSE,
                     "%s/%s is not one line of %zu hex digits: restore it from a "
                     "backup",
                     dir, name, 2 * n);
out:
    buf_free(&text);
    return rc;
}

enum pt_code home_read_token(char out[HOME_TOKEN_TEXT + 1], const struct home *h,
                             struct pt_err *err)
{
    PT_WIPED(key32) token = {{0}};

    out[0] = '\0';
    if (read_hex(token.b, sizeof token.b, h->dir, "keys/planner.token", err) != PT_OK)
        return err->code;
    text_hex(out, token.b, sizeof token.b);
    return PT_OK;
}

static enum pt_code load_secrets(struct home_keys *k, struct home *h, struct pt_err *err)
{
    const struct entry {
        const char *name;
        uint8_t *to;
        size_t n;
    } KEYS[] = {
        {"keys/node.key", k->node.b, sizeof k->node.b},
        {"keys/oprf.key", k->oprf.b, sizeof k->oprf.b},
        {"keys/vault.key", k->vault.b, sizeof k->vault.b},
        {"keys/noise.key", k->noise.b, sizeof k->noise.b},
        {"keys/epoch.key", k->epoch.b, sizeof k->epoch.b},
    };
    struct sign_public derived;

    for (size_t i = 0; i < PT_LEN(KEYS); i++)
        if (read_hex(KEYS[i].to, KEYS[i].n, h->dir, KEYS[i].name, err) != PT_OK)
            return err->code;
    if (home_read_token(k->token, h, err) != PT_OK)
        return err->code;
    sign_key_public(&derived, &k->node);
    if (memcmp(derived.b, h->node.b, sizeof derived.b) != 0)
        return pt_fail(err, PT_EDENIED,
                       "%s: keys/node.key and keys/node.pub do not belong together: restore both "
                       "from one backup",
                       h->dir);
    return PT_OK;
}

/* Locked, fenced, and read-only from here on. */
static enum pt_code load_keys(struct home *h, struct pt_err *err)
{
    struct home_keys *k = sodium_init() >= 0 ? sodium_malloc(sizeof *k) : NULL;

    if (k == NULL)
        return pt_fail(err, PT_ENOMEM,
                       "no memory for the keys: raise the limit of locked memory "
                       "(ulimit -l)");
    if (load_secrets(k, h, err) != PT_OK || sodium_mprotect_readonly(k) != 0) {
        sodium_free(k);
        return err->code != PT_OK ? err->code : pt_fail(err, PT_EIO, "keys cannot be fenced");
    }
    h->keys = k;
    h->keys_room = k;
    return PT_OK;
}

/* The certificate always; its key only when there is work to do. */
static enum pt_code load_identity(struct home *h, enum home_use use, struct pt_err *err)
{
    struct buf certificate = {0};
    struct buf key = {0};
    struct tls_certificate said;
    char path[HOME_PATH_MAX];
    enum pt_code rc;

    home_path(path, h, "keys/tls.crt");
    if ((rc = fileio_read(&certificate, path, TLS_PEM_MAX, err)) != PT_OK)
        goto out;
    if (use == HOME_LOOK) {
        if ((rc = tls_certificate_read(&said, buf_span(&certificate), err)) != PT_OK)
            goto out;
        h->identity.fingerprint = said.fingerprint;
        h->identity.certificate_pem = certificate;
        certificate = (struct buf){0};
        goto out;
    }
    if ((rc = read_private(&key, h->dir, "keys/tls.key", err)) == PT_OK)
        rc = tls_identity_load(&h->identity, buf_span(&certificate), buf_span(&key), err);
out:
    buf_free(&certificate);
    buf_free(&key);
    return rc;
}

static enum pt_code load_public(struct home *h, enum home_use use, struct pt_err *err)
{
    struct buf file = {0};
    char path[HOME_PATH_MAX];
    enum pt_code rc;

    home_path(path, h, "node.yaml");
    if ((rc = fileio_read(&file, path, CONFIG_FILE_MAX, err)) == PT_OK &&
        (rc = config_parse(&h->config, buf_span(&file), err)) != PT_OK)
        pt_wrap(err, "%s", path);
    buf_free(&file);
    if (rc != PT_OK ||
        (rc = read_hex(h->node.b, sizeof h->node.b, h->dir, "keys/node.pub", err)) != PT_OK)
        return rc;
    return load_identity(h, use, err);
}

/* ---- open, close */

static enum pt_code find_folder(struct home *h, const char *dir, struct pt_err *err)
{
    char unfinished[HOME_PATH_MAX];
    char file[HOME_PATH_MAX];
    struct stat st;
    char *real = realpath(dir, NULL);

    if (real == NULL) {
        snprintf(unfinished, sizeof unfinished, "%s" HOME_UNFINISHED, dir);
        if (errno == ENOENT && fileio_exists(unfinished))
            return pt_fail(err, PT_ESTATE,
                           "%s: its `patto init` was interrupted: run the same command again", dir);
        if (errno == ENOENT)
            return pt_fail(err, PT_EIO,
                           "there is no home at %s: name one with --home DIR or PATTO_HOME, or "
                           "make it: patto init %s --name NAME --listen HOST:PORT",
                           dir, dir);
        return pt_fail(err, PT_EIO, "%s: %s", dir, strerror(errno));
    }
    bool fits = strlen(real) + NAME_ROOM < sizeof h->dir;
    if (fits)
        memcpy(h->dir, real, strlen(real) + 1);
    free(real);
    if (!fits)
        return pt_fail(err, PT_ELIMIT, "the home's path is over %zu bytes",
                       sizeof h->dir - NAME_ROOM);
    home_path(file, h, "node.yaml");
    if (access(file, F_OK) != 0)
        return pt_fail(err, errno == EACCES ? PT_EIO : PT_ESTATE,
                       errno == EACCES ? "%s may not be read by this user"
                                       : "%s is not a home of patto: it has no node.yaml",
                       h->dir);
    if (stat(h->dir, &st) == 0 && (st.st_mode & 022) != 0)
        return pt_fail(err, PT_EDENIED, "others may write into %s: chmod 700 %s", h->dir, h->dir);
    return PT_OK;
}

enum pt_code home_open(struct home **out, const char *dir, enum home_use use, struct pt_err *err)
{
    struct home *h = calloc(1, sizeof *h);

    *out = NULL;
    if (h == NULL)
        return pt_fail(err, PT_ENOMEM, "%s: out of memory", dir);
    *err = (struct pt_err){0};
    h->lock_fd = -1;
    if (find_folder(h, dir, err) == PT_OK &&
        (use != HOME_WORK || (home_check_modes(h, err) == PT_OK &&
                              home_lock_take(&h->lock_fd, h->dir, err) == PT_OK)) &&
        load_public(h, use, err) == PT_OK && (use == HOME_LOOK || load_keys(h, err) == PT_OK)) {
        *out = h;
        return PT_OK;
    }
    home_close(h);
    return err->code;
}

void home_close(struct home *h)
{
    if (h == NULL)
        return;
    policy_free(h->policy);
    buf_free(&h->policy_file);
    tls_identity_free(&h->identity);
    sodium_free(h->keys_room); /* wipes */
    if (h->lock_fd >= 0)
        close(h->lock_fd);
    free(h);
}

void home_oprf_seed(struct key32 *out, const struct home *h, struct span key_period)
{
    prf_derive(out, &h->keys->oprf, "patto/home/oprf-period", &key_period, 1);
}

void home_epoch_seed(struct key32 *out, const struct home *h, struct span epoch_label)
{
    prf_derive(out, &h->keys->epoch, "patto/home/epoch-seed", &epoch_label, 1);
}

void home_batch_seed(struct key32 *out, const struct home *h, struct span batch_label)
{
    prf_derive(out, &h->keys->epoch, "patto/home/batch-seed", &batch_label, 1);
}

void home_proof_seed(struct key32 *out, const struct home *h, struct span key_period)
{
    prf_derive(out, &h->keys->epoch, "patto/home/proof-seed", &key_period, 1);
}

void home_neutral_seed(struct key32 *out, const struct home *h, const struct digest *epoch)
{
    const struct span part = span_of(epoch->b, sizeof epoch->b);

    prf_derive(out, &h->keys->epoch, "patto/home/neutral-seed", &part, 1);
}
