#include "node/policy_file.h"

#include "node/fileio.h"
#include "node/home.h"

/* Stays empty when there is none. */
static enum pt_code load_signature(struct buf *text, const char *path, const char *partner,
                                   struct pt_err *err)
{
    char name[HOME_PATH_MAX];
    enum pt_code rc = home_signature_path(name, path, partner, err);

    if (rc != PT_OK || !fileio_exists(name))
        return rc;
    return fileio_read(text, name, MINISIGN_TEXT_MAX, err);
}

enum pt_code policy_file_load(struct policy_file *out, const char *path, struct pt_err *err)
{
    enum pt_code rc;

    *out = (struct policy_file){.path = path};
    if ((rc = fileio_read(&out->file, path, POLICY_FILE_MAX, err)) != PT_OK)
        return rc;
    if ((rc = policy_parse(&out->policy, buf_span(&out->file), err)) != PT_OK)
        rc = pt_wrap(err, "%s", path);
    for (size_t i = 0; rc == PT_OK && i < out->policy->partner_count && i < POLICY_FILE_SIGNERS;
         i++) {
        rc = load_signature(&out->texts[i], path, out->policy->partners[i].name, err);
        out->signatures[i] = buf_span(&out->texts[i]);
        out->signature_count += out->texts[i].n > 0;
    }
    return rc;
}

enum pt_code policy_file_leaving(struct buf texts[POLICY_FILE_SIGNERS],
                                 struct span out[POLICY_FILE_SIGNERS], const struct policy_file *f,
                                 const struct policy *before, struct pt_err *err)
{
    enum pt_code rc = PT_OK;

    for (size_t i = 0; i < before->partner_count && i < POLICY_FILE_SIGNERS && rc == PT_OK; i++) {
        const char *name = before->partners[i].name;
        out[i] = (struct span){0};
        if (policy_find_partner(f->policy, name) >= 0)
            continue;
        rc = load_signature(&texts[i], f->path, name, err);
        out[i] = buf_span(&texts[i]);
    }
    return rc;
}

void policy_file_free(struct policy_file *f)
{
    policy_free(f->policy);
    buf_free(&f->file);
    for (size_t i = 0; i < POLICY_FILE_SIGNERS; i++)
        buf_free(&f->texts[i]);
    *f = (struct policy_file){0};
}
