#include "crypto/base/text.h"
#include "node/frozen.h"
#include "node/home_internal.h"
#include "node/policy_file.h"
#include "policy/quorum.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHAIN_MAX = 64 }; /* versions in a row that one officer alone has tightened */

static const char CURRENT[] = "policy/current/policy.yaml";

enum pt_code home_signature_path(char out[HOME_PATH_MAX], const char *policy_path, const char *name,
                                 struct pt_err *err)
{
    int n = snprintf(out, HOME_PATH_MAX, "%s.%s.minisig", policy_path, name);

    if (n < HOME_PATH_MAX)
        return PT_OK;
    return pt_fail(err, PT_ELIMIT, "the path of %s's signature is over %d bytes", name,
                   HOME_PATH_MAX);
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

static void install(struct home *h, struct policy_file *s, uint16_t self, const struct digest *base)
{
    policy_free(h->policy);
    buf_free(&h->policy_file);
    h->policy = s->policy;
    h->policy_file = s->file;
    h->policy_base = *base;
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

static enum pt_code find_version(char path[HOME_PATH_MAX], bool *found, const struct home *h,
                                 const struct digest *hash, struct pt_err *err)
{
    char dir[HOME_PATH_MAX];
    char name[64];

    *found = false;
    home_path(dir, h, "policy");
    DIR *d = opendir(dir);
    if (d == NULL)
        return errno == ENOENT ? PT_OK
                               : pt_fail(err, PT_EIO, "reading %s: %s", dir, strerror(errno));
    for (struct dirent *e = readdir(d); e != NULL && !*found; e = readdir(d))
        if (is_version_folder(e->d_name, hash)) {
            snprintf(name, sizeof name, "policy/%.20s/policy.yaml", e->d_name);
            home_path(path, h, name);
            *found = true;
        }
    closedir(d);
    return PT_OK;
}

/* Signed by all, or tighter than `before` (NULL: none is known) and signed by one. */
static enum pt_code check_signed(enum quorum_by *by, const struct policy_file *f,
                                 const struct policy_file *before, bool frozen, struct pt_err *err)
{
    struct buf texts[POLICY_FILE_SIGNERS] = {0};
    struct span leaving[POLICY_FILE_SIGNERS] = {0};
    struct quorum_change c = {.policy = f->policy,
                              .file = buf_span(&f->file),
                              .signatures = f->signatures,
                              .leaving = leaving,
                              .frozen = frozen};
    enum pt_code rc = PT_OK;

    if (before != NULL) {
        c.current = before->policy;
        c.current_file = buf_span(&before->file);
        rc = policy_file_leaving(texts, leaving, f, before->policy, err);
    }
    if (rc == PT_OK)
        rc = quorum_check_change(by, &c, err);
    for (size_t i = 0; i < POLICY_FILE_SIGNERS; i++)
        buf_free(&texts[i]);
    return rc;
}

/* A version that this home has joined, its signatures judged again, if need be by the version before
 * it, which is judged likewise. base: the hash of the last one that all have signed. */
static enum pt_code read_version(struct policy_file *out, struct digest *base, const struct home *h,
                                 const char *path, unsigned depth, struct pt_err *err)
{
    struct policy_file before = {0};
    char before_path[HOME_PATH_MAX];
    enum quorum_by by = QUORUM_ALL;
    bool found = false;
    enum pt_code rc;

    if ((rc = policy_file_load(out, path, err)) != PT_OK)
        return rc;
    *base = out->policy->hash;
    if ((rc = check_signed(&by, out, NULL, false, err)) != PT_EDENIED ||
        !out->policy->has_previous || depth >= CHAIN_MAX)
        return rc;
    if (find_version(before_path, &found, h, &out->policy->previous, err) != PT_OK)
        return err->code;
    if (!found)
        return rc;
    if ((rc = read_version(&before, base, h, before_path, depth + 1, err)) == PT_OK)
        rc = memcmp(before.policy->hash.b, out->policy->previous.b, sizeof base->b) == 0
                 ? check_signed(&by, out, &before, false, err)
                 : pt_fail(err, PT_EDENIED, "%s was changed since it was joined", before_path);
    policy_file_free(&before);
    return rc;
}

enum pt_code home_former_policy(struct policy **out, const struct home *h,
                                const struct digest *hash, struct pt_err *err)
{
    struct policy_file f = {0};
    struct digest base;
    char path[HOME_PATH_MAX];
    char text[72];
    bool found = false;
    enum pt_code rc;

    *out = NULL;
    if ((rc = find_version(path, &found, h, hash, err)) == PT_OK && found &&
        (rc = read_version(&f, &base, h, path, 0, err)) == PT_OK &&
        memcmp(f.policy->hash.b, hash->b, sizeof hash->b) == 0) {
        *out = f.policy;
        f.policy = NULL;
    }
    policy_file_free(&f);
    if (rc != PT_OK || *out != NULL)
        return rc;
    policy_hash_text(text, hash);
    return pt_fail(err, PT_ESTATE, "%s holds no policy of hash %s", h->dir, text);
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
    struct policy_file s = {0};
    struct digest base;
    char path[HOME_PATH_MAX];
    uint16_t self = 0;
    enum pt_code rc;

    home_path(path, h, CURRENT);
    if (!fileio_exists(path))
        return pt_fail(err, PT_ESTATE,
                       "no policy is in force: patto --home %s join POLICY, with the signatures "
                       "of all partners beside the file",
                       h->dir);
    if ((rc = read_version(&s, &base, h, path, 0, err)) == PT_OK &&
        (rc = check_self(&self, h, s.policy, err)) == PT_OK) {
        install(h, &s, self, &base);
        if ((rc = find_first(h, err)) != PT_OK) {
            policy_free(h->policy);
            h->policy = NULL;
        }
    }
    policy_file_free(&s);
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

static enum pt_code keep_signature(const char *path, const char *partner, struct span text,
                                   struct pt_err *err)
{
    char name[HOME_PATH_MAX];
    enum pt_code rc = home_signature_path(name, path, partner, err);

    return rc == PT_OK && text.n > 0 ? fileio_write(name, text, err) : rc;
}

/* The file, and whatever signatures it came with: of those who stay and of those who leave. */
static enum pt_code keep_copy(const struct home *h, const struct policy_file *s, const char *folder,
                              struct pt_err *err)
{
    struct buf texts[POLICY_FILE_SIGNERS] = {0};
    struct span leaving[POLICY_FILE_SIGNERS] = {0};
    char dir[HOME_PATH_MAX];
    char path[HOME_PATH_MAX];
    enum pt_code rc;

    home_path(dir, h, folder);
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return pt_fail(err, PT_EIO, "making folder %s: %s", dir, strerror(errno));
    if ((rc = fileio_join(path, dir, "policy.yaml", err)) == PT_OK)
        rc = fileio_write(path, buf_span(&s->file), err);
    for (size_t i = 0; i < s->policy->partner_count && rc == PT_OK; i++)
        rc = keep_signature(path, s->policy->partners[i].name, s->signatures[i], err);
    if (rc == PT_OK && h->policy != NULL)
        rc = policy_file_leaving(texts, leaving, s, h->policy, err);
    for (size_t i = 0; h->policy != NULL && i < h->policy->partner_count && rc == PT_OK; i++)
        rc = keep_signature(path, h->policy->partners[i].name, leaving[i], err);
    for (size_t i = 0; i < POLICY_FILE_SIGNERS; i++)
        buf_free(&texts[i]);
    return rc;
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

/* Whatever lies there: what stops the node keeps one officer alone from lifting it. */
static bool is_frozen(const struct home *h)
{
    struct frozen_state s;
    struct pt_err why;

    frozen_read(&s, h, &why);
    return s.frozen;
}

/* Everything that must hold before anything is written. */
static enum pt_code check_candidate(struct home_joined *out, uint16_t *self, const struct home *h,
                                    const struct policy_file *s, int64_t now_s, struct pt_err *err)
{
    const struct policy_file current = {.policy = h->policy, .file = h->policy_file};
    enum quorum_by by = QUORUM_ALL;
    enum pt_code rc;

    if (h->policy != NULL) {
        out->from_version = h->policy->version;
        out->again = memcmp(h->policy->hash.b, s->policy->hash.b, sizeof s->policy->hash.b) == 0;
        out->lifted = !out->again && is_frozen(h);
    }
    if (out->again) /* its signatures were judged when it was loaded */
        return quorum_check_dates(s->policy, now_s, err);
    if ((rc = check_signed(&by, s, h->policy == NULL ? NULL : &current, out->lifted, err)) !=
            PT_OK ||
        (rc = quorum_check_dates(s->policy, now_s, err)) != PT_OK ||
        (rc = check_self(self, h, s->policy, err)) != PT_OK ||
        (rc = quorum_check_succession(s->policy, h->policy,
                                      by == QUORUM_ALL ? &h->policy_base : NULL, err)) != PT_OK)
        return rc;
    out->by_one = by == QUORUM_ONE;
    if (h->policy == NULL)
        return PT_OK;
    out->attributes_changed =
        h->policy->identifier != s->policy->identifier || h->policy->rules != s->policy->rules ||
        !same_attributes(&h->policy->partners[h->self], &s->policy->partners[*self]);
    return PT_OK;
}

enum pt_code home_join(struct home_joined *out, struct home *h, const char *policy_path,
                       int64_t now_s, struct pt_err *err)
{
    struct policy_file s = {0};
    struct digest base;
    char folder[64];
    uint16_t self = 0;
    enum pt_code rc;

    *out = (struct home_joined){0};
    /* An expired policy may be followed; a damaged one may not be passed over. */
    if (h->policy == NULL && (rc = load_current(h, err)) != PT_OK && rc != PT_ESTATE)
        return rc;
    if ((rc = policy_file_load(&s, policy_path, err)) != PT_OK ||
        (rc = check_candidate(out, &self, h, &s, now_s, err)) != PT_OK || out->again)
        goto out;
    base = out->by_one ? h->policy_base : s.policy->hash;
    version_folder(folder, s.policy);
    if ((rc = keep_copy(h, &s, folder, err)) != PT_OK || (rc = switch_to(h, folder, err)) != PT_OK)
        goto out;
    install(h, &s, self, &base);
    rc = find_first(h, err);
out:
    policy_file_free(&s);
    if (rc != PT_OK)
        *out = (struct home_joined){0};
    return rc;
}
