#include "node/idlist.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/csvfile.h"
#include "node/fileio.h"

void idlist_init(struct idlist *l)
{
    *l = (struct idlist){0};
    digestset_init(&l->set);
}

void idlist_free(struct idlist *l)
{
    digestset_free(&l->set);
    free(l->lines);
    *l = (struct idlist){0};
}

bool idlist_encoding(enum normalise_encoding *out, const char *name)
{
    static const struct {
        const char *name;
        enum normalise_encoding encoding;
    } ENCODINGS[] = {{"raw", ENCODING_RAW},
                     {"sha256-hex", ENCODING_SHA256_HEX},
                     {"sha256-base64", ENCODING_SHA256_BASE64}};

    for (size_t i = 0; i < PT_LEN(ENCODINGS); i++) {
        if (strcmp(name, ENCODINGS[i].name) != 0)
            continue;
        *out = ENCODINGS[i].encoding;
        return true;
    }
    return false;
}

static bool keep_line(struct idlist *l, size_t number, uint64_t line)
{
    if (number == l->line_cap) {
        size_t cap = l->line_cap == 0 ? 256 : 2 * l->line_cap;
        uint64_t *more = realloc(l->lines, cap * sizeof *more);
        if (more == NULL)
            return false;
        l->lines = more;
        l->line_cap = cap;
    }
    l->lines[number] = line;
    return true;
}

struct reading {
    struct idlist *list;
    const struct normalise_how *how;
};

static enum pt_code take_line(void *context, const struct csv_row *row, struct pt_err *err)
{
    struct reading *r = context;
    struct digest digest;
    size_t number;
    bool added;
    enum normalise_result result = NORMALISE_MALFORMED;

    if (row->field_count == 1)
        result = normalise_digest(&digest, r->how, row->fields[0]);
    if (result == NORMALISE_EMPTY)
        return PT_OK;
    if (result == NORMALISE_MALFORMED)
        return pt_fail(err, PT_EPARSE,
                       "line %" PRIu64 ": not an identifier%s; correct or remove the line, so that "
                       "nobody on the list is passed over",
                       row->line, row->line == 1 ? " (a list has no heading)" : "");
    if (digestset_add(&number, &added, &r->list->set, &digest) != PT_OK ||
        (added && !keep_line(r->list, number, row->line)))
        return pt_fail(err, PT_ENOMEM, "line %" PRIu64 ": not enough memory", row->line);
    return PT_OK;
}

enum pt_code idlist_read(struct idlist *l, const char *path, const struct normalise_how *how,
                         struct pt_err *err)
{
    struct reading r = {l, how};
    /* No identifier holds a tab: a line is one field. */
    const struct csvfile in = {.path = path, .delimiter = '\t', .handler = {take_line, &r}};
    uint64_t bytes = 0;
    int fd = -1;

    if (fileio_open(&fd, &bytes, path, err) != PT_OK)
        return err->code;
    close(fd);
    return bytes == 0 ? PT_OK : csvfile_read(&in, err);
}
