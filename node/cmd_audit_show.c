/* patto audit show: the audit record, event by event. */
#include "crypto/base/text.h"
#include "node/audit.h"
#include "node/clock.h"
#include "node/cmd_json.h"
#include "node/commands.h"
#include "policy/names.h"

#include <inttypes.h>
#include <string.h>

static const struct cli_option OPTIONS[] = {
    {"since", "DATE|N", "from this day (YYYY-MM-DD, UTC) or event number on", false, false},
    {"kind", "KIND", "only events of this kind, such as charge or asked", false, false},
    {"json", NULL, "print them as JSON", false, false},
    {0},
};

struct show {
    struct cli *cli;
    const char *kind;
    uint64_t from;
    int64_t from_s;
    json_t *list; /* NULL: a table */
    size_t count;
};

static enum pt_code parse_since(struct show *w, const char *since, struct pt_err *err)
{
    w->from_s = INT64_MIN;
    if (since == NULL || text_u64(span_z(since), &w->from) ||
        names_parse_date(&w->from_s, span_z(since)))
        return PT_OK;
    return pt_fail(err, PT_EUSAGE, "--since %.40s: a day such as 2026-12-01, or an event's number",
                   since);
}

static json_t *json_fields(const char *fields)
{
    json_t *out = json_object();
    struct span rest = span_z(fields);
    struct span key;
    struct span value;

    while (audit_field_next(&key, &value, &rest))
        json_object_setn_new(out, (const char *)key.p, key.n,
                             json_stringn((const char *)value.p, value.n));
    return out;
}

static enum pt_code on_event(void *self, const struct store_event_row *row, struct pt_err *err)
{
    struct show *w = self;
    char at[20];

    (void)err;
    if (row->sequence < w->from || row->at_s < w->from_s ||
        (w->kind != NULL && strcmp(row->kind, w->kind) != 0))
        return PT_OK;
    w->count++;
    clock_time(at, row->at_s);
    if (w->list != NULL) {
        json_array_append_new(w->list, json_pack("{s:I, s:s, s:s, s:o}", "event",
                                                 (json_int_t)row->sequence, "at", at, "kind",
                                                 row->kind, "fields", json_fields(row->fields)));
        return PT_OK;
    }
    if (w->count == 1)
        fprintf(w->cli->out, "%7s  %-19s  %-9s %s\n", "event", "at (UTC)", "kind", "fields");
    fprintf(w->cli->out, "%7" PRIu64 "  %s  %-9s %s\n", row->sequence, at, row->kind, row->fields);
    return PT_OK;
}

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    struct show w = {.cli = cli, .kind = cli_value(cli, "kind")};
    struct audit a = {0};
    enum pt_code rc;

    if ((rc = parse_since(&w, cli_value(cli, "since"), err)) != PT_OK ||
        (rc = audit_open(&a, cli->home, err)) != PT_OK)
        return rc;
    if (cli_flag(cli, "json"))
        w.list = json_array();
    rc = audit_each(&a, w.from > 0 ? w.from - 1 : 0, on_event, &w, err);
    if (rc == PT_OK && w.list != NULL)
        rc = cmd_json_print(cli->out, json_incref(w.list), err);
    else if (rc == PT_OK && w.count == 0)
        fprintf(cli->log, "no such events\n");
    json_decref(w.list);
    audit_close(&a);
    return rc;
}

const struct command cmd_audit_show = {
    .name = "audit show",
    .args = "",
    .summary = "show what this node has recorded, event by event",
    .about = "Every event has a number, a time, a kind and fields. Kinds: policy, key, ingest,\n"
             "tokenise, evaluate (tokens made for a partner), epoch, asked and received (our\n"
             "questions), charge and answered (theirs), refused. A question has the same id on\n"
             "both sides. There are no identifiers, no answers and no customer counts in it.\n"
             "It reads only, also beside a running node; `patto audit verify` says whether\n"
             "what it shows is what was recorded.",
    .example = "patto --home ./fresh audit show --since 2026-12-01 --kind charge\n"
               "patto --home ./fresh audit show --since 120 --json",
    .options = OPTIONS,
    .run = run,
};
