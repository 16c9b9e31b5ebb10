#include "crypto/base/text.h"
#include "node/home_internal.h"
#include "policy/quorum.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIGNERS_MAX = POLICY_PARTNERS_MAX + POLICY_NEUTRAL_MAX };

static const char CURRENT[] = "policy/current/policy.yaml";

/* A policy file with the signatures beside it. */
struct signed_policy {
    struct policy *policy;
    struct buf file;
    struct buf signatures[SIGNERS_MAX];
};

static void signed_policy_free(struct signed_policy *s)
{
    policy_free(s->policy);
    buf_free(&s->file);
    for (size_t i = 0; i < SIGNERS_MAX; i++)
        buf_free(&s->signatures[i]);
    *s = (struct signed_policy){0};
}

enum pt_code home_signature_path(char out[HOME_PATH_MAX], const char *policy_path, const char *name,
                                 struct pt_err *err)
{
    int n = snprintf(out, HOME_PATH_MAX, "%s.%s.minisig", policy_path, name);

    if (n < HOME_PATH_MAX)
        return PT_OK;
    return pt_fail(err, PT_ELIMIT, "the path of %s's signature is over %d bytes", name,
                   HOME_PATH_MAX);
}

/* Parse, and read whatever signatures there are. */
static enum pt_code read_signed(struct signed_policy *s, const char *path, struct pt_err *err)
{
    char file[HOME_PATH_MAX];

    if (fileio_read(&s->file, path, POLICY_FILE_MAX, err) != PT_OK)
        return err->code;
    if (policy_parse(&s->policy, buf_span(&s->file), err) != PT_OK)
        return pt_wrap(err, "%s", path);
    for (size_t i = 0; i < s->policy->partner_count && i < SIGNERS_MAX; i++) {
        if (home_signature_path(file, path, s->policy->partners[i].name, err) != PT_OK)
            return err->code;
        if (!fileio_exists(file))
            continue;
        if (fileio_read(&s->signatures[i], file, MINISIGN_TEXT_MAX, err) != PT_OK)
            return err->code;
    }
    return PT_OK;
}

static enum pt_code check_signed(const struct signed_policy *s, struct pt_err *err)
{
    struct span texts[SIGNERS_MAX];

    for (size_t i = 0; i < SIGNERS_MAX; i++)
        texts[i] = buf_span(&s->signatures[i]);
    return quorum_check_signatures(s->policy, buf_span(&s->file), texts, err);
}

/* Does it name this node, with our key and certificate? */
static enum pt_code check_self(uint16_t *self, const struct home *h, const struct policy *p,
                               struct pt_err *err)
{
    int at = policy_find_partner(p, h->config.name);

    if (at < 0)
        return pt_fail(err, PT_EDENIED,
                       "this node is %s and the policy names no partner of that name: add the "
                       "block that `patto status --partner` prints",
                       h->config.name);
    const struct policy_partner *me = &p->partners[at];
    if (memcmp(me->certificate.b, h->identity.fingerprint.b, sizeof me->certificate.b) != 0)
        return pt_fail(err, PT_EDENIED,
                       "line %" PRIu32 ": the certificate of %s is not this home's: compare with "
                       "`patto status --partner`",
                       me->line, me->name);
    if (memcmp(me->node.b, h->node.b, sizeof me->node.b) != 0)
        return pt_fail(err, PT_EDENIED,
                       "line %" PRIu32 ": the node key of %s is not this home's: compare with "
                       "`patto status --partner`",
                       me->line, me->name);
    *self = (uint16_t)at;
    return PT_OK;
}

static void install(struct home *h, struct signed_policy *s, uint16_t self)
{
    policy_free(h->policy);
    buf_free(&h->policy_file);
    h->policy = s->policy;
    h->policy_file = s->file;
    h->self = self;
    s->policy = NULL;
    s->file = (struct buf){0};
}

/* HOME/policy/3-9f2c0a1b: the version, and enough of the hash to tell two drafts apart. */
static bool is_version_folder(const char *name, const struct digest *hash)
{
    const char *dash = strchr(name, '-');
    char hex[9];

    text_hex(hex, hash->b, 4);
    return strlen(name) <= 20 && dash != NULL && strcmp(dash + 1, hex) == 0;
}

