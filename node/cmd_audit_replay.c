/* patto audit replay: make everything again that this node sent in an epoch, and compare. */
#include "crypto/base/text.h"
#include "node/clock.h"
#include "node/cmd_json.h"
#include "node/commands.h"
#include "node/progress.h"
#include "node/replay_epoch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS_MAX = 64 };

static const struct cli_option OPTIONS[] = {
    {"threads", "N", "threads to compute with; default: as node.yaml says", false, false},
    {"json", NULL, "print it as JSON", false, false},
    {0},
};

static const char *const KINDS[] = {
    [WHAT_TOKENISE] = "tokens", [WHAT_EPOCH] = "epoch", [WHAT_ASK] = "ask", [WHAT_REACH] = "reach"};

struct telling {
    struct cli *cli;
    const struct replay_home *bed;
    const struct replay_report *report;
};

static bool kind_is_told(size_t i)
{
    return i < PT_LEN(KINDS) && KINDS[i] != NULL;
}

static size_t open_sessions(const struct replay_report *r)
{
    size_t n = 0;

    for (size_t i = 0; i < PT_LEN(r->sums); i++)
        n += r->sums[i].open;
    return n;
}

static const char *verdict(const struct replay_report *r)
{
    if (r->first != NULL || r->missing[0] != '\0')
        return "differs";
    return r->gone != NULL ? "unchecked" : "same";
}

/* "session 12 (ask, drinkco), message 4: Reply row 0 differs" */
static void place(char *out, size_t cap, const struct replay_session *s)
{
    snprintf(out, cap, "session %zu (%s, %s), message %" PRIu64 ": %s", s->number, KINDS[s->what],
             s->peer, s->result.message, s->result.words);
}

static void print_text(const struct telling *t)
{
    const struct epoch_header *h = &t->bed->agreed.header;
    const struct replay_report *r = t->report;
    FILE *out = t->cli->out;
    size_t open = open_sessions(r);

    fprintf(out, "epoch %" PRIu64 ", signed by", h->number);
    for (size_t i = 0; i < h->participant_count; i++)
        fprintf(out, "%s %s", i > 0 ? "," : "", h->participants[i].name);
    if (t->bed->at < 0)
        fprintf(out, "\na neutral node: it has no data, and its part in reach alone\n");
    else if (t->bed->epoch != NULL)
        fprintf(out, "\nour data, their announced size and the seed are those of the header\n");
    else
        fprintf(out, "\nour data could not be compared: %s\n", t->bed->no_epoch.msg);
    for (size_t i = 0; i < PT_LEN(r->sums); i++) {
        const struct replay_sum *s = &r->sums[i];
        if (!kind_is_told(i))
            continue;
        fprintf(out, "%-7s %5zu sessions, %8" PRIu64 " messages of ours: %zu same, %zu differ",
                KINDS[i], s->sessions, s->messages, s->same, s->differ);
        if (s->unchecked > 0)
            fprintf(out, ", %zu not checked", s->unchecked);
        fprintf(out, "\n");
    }
    if (r->sums[WHAT_TOKENISE].earlier > 0)
        fprintf(
            out,
            "%zu token batches were made over data that had been replaced before this epoch, or\n"
            "under another policy: they could be replayed until then\n",
            r->sums[WHAT_TOKENISE].earlier);
    if (open > 0)
        fprintf(out, "%zu of them were refused or broken off, so that no partner has signed them\n",
                open);
}

static json_t *json_session(const struct replay_session *s)
{
    if (s == NULL)
        return json_null();
    return json_pack("{s:I, s:s, s:s, s:s, s:I, s:s}", "session", (json_int_t)s->number, "record",
                     s->name, "kind", KINDS[s->what], "with", s->peer, "message",
                     (json_int_t)s->result.message, "reason", s->result.words);
}

static enum pt_code print_json(const struct telling *t, struct pt_err *err)
{
    const struct epoch_header *h = &t->bed->agreed.header;
    const struct replay_report *r = t->report;
    json_t *kinds = json_object();

    for (size_t i = 0; i < PT_LEN(r->sums); i++) {
        const struct replay_sum *s = &r->sums[i];
        if (kind_is_told(i))
            json_object_set_new(kinds, KINDS[i],
                                json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "sessions",
                                          (json_int_t)s->sessions, "messages",
                                          (json_int_t)s->messages, "same", (json_int_t)s->same,
                                          "differ", (json_int_t)s->differ, "unchecked",
                                          (json_int_t)s->unchecked, "earlier",
                                          (json_int_t)s->earlier, "unsigned", (json_int_t)s->open));
    }
    return cmd_json_print(t->cli->out,
                          json_pack("{s:I, s:s, s:b, s:o, s:o, s:o, s:s}", "epoch",
                                    (json_int_t)h->number, "verdict", verdict(r), "data_match",
                                    t->bed->at < 0 || t->bed->epoch != NULL, "kinds", kinds,
                                    "first", json_session(r->first), "unchecked",
                                    json_session(r->gone), "missing", r->missing),
                          err);
}

