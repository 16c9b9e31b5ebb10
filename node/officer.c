#include "node/officer.h"

#include "node/fileio.h"
#include "node/password.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

static enum pt_code refuse_existing(const char *path, struct pt_err *err)
{
    if (!fileio_exists(path))
        return PT_OK;
    return pt_fail(err, PT_ESTATE,
                   "%s is there already, and a key is never overwritten: choose "
                   "another name",
                   path);
}

static enum pt_code write_pair(const char *path, const char *public_path,
                               const struct minisign_key *k, struct span password,
                               struct pt_err *err)
{
    struct minisign_public public;
    char text[MINISIGN_PUBLIC_TEXT + 1];
    struct buf secret_file = {0};
    struct buf public_file = {0};
    enum pt_code rc;

    minisign_key_public(&public, k);
    minisign_public_print(text, &public);
    if (!buf_printf(&public_file, "untrusted comment: minisign public key %016" PRIX64 "\n%s\n",
                    load_u64le(public.id), text)) {
        rc = pt_fail(err, PT_ENOMEM, "%s: out of memory", public_path);
        goto out;
    }
    if ((rc = minisign_key_print(&secret_file, k, password, err)) == PT_OK &&
        (rc = fileio_write(path, buf_span(&secret_file), err)) == PT_OK)
        rc = fileio_write(public_path, buf_span(&public_file), err);
out:
    buf_free(&secret_file);
    buf_free(&public_file);
    return rc;
}

enum pt_code officer_create(struct minisign_public *out, const char *path, struct span password,
                            struct pt_err *err)
{
    PT_WIPED(minisign_key) k = {0};
    char public_path[FILEIO_PATH_MAX];
    int n = snprintf(public_path, sizeof public_path, "%s.pub", path);

    *out = (struct minisign_public){0};
    if (n < 0 || (size_t)n >= sizeof public_path)
        return pt_fail(err, PT_ELIMIT, "the path is over %zu bytes", sizeof public_path - 5);
    if (refuse_existing(path, err) != PT_OK || refuse_existing(public_path, err) != PT_OK)
        return err->code;
    minisign_key_random(&k);
    if (write_pair(path, public_path, &k, password, err) != PT_OK)
        return err->code;
    minisign_key_public(out, &k);
    return PT_OK;
}

enum pt_code officer_read(struct minisign_key *out, const char *path, struct pt_err *err)
{
    struct buf text = {0};
    struct buf password = {0};
    struct stat st;
    enum pt_code rc;

    *out = (struct minisign_key){0};
    if (stat(path, &st) == 0 && (st.st_mode & 077) != 0)
        return pt_fail(err, PT_EDENIED, "%s may be read by others than its owner: chmod 600 %s",
                       path, path);
    if ((rc = fileio_read(&text, path, MINISIGN_TEXT_MAX, err)) != PT_OK)
        return rc;
    if (minisign_key_is_encrypted(buf_span(&text)))
        rc = password_ask(&password, "password of the officer's key: ",
                          "run it on one, or use a key without a password", err);
    if (rc == PT_OK &&
        (rc = minisign_key_parse(out, buf_span(&text), buf_span(&password), err)) != PT_OK)
        pt_wrap(err, "%s", path);
    buf_free(&text);
    buf_free(&password);
    return rc;
}

enum pt_code officer_check(const struct minisign_key *k, const struct policy *p,
                           const char *partner, struct pt_err *err)
{
    struct minisign_public ours;
    char have[MINISIGN_PUBLIC_TEXT + 1];
    char want[MINISIGN_PUBLIC_TEXT + 1];
    int at = policy_find_partner(p, partner);

    if (at < 0)
        return pt_fail(err, PT_EUSAGE, "--as %s: the policy names no such partner", partner);
    const struct minisign_public *officer = &p->partners[at].officer;
    minisign_key_public(&ours, k);
    if (memcmp(ours.id, officer->id, sizeof ours.id) == 0 &&
        memcmp(ours.key, officer->key, sizeof ours.key) == 0)
        return PT_OK;
    minisign_public_print(have, &ours);
    minisign_public_print(want, officer);
    return pt_fail(err, PT_EDENIED,
                   "line %" PRIu32 ": %s's officer is %s and this key is %s: use that key, or put "
                   "this one into the policy",
                   p->partners[at].line, partner, want, have);
}