static enum pt_code read_former(struct policy **out, const struct home *h, const char *folder,
                                const struct digest *hash, struct pt_err *err)
{
    struct signed_policy s = {0};
    char path[HOME_PATH_MAX];
    char name[64];
    enum pt_code rc;

    snprintf(name, sizeof name, "policy/%.20s/policy.yaml", folder);
    home_path(path, h, name);
    if ((rc = read_signed(&s, path, err)) == PT_OK && (rc = check_signed(&s, err)) == PT_OK &&
        memcmp(s.policy->hash.b, hash->b, sizeof hash->b) == 0) {
        *out = s.policy;
        s.policy = NULL;
    }
    signed_policy_free(&s);
    return rc;
}

enum pt_code home_former_policy(struct policy **out, const struct home *h,
                                const struct digest *hash, struct pt_err *err)
{
    char dir[HOME_PATH_MAX];
    char text[72];
    enum pt_code rc = PT_OK;

    *out = NULL;
    home_path(dir, h, "policy");
    DIR *d = opendir(dir);
    for (struct dirent *e = d != NULL ? readdir(d) : NULL; e != NULL && rc == PT_OK && *out == NULL;
         e = readdir(d))
        if (is_version_folder(e->d_name, hash))
            rc = read_former(out, h, e->d_name, hash, err);
    if (d != NULL)
        closedir(d);
    if (rc != PT_OK || *out != NULL)
        return rc;
    policy_hash_text(text, hash);
    return pt_fail(err, PT_ESTATE, "%s holds no policy of hash %s", dir, text);
}

/* Back along `previous`, as far as this home has been: a new version begins no new budget period. A
 * version that was changed since is an error, for it would say when the period began. */
static enum pt_code find_first(struct home *h, struct pt_err *err)
{
    struct digest previous = h->policy->previous;
    uint32_t version = h->policy->version;
    bool more = h->policy->has_previous;
    enum pt_code rc = PT_OK;

    while (rc == PT_OK && more) {
        struct policy *former = NULL;
        rc = home_former_policy(&former, h, &previous, err);
        /* Before we joined; or of a form that this release does not read. */
        if (rc == PT_ESTATE || rc == PT_EPARSE || rc == PT_ELIMIT)
            return PT_OK;
        more = former != NULL && former->version < version && former->has_previous;
        if (former != NULL && former->version < version) {
            h->policy->first_from_s = former->valid_from_s;
            version = former->version;
            previous = former->previous;
        }
        policy_free(former);
    }
    return rc == PT_OK ? PT_OK : pt_wrap(err, "an earlier version, by which budget periods count");
}

/* All but the dates. */
static enum pt_code load_current(struct home *h, struct pt_err *err)
{
    struct signed_policy s = {0};
    char path[HOME_PATH_MAX];
    uint16_t self = 0;
    enum pt_code rc;

    home_path(path, h, CURRENT);
    if (!fileio_exists(path))
        return pt_fail(err, PT_ESTATE,
                       "no policy is in force: patto --home %s join POLICY, with the signatures "
                       "of all partners beside the file",
                       h->dir);
    if ((rc = read_signed(&s, path, err)) == PT_OK && (rc = check_signed(&s, err)) == PT_OK &&
        (rc = check_self(&self, h, s.policy, err)) == PT_OK) {
        install(h, &s, self);
        if ((rc = find_first(h, err)) != PT_OK) {
            policy_free(h->policy);
            h->policy = NULL;
        }
    }
    signed_policy_free(&s);
    return rc == PT_OK ? PT_OK : pt_wrap(err, "the policy in force");
}

enum pt_code home_load_policy(struct home *h, int64_t now_s, struct pt_err *err)
{
    if (load_current(h, err) != PT_OK)
        return err->code;
    if (quorum_check_dates(h->policy, now_s, err) != PT_OK)
        return pt_wrap(err, "the policy in force");
    return PT_OK;
}

/* Bounds are finite: the policy parser saw to it. */
static bool same_number(double a, double b)
{
    return !(a < b) && !(b < a);
}

static bool same_attribute(const struct policy_attribute *a, const struct policy_attribute *b)
{
    if (strcmp(a->name, b->name) != 0 || a->type != b->type || a->value_count != b->value_count ||
        a->max_per_person != b->max_per_person || a->combine != b->combine ||
        !same_number(a->min, b->min) || !same_number(a->max, b->max))
        return false;
    for (size_t i = 0; i < a->value_count; i++)
        if (strcmp(a->values[i], b->values[i]) != 0)
            return false;
    return true;
}

