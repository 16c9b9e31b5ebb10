/* What node/ingest.h says of reports. */
#include "node/ingest.h"

#include <inttypes.h>
#include <stdio.h>

void ingest_list_lines(char *out, size_t cap, const struct ingest_lines *l, size_t most)
{
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < most && i < l->count && at < cap; i++)
        at += (size_t)snprintf(out + at, cap - at, "%s%" PRIu64, i > 0 ? ", " : "", l->first[i]);
    if (at < cap && l->count > most)
        snprintf(out + at, cap - at, ", ...");
}

static bool print_lines(struct buf *out, const char *what, const struct ingest_lines *l)
{
    char lines[INGEST_LINES_MAX * 22 + 8];

    if (l->count == 0)
        return true;
    ingest_list_lines(lines, sizeof lines, l, INGEST_LINES_MAX);
    return buf_printf(out, "%" PRIu64 " %s: line%s %s\n", l->count, what, l->count == 1 ? "" : "s",
                      lines);
}

static bool print_count(struct buf *out, const char *what, uint64_t count)
{
    return count == 0 || buf_printf(out, "%" PRIu64 " %s\n", count, what);
}

enum pt_code ingest_print(struct buf *out, const struct ingest_report *r,
                          const struct policy_partner *me, struct pt_err *err)
{
    char what[POLICY_NAME_MAX + 80];
    bool good =
        (r->customers > 0 ? buf_printf(out, "%" PRIu64 " customers from ", r->customers) : true) &&
        buf_printf(out, "%" PRIu64 " rows\n", r->rows) &&
        print_lines(out, "rows without an identifier, left out", &r->empty) &&
        print_lines(out, "rows with a malformed identifier, left out", &r->malformed) &&
        print_lines(out, "rows with a wrong number of fields, left out", &r->width) &&
        print_count(out, "rows without consent, left out with every row of the same person",
                    r->rows_refused) &&
        print_count(out, "rows of people on the suppression list, left out", r->rows_suppressed) &&
        print_count(out, "rows of people who were removed (patto forget), left out",
                    r->rows_forgotten);

    for (size_t i = 0; i < r->attribute_count && good; i++) {
        const struct ingest_attribute *a = &r->attributes[i];
        const char *name = me->attributes[i].name;
        snprintf(what, sizeof what, "values of %s outside the policy, dropped", name);
        good = print_lines(out, what, &a->outside);
        snprintf(what, sizeof what, "words of %s not in the map, dropped", name);
        good = good && print_count(out, what, a->dropped);
        snprintf(what, sizeof what, "customers with %s outside min..max, clipped", name);
        good = good && print_count(out, what, a->clipped);
    }
    return good ? PT_OK : pt_fail(err, PT_ENOMEM, "report: not enough memory");
}
