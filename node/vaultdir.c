#include "node/vaultdir.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "crypto/base/text.h"

enum { CURRENT_MAX = 512, NAME_MAX_BYTES = 96 };

enum pt_code vaultdir_dataset(char out[FILEIO_PATH_MAX], const char *dir, const struct vaultdir *c,
                              struct pt_err *err)
{
    char name[NAME_MAX_BYTES];

    snprintf(name, sizeof name, "dataset-%s.vault", c->generation);
    return fileio_join(out, dir, name, err);
}

enum pt_code vaultdir_tokens(char out[FILEIO_PATH_MAX], const char *dir, const struct vaultdir *c,
                             struct pt_err *err)
{
    char name[NAME_MAX_BYTES];

    snprintf(name, sizeof name, "tokens-%s-%s.vault", c->key_period, c->generation);
    return fileio_join(out, dir, name, err);
}

bool vaultdir_is_period(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return s.n > 0 && s.n <= VAULT_PERIOD_MAX;
}

/* "name value\n" off the front of *s; false when it does not begin so. */
static bool take_line(struct span *value, struct span *s, const char *name)
{
    bool found;
    struct span rest = *s;
    struct span line = text_cut(&rest, '\n', &found);
    bool space;
    struct span word = text_cut(&line, ' ', &space);

    if (!found || !space || !text_eq(word, name))
        return false;
    *value = line;
    *s = rest;
    return true;
}

static bool parse(struct vaultdir *c, struct span s)
{
    struct span v;
    uint8_t generation[8];

    *c = (struct vaultdir){0};
    if (!take_line(&v, &s, "patto-vault") || !text_eq(v, "1"))
        return false;
    if (!take_line(&v, &s, "dataset") || !text_unhex(generation, sizeof generation, v))
        return false;
    text_hex(c->generation, generation, sizeof generation);
    if (!take_line(&v, &s, "schema") || !text_unhex(c->schema.b, sizeof c->schema.b, v))
        return false;
    if (s.n == 0)
        return true;
    return take_line(&v, &s, "tokens") && vaultdir_is_period(v) && s.n == 0 &&
           text_copy(c->key_period, sizeof c->key_period, v);
}

enum pt_code vaultdir_read(struct vaultdir *c, bool *there, const char *dir, struct pt_err *err)
{
    char path[FILEIO_PATH_MAX];
    struct buf text = {0};
    enum pt_code rc;

    *c = (struct vaultdir){0};
    *there = false;
    if ((rc = fileio_join(path, dir, "current", err)) != PT_OK)
        return rc;
    if (!fileio_exists(path))
        return PT_OK;
    if ((rc = fileio_read(&text, path, CURRENT_MAX, err)) == PT_OK) {
        *there = parse(c, buf_span(&text));
        if (!*there)
            rc = pt_fail(err, PT_EBADMSG,
                         "%s is not as patto writes it; restore it, or remove it "
                         "and ingest again",
                         path);
    }
    buf_free(&text);
    return rc;
}

enum pt_code vaultdir_write(const char *dir, const struct vaultdir *c, struct pt_err *err)
{
    char path[FILEIO_PATH_MAX];
    char schema[65];
    struct buf text = {0};
    enum pt_code rc = fileio_join(path, dir, "current", err);

    text_hex(schema, c->schema.b, sizeof c->schema.b);
    bool good = buf_printf(&text, "patto-vault 1\ndataset %s\nschema %s\n", c->generation, schema);
    if (c->key_period[0] != '\0')
        good = good && buf_printf(&text, "tokens %s\n", c->key_period);
    if (rc == PT_OK && !good)
        rc = pt_fail(err, PT_ENOMEM, "writing %s: not enough memory", path);
    if (rc == PT_OK)
        rc = fileio_write(path, buf_span(&text), err);
    buf_free(&text);
    return rc;
}

static bool begins(const char *s, const char *with)
{
    return strncmp(s, with, strlen(with)) == 0;
}

enum pt_code vaultdir_sweep(const char *dir, struct pt_err *err)
{
    struct vaultdir c;
    char dataset[FILEIO_PATH_MAX];
    char tokens[FILEIO_PATH_MAX];
    char path[FILEIO_PATH_MAX];
    bool there;
    enum pt_code rc;

    if ((rc = vaultdir_read(&c, &there, dir, err)) != PT_OK ||
        (rc = fileio_sweep(dir, err)) != PT_OK ||
        (rc = vaultdir_dataset(dataset, dir, &c, err)) != PT_OK ||
        (rc = vaultdir_tokens(tokens, dir, &c, err)) != PT_OK)
        return rc;
    DIR *d = opendir(dir);
    if (d == NULL)
        return pt_fail(err, PT_EIO, "looking through %s: %s", dir,
                       errno == ENOENT ? "no such folder" : "it cannot be opened");
    for (struct dirent *e = readdir(d); e != NULL && rc == PT_OK; e = readdir(d)) {
        if (!begins(e->d_name, "dataset-") && !begins(e->d_name, "tokens-"))
            continue;
        if ((rc = fileio_join(path, dir, e->d_name, err)) != PT_OK)
            break;
        if (strcmp(path, dataset) != 0 && strcmp(path, tokens) != 0)
            rc = fileio_remove(path, err);
    }
    closedir(d);
    return rc;
}
