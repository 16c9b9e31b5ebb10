#include "node/audit.h"

#include "crypto/base/text.h"
#include "node/clock.h"

#include <stdlib.h>
#include <string.h>

enum pt_code audit_open(struct audit *out, const char *home_dir, struct pt_err *err)
{
    struct pt_err dates = {0};
    char path[HOME_PATH_MAX];
    enum pt_code rc;

    *out = (struct audit){0};
    if ((rc = home_open(&out->home, home_dir, HOME_LOOK, err)) != PT_OK)
        return rc;
    /* A policy that has expired is still what the record is about. */
    rc = home_load_policy(out->home, clock_now_s(), &dates);
    if (rc != PT_OK && out->home->policy == NULL) {
        *err = dates;
        audit_close(out);
        return err->code;
    }
    home_path(path, out->home, "state.db");
    if ((rc = store_open(&out->store, path, STORE_READ, err)) != PT_OK)
        audit_close(out);
    return rc;
}

void audit_close(struct audit *a)
{
    store_close(a->store);
    home_close(a->home);
    *a = (struct audit){0};
}

bool audit_field_next(struct span *key, struct span *value, struct span *rest)
{
    bool found;

    *rest = text_trim(*rest);
    *value = text_cut(rest, ' ', &found);
    *key = text_cut(value, '=', &found);
    return key->n > 0;
}

void audit_field(char out[AUDIT_VALUE_MAX], bool *found, const char *fields, const char *key)
{
    struct span rest = span_z(fields);
    struct span name;
    struct span value;

    out[0] = '\0';
    *found = false;
    while (!*found && audit_field_next(&name, &value, &rest))
        *found = text_eq(name, key) && text_copy(out, AUDIT_VALUE_MAX, value);
}

/* In "drinkco,freshmart"? */
static bool is_listed(const char *name, const char *list)
{
    struct span rest = span_z(list);
    bool more = true;

    while (more)
        if (text_eq(text_cut(&rest, ',', &more), name))
            return true;
    return false;
}

bool audit_concerns(const struct store_event_row *row, const char *partner)
{
    static const char *const KEYS[] = {"recipient", "peer", "with"};
    static const char *const OF_ALL[] = {"policy", "key", "freeze", "thaw", "unfreeze"};
    char value[AUDIT_VALUE_MAX];
    bool found;
    bool named = false;

    for (size_t i = 0; i < PT_LEN(KEYS); i++) {
        audit_field(value, &found, row->fields, KEYS[i]);
        if (found && strcmp(value, partner) != 0)
            return false; /* somebody else's too */
        named = named || found;
    }
    if (named)
        return true;
    audit_field(value, &found, row->fields, "participants");
    if (found)
        return is_listed(partner, value);
    for (size_t i = 0; i < PT_LEN(OF_ALL); i++)
        if (strcmp(row->kind, OF_ALL[i]) == 0)
            return true;
    return false;
}

enum pt_code audit_each(const struct audit *a, uint64_t after,
                        enum pt_code (*on_event)(void *self, const struct store_event_row *row,
                                                 struct pt_err *err),
                        void *self, struct pt_err *err)
{
    struct store_event_row *row = calloc(1, sizeof *row); /* large */
    bool found = true;
    enum pt_code rc = PT_OK;

    if (row == NULL)
        return pt_fail(err, PT_ENOMEM, "reading the audit record: no memory");
    row->sequence = after;
    while (rc == PT_OK && found) {
        rc = store_event_next(row, &found, a->store, row->sequence, err);
        if (rc == PT_OK && found)
            rc = on_event(self, row, err);
    }
    free(row);
    return rc;
}