static enum pt_code judge(const struct replay_report *r, struct pt_err *err)
{
    char words[REPLAY_WORDS_MAX + 128];

    if (r->first != NULL) {
        place(words, sizeof words, r->first);
        return pt_fail(err, PT_EBADMSG, "%.250s", words);
    }
    if (r->missing[0] != '\0')
        return pt_fail(err, PT_EBADMSG, "%.250s", r->missing);
    if (r->gone != NULL) {
        place(words, sizeof words, r->gone);
        return pt_fail(err, PT_ESTATE, "not checked: %.230s", words);
    }
    return PT_OK;
}

static void at(void *self, size_t done, size_t total)
{
    struct progress *p = self;

    p->total = total;
    progress_at(p, done, clock_mono_ms());
}

static enum pt_code replay(struct cli *cli, struct replay_home *bed, struct pt_err *err)
{
    struct replay_report report = {0};
    const struct telling t = {.cli = cli, .bed = bed, .report = &report};
    struct progress bar;
    const struct replay_steps steps = {.self = &bar, .at = at};
    enum pt_code rc;

    progress_begin(&bar, cli->log, "replaying", 0, clock_mono_ms());
    rc = replay_epoch(&report, bed, &steps, err);
    progress_end(&bar);
    if (rc == PT_OK && cli_flag(cli, "json"))
        rc = print_json(&t, err);
    else if (rc == PT_OK)
        print_text(&t);
    if (rc == PT_OK)
        rc = judge(&report, err);
    replay_report_free(&report);
    return rc;
}

static enum pt_code read_words(struct replay_home_in *in, const struct cli *cli, struct pt_err *err)
{
    const char *threads = cli_value(cli, "threads");
    uint64_t n = in->home->config.threads;

    if (!text_u64(span_z(cli->args[0]), &in->epoch) || in->epoch > INT64_MAX)
        return pt_fail(err, PT_EUSAGE, "EPOCH is a number, as `patto status` shows it");
    if (threads != NULL && (!text_u64(span_z(threads), &n) || n < 1 || n > THREADS_MAX))
        return pt_fail(err, PT_EUSAGE, "--threads is 1..%d", THREADS_MAX);
    in->threads = (size_t)n;
    return PT_OK;
}

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    struct replay_home *bed = calloc(1, sizeof *bed);
    struct replay_home_in in = {0};
    struct pt_err why = {0};
    enum pt_code rc;

    if (bed == NULL)
        return pt_fail(err, PT_ENOMEM, "audit replay: no memory");
    if ((rc = home_open(&in.home, cli->home, HOME_AUDIT, err)) != PT_OK ||
        (rc = read_words(&in, cli, err)) != PT_OK)
        goto out;
    rc = home_load_policy(in.home, clock_now_s(), &why);
    if (in.home->policy == NULL) {
        *err = why;
        goto out;
    }
    if ((rc = replay_home_open(bed, &in, err)) == PT_OK)
        rc = replay(cli, bed, err);
    replay_home_close(bed);
out:
    home_close(in.home);
    free(bed);
    return rc;
}

const struct command cmd_audit_replay = {
    .name = "audit replay",
    .args = "EPOCH",
    .summary = "make again all that this node sent in an epoch, and compare",
    .about = "For an auditor on the premises: reads the sealed records of this node's\n"
             "sessions, gives what came in them to the same code once more, with this node's\n"
             "customers, seed and keys, and compares every message that the code sends with\n"
             "what was sent: by the running hash that the partner signed at the end of each\n"
             "session. Before that it compares data and seed with what the epoch's header\n"
             "commits to, and the ledger and audit record with what the messages say was\n"
             "charged. Works beside a running node, and changes nothing.\n"
             "\n"
             "Exit status 0: everything is the same. 1: something differs, and the first is\n"
             "named by session and message; or not all could be checked: data that have been\n"
             "replaced since, and columns that went with their epoch, cannot be made again.\n"
             "What could be compared without them was. Records are kept for\n"
             "legal.retention_days. Only pass or fail and places are printed, no content.\n"
             "\n"
             "Token batches over data that were replaced before the epoch are counted and\n"
             "said, and are no reason to fail: they can be replayed until the next ingest.\n"
             "\n"
             "What it proves: with honest patto on an honest machine, that these messages\n"
             "are what patto sends over these data; a heavier weight, missing noise, other\n"
             "rows, a key used twice or a check left out would show. What it does not: that\n"
             "the data are true, or that a session of which both sides say nothing did not\n"
             "happen. Sessions about logs are not recorded.",
    .example = "patto --home ./fresh audit replay 29733120 --threads 4",
    .options = OPTIONS,
    .arg_min = 1,
    .arg_max = 1,
    .run = run,
};
