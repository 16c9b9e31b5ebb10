#include "node/policy_file.h"

#include "node/fileio.h"
#include "node/home.h"

static enum pt_code load_signature(struct policy_file *f, size_t i, const char *path,
                                   struct pt_err *err)
{
    char name[HOME_PATH_MAX];
    enum pt_code rc = home_signature_path(name, path, f->policy->partners[i].name, err);

    if (rc != PT_OK || !fileio_exists(name))
        return rc;
    if ((rc = fileio_read(&f->texts[i], name, MINISIGN_TEXT_MAX, err)) == PT_OK) {
        f->signatures[i] = buf_span(&f->texts[i]);
        f->signature_count++;
    }
    return rc;
}

enum pt_code policy_file_load(struct policy_file *out, const char *path, struct pt_err *err)
{
    enum pt_code rc;

    *out = (struct policy_file){0};
    if ((rc = fileio_read(&out->file, path, POLICY_FILE_MAX, err)) != PT_OK)
        return rc;
    if ((rc = policy_parse(&out->policy, buf_span(&out->file), err)) != PT_OK)
        rc = pt_wrap(err, "%s", path);
    for (size_t i = 0; rc == PT_OK && i < out->policy->partner_count && i < POLICY_FILE_SIGNERS;
         i++)
        rc = load_signature(out, i, path, err);
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
