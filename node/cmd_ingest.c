/* patto ingest: put a customer file in force in the vault. */
#include "node/clock.h"
#include "node/cmd_json.h"
#include "node/commands.h"
#include "node/home.h"
#include "node/ingest.h"
#include "node/progress.h"
#include "node/snapshot.h"
#include "node/store.h"

#include <inttypes.h>
#include <string.h>

static const struct cli_option OPTIONS[] = {
    {"map", "MAP.yaml", "which column of FILE is what in the policy", true, false},
    {"json", NULL, "print the report as JSON", false, false},
    {0},
};

struct job {
    struct cli *cli;
    struct home *home;
    struct store *store;
    struct map *map;
    struct forgotten forgotten;
    struct vault_writer *writer;
    struct vault_stored stored;
    struct ingest_report report;
    struct progress bar;
};

static void draw(void *context, const char *doing, uint64_t done, uint64_t total)
{
    struct job *j = context;

    if (j->bar.what != doing) {
        if (j->bar.what != NULL)
            progress_end(&j->bar);
        progress_begin(&j->bar, j->cli->log, doing, 0, clock_mono_ms());
    }
    j->bar.total = total;
    progress_at(&j->bar, done, clock_mono_ms());
}

static enum pt_code take(void *context, struct vault_data *rows, struct pt_err *err)
{
    struct job *j = context;

    return vault_writer_add(j->writer, rows, err);
}

static enum pt_code read_customers(struct job *j, int64_t now_s, struct pt_err *err)
{
    const struct home *h = j->home;
    const char *path = j->cli->args[0];
    char dir[HOME_PATH_MAX];

    (void)snapshot_vault(dir, h);
    if (map_read(&j->map, cli_value(j->cli, "map"), h->policy, h->self, err) != PT_OK)
        return err->code;
    const struct ingest_in in = {.path = path,
                                 .map = j->map,
                                 .policy = h->policy,
                                 .me = h->self,
                                 .forgotten = &j->forgotten,
                                 .now_s = now_s,
                                 .spool_dir = dir,
                                 .take = take,
                                 .progress = draw,
                                 .context = j};
    enum pt_code rc = ingest_run(&j->report, &in, err);
    if (j->bar.what != NULL)
        progress_end(&j->bar);
    return rc;
}

static enum pt_code put_number(struct store *s, const char *name, uint64_t value,
                               struct pt_err *err)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, value);
    return store_fact_put(s, name, span_z(text), err);
}

/* For status. The audit record says that data changed, not how much of it there is. */
static enum pt_code record(struct job *j, int64_t now_s, struct pt_err *err)
{
    struct store *s = j->store;
    struct store_place place;
    const struct vault_stats *n = &j->report.stats;
    char fields[320];
    enum pt_code rc;

    /* This company's own numbers: no partner is shown an event of this kind (audit_concerns()). */
    snprintf(fields, sizeof fields,
             "dataset=%s customers=%" PRIu64 " rows=%" PRIu64 " empty=%" PRIu64
             " malformed=%" PRIu64 " refused=%" PRIu64 " suppressed=%" PRIu64
             " values_dropped=%" PRIu64,
             j->stored.generation, j->stored.customers, n->rows_read, n->rows_empty,
             n->rows_malformed, n->rows_refused, n->rows_suppressed, n->values_dropped);
    if ((rc = store_begin(s, err)) != PT_OK)
        return rc;
    if ((rc = store_event(&place, s, "ingest", fields, now_s, err)) == PT_OK &&
        (rc = put_number(s, "dataset.count", j->stored.customers, err)) == PT_OK &&
        (rc = put_number(s, "dataset.at", (uint64_t)now_s, err)) == PT_OK &&
        (rc = put_number(s, "tokens.count", j->stored.tokens, err)) == PT_OK &&
        (rc = store_fact_put(s, "tokens.period", span_z(j->stored.key_period), err)) == PT_OK)
        rc = store_commit(s, err);
    store_rollback(s);
    return rc;
}

static enum pt_code read_forgotten(struct job *j, struct pt_err *err)
{
    char dir[HOME_PATH_MAX];
    struct vault_place place = snapshot_vault(dir, j->home);
    enum pt_code rc = forgotten_load(&j->forgotten, &place, err);

    return rc == PT_OK ? forgotten_check(&j->forgotten, j->store, err) : rc;
}

static json_t *json_lines(const struct ingest_lines *l)
{
    json_t *first = json_array();

    for (size_t i = 0; i < l->count && i < INGEST_LINES_MAX; i++)
        json_array_append_new(first, json_integer((json_int_t)l->first[i]));
    return json_pack("{s:I, s:o}", "count", (json_int_t)l->count, "first_lines", first);
}

static enum pt_code print_json(FILE *out, const struct job *j, struct pt_err *err)
{
    const struct ingest_report *r = &j->report;
    const struct policy_partner *me = &j->home->policy->partners[j->home->self];
    json_t *attributes = json_array();