static bool same_attributes(const struct policy_partner *a, const struct policy_partner *b)
{
    if (a->attribute_count != b->attribute_count)
        return false;
    for (size_t i = 0; i < a->attribute_count; i++)
        if (!same_attribute(&a->attributes[i], &b->attributes[i]))
            return false;
    return true;
}

static void version_folder(char out[64], const struct policy *p)
{
    char hex[9];

    text_hex(hex, p->hash.b, 4);
    snprintf(out, 64, "policy/%" PRIu32 "-%s", p->version, hex);
}

static enum pt_code keep_copy(const struct home *h, const struct signed_policy *s,
                              const char *folder, struct pt_err *err)
{
    char dir[HOME_PATH_MAX];
    char path[HOME_PATH_MAX];
    char signature[HOME_PATH_MAX];

    home_path(dir, h, folder);
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return pt_fail(err, PT_EIO, "making folder %s: %s", dir, strerror(errno));
    if (fileio_join(path, dir, "policy.yaml", err) != PT_OK ||
        fileio_write(path, buf_span(&s->file), err) != PT_OK)
        return err->code;
    for (size_t i = 0; i < s->policy->partner_count; i++)
        if (home_signature_path(signature, path, s->policy->partners[i].name, err) != PT_OK ||
            fileio_write(signature, buf_span(&s->signatures[i]), err) != PT_OK)
            return err->code;
    return PT_OK;
}

/* The link is replaced in one rename: before it the old policy is in force, after it the new. */
static enum pt_code switch_to(const struct home *h, const char *folder, struct pt_err *err)
{
    char link_path[HOME_PATH_MAX];
    char fresh[HOME_PATH_MAX];
    char dir[HOME_PATH_MAX];

    home_path(dir, h, "policy");
    home_path(link_path, h, "policy/current");
    home_path(fresh, h, "policy/current.new");
    if (unlink(fresh) != 0 && errno != ENOENT)
        return pt_fail(err, PT_EIO, "removing %s: %s", fresh, strerror(errno));
    if (symlink(folder + strlen("policy/"), fresh) != 0 || rename(fresh, link_path) != 0)
        return pt_fail(err, PT_EIO, "switching %s: %s", link_path, strerror(errno));
    return home_flush_folder(dir, err);
}

/* Everything that must hold before anything is written. */
static enum pt_code check_candidate(struct home_joined *out, uint16_t *self, const struct home *h,
                                    const struct signed_policy *s, int64_t now_s,
                                    struct pt_err *err)
{
    enum pt_code rc;

    if ((rc = check_signed(s, err)) != PT_OK ||
        (rc = quorum_check_dates(s->policy, now_s, err)) != PT_OK ||
        (rc = check_self(self, h, s->policy, err)) != PT_OK ||
        (rc = quorum_check_succession(s->policy, h->policy, err)) != PT_OK)
        return rc;
    if (h->policy == NULL)
        return PT_OK;
    out->from_version = h->policy->version;
    out->again = memcmp(h->policy->hash.b, s->policy->hash.b, sizeof s->policy->hash.b) == 0;
    out->attributes_changed =
        h->policy->identifier != s->policy->identifier || h->policy->rules != s->policy->rules ||
        !same_attributes(&h->policy->partners[h->self], &s->policy->partners[*self]);
    return PT_OK;
}

enum pt_code home_join(struct home_joined *out, struct home *h, const char *policy_path,
                       int64_t now_s, struct pt_err *err)
{
    struct signed_policy s = {0};
    char folder[64];
    uint16_t self = 0;
    enum pt_code rc;

    *out = (struct home_joined){0};
    /* An expired policy may be followed; a damaged one may not be passed over. */
    if (h->policy == NULL && (rc = load_current(h, err)) != PT_OK && rc != PT_ESTATE)
        return rc;
    if ((rc = read_signed(&s, policy_path, err)) != PT_OK ||
        (rc = check_candidate(out, &self, h, &s, now_s, err)) != PT_OK || out->again)
        goto out;
    version_folder(folder, s.policy);
    if ((rc = keep_copy(h, &s, folder, err)) != PT_OK || (rc = switch_to(h, folder, err)) != PT_OK)
        goto out;
    install(h, &s, self);
    rc = find_first(h, err);
out:
    signed_policy_free(&s);
    if (rc != PT_OK)
        *out = (struct home_joined){0};
    return rc;
}