    for (size_t i = 0; i < r->attribute_count; i++) {
        const struct ingest_attribute *a = &r->attributes[i];
        json_array_append_new(attributes,
                              json_pack("{s:s, s:I, s:o, s:I, s:I}", "name", me->attributes[i].name,
                                        "seen", (json_int_t)a->seen, "outside",
                                        json_lines(&a->outside), "dropped", (json_int_t)a->dropped,
                                        "clipped", (json_int_t)a->clipped));
    }
    return cmd_json_print(
        out,
        json_pack("{s:I, s:I, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:o}", "rows", (json_int_t)r->rows,
                  "customers", (json_int_t)r->customers, "empty", json_lines(&r->empty),
                  "malformed", json_lines(&r->malformed), "width", json_lines(&r->width),
                  "rows_refused", (json_int_t)r->rows_refused, "customers_refused",
                  (json_int_t)r->customers_refused, "rows_suppressed",
                  (json_int_t)r->rows_suppressed, "rows_forgotten", (json_int_t)r->rows_forgotten,
                  "attributes", attributes),
        err);
}

static enum pt_code print_text(FILE *out, const struct job *j, struct pt_err *err)
{
    struct buf text = {0};
    enum pt_code rc =
        ingest_print(&text, &j->report, &j->home->policy->partners[j->home->self], err);

    if (rc == PT_OK && text.n > 0)
        fwrite(text.p, 1, text.n, out);
    buf_free(&text);
    return rc;
}

/* The report is for failures too: what is wrong with the file is what one wants to know then. */
static enum pt_code print_report(const struct job *j, enum pt_code outcome, struct pt_err *err)
{
    struct pt_err ignored;

    if (outcome != PT_OK) {
        fputs("nothing is loaded: what was here before stays\n", j->cli->log);
        if (j->report.rows > 0 && !cli_flag(j->cli, "json"))
            (void)!print_text(j->cli->out, j, &ignored);
        return outcome;
    }
    return cli_flag(j->cli, "json") ? print_json(j->cli->out, j, err)
                                    : print_text(j->cli->out, j, err);
}

/* Read, shown, and only then put in force. */
static enum pt_code replace_customers(struct job *j, int64_t now_s, struct pt_err *err)
{
    char dir[HOME_PATH_MAX];
    const struct vault_place place = snapshot_vault(dir, j->home);
    enum pt_code rc;

    if ((rc = vault_sweep(dir, err)) != PT_OK ||
        (rc = vault_writer_new(&j->writer, &place, err)) != PT_OK)
        return rc;
    rc = read_customers(j, now_s, err);
    if ((rc = print_report(j, rc, err)) != PT_OK)
        return rc;
    return vault_writer_commit(&j->stored, j->writer, &j->report.stats, err);
}

static enum pt_code work(struct job *j, int64_t now_s, struct pt_err *err)
{
    char path[HOME_PATH_MAX];
    enum pt_code rc;

    home_path(path, j->home, "state.db");
    if ((rc = home_load_policy(j->home, now_s, err)) != PT_OK ||
        (rc = store_open(&j->store, path, STORE_WRITE, err)) != PT_OK ||
        (rc = read_forgotten(j, err)) != PT_OK || (rc = replace_customers(j, now_s, err)) != PT_OK)
        return rc;
    return record(j, now_s, err);
}

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    struct job j = {.cli = cli};
    enum pt_code rc;

    if ((rc = home_open(&j.home, cli->home, HOME_WORK, err)) != PT_OK)
        return rc;
    if ((rc = work(&j, clock_now_s(), err)) == PT_OK && j.stored.tokens < j.stored.customers)
        fprintf(cli->log, "next: patto --home %s serve, then tokenise\n", j.home->dir);
    vault_writer_drop(j.writer);
    map_free(j.map);
    forgotten_free(&j.forgotten);
    store_close(j.store);
    home_close(j.home);
    return rc;
}

const struct command cmd_ingest = {
    .name = "ingest",
    .args = "FILE",
    .summary = "load customers from a CSV file",
    .about = "Reads FILE (CSV with a heading, any delimiter; a row a customer or a row a\n"
             "purchase), normalises and hashes the identifiers, keeps what the policy names,\n"
             "and puts the result sealed into the home in place of what was there.\n"
             "Identifiers themselves are never written. Rows that cannot be used are counted\n"
             "and their lines named; too large a share of them is refused, and the old data\n"
             "stays in force. Customers without consent, on the suppression list or removed by\n"
             "`patto forget` are left out. The node must be stopped meanwhile.\n"
             "\n"
             "MAP.yaml says which column is what; `patto map` prints one to start from:\n"
             "\n"
             "  patto-map: 1\n"
             "  form: wide                  # a row a customer; long: a row a purchase\n"
             "  identifier: {column: email}\n"
             "  attributes:                 # each one that the policy gives this partner\n"
             "    segment: {column: status, values: {N: new, L: loyal}}\n"
             "    buys: {column: categories, separator: \"|\"}\n"
             "  consent: {column: opt_in, accept: [yes]}   # may be left out",
    .example = "patto --home ./fresh map > map.yaml\n"
               "patto --home ./fresh ingest customers.csv --map map.yaml",
    .options = OPTIONS,
    .arg_min = 1,
    .arg_max = 1,
    .run = run,
};
