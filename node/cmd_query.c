/* patto query: ask one joint question and print the answer. */
#include "crypto/base/text.h"
#include "node/commands.h"
#include "node/plot.h"
#include "node/query_call.h"
#include "node/query_watch.h"
#include "node/report.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const struct cli_option OPTIONS[] = {
    {"with", "PARTNER", "whose customers to compare with; for reach, several", true, true},
    {"rows", "ATTRIBUTE", "for a table or value: your attribute, e.g. buys", false, false},
    {"columns", "P.ATTRIBUTE", "for a table: theirs, e.g. drinkco.tier; for value a number", false,
     false},
    {"where", "FILTER", "only who passes, e.g. segment=new, drinkco.spend>=20; all must hold",
     false, true},
    {"json", NULL, "print it as JSON", false, false},
    {"csv", NULL, "print it as CSV, a line a cell", false, false},
    {"watch", NULL, "three answers that get better, for the price of one: see below", false, false},
    {"until", "PERCENT", "with --watch: stop when the half width is at most that", false, false},
    {0},
};

static const char *word(const struct cli *cli, const char *option)
{
    const char *value = cli_value(cli, option);
    return value != NULL ? value : "";
}

/* --with a --with b is --with a,b. */
static enum pt_code join_with(char out[ANSWER_WITH_MAX], const struct cli *cli, struct pt_err *err)
{
    const char *names[POLICY_PARTNERS_MAX + 1];
    size_t count = cli_values(cli, "with", names, PT_LEN(names));
    size_t n = 0;

    for (size_t i = 0; i < count && n < ANSWER_WITH_MAX; i++)
        n += (size_t)snprintf(out + n, ANSWER_WITH_MAX - n, "%s%s", i > 0 ? "," : "", names[i]);
    return n < ANSWER_WITH_MAX ? PT_OK
                               : pt_fail(err, PT_EUSAGE,
                                         "--with: more or longer names than a "
                                         "policy can hold");
}

/* What can be said without the daemon: the words are there, and no more than make sense. */
static enum pt_code read_words(struct planner_query *q, const struct cli *cli, struct pt_err *err)
{
    enum answer_kind kind;

    q->kind = cli->args[0];
    q->rows = word(cli, "rows");
    q->columns = word(cli, "columns");
    if (!answer_kind_parse(&kind, q->kind))
        return pt_fail(err, PT_EUSAGE,
                       "no question is called %.40s; there are overlap, reach, crosstab, "
                       "profile, affinity, surprise, absent, lift, journey, bubble and value",
                       q->kind);
    bool table = question_has_axes(answer_question_kind(kind));
    if (table && (q->rows[0] == '\0' || q->columns[0] == '\0'))
        return pt_fail(err, PT_EUSAGE, "%s needs --rows ATTRIBUTE and --columns %s.ATTRIBUTE",
                       q->kind, q->with);
    if (!table && (q->rows[0] != '\0' || q->columns[0] != '\0'))
        return pt_fail(err, PT_EUSAGE,
                       "%s is one number: it takes --where, not --rows or "
                       "--columns (crosstab does)",
                       q->kind);
    if (cli_flag(cli, "json") && cli_flag(cli, "csv"))
        return pt_fail(err, PT_EUSAGE, "--json or --csv, not both");
    if (cli_flag(cli, "watch") && cli_flag(cli, "csv"))
        return pt_fail(err, PT_EUSAGE, "--watch prints tables, or with --json an answer a line");
    if (cli_flag(cli, "watch") && strchr(q->with, ',') != NULL)
        return pt_fail(err, PT_EUSAGE, "--watch is between two partners");
    return PT_OK;
}

/* ---- printing ---- */

struct asking { /* one question, or one in three looks */
    const struct cli *cli;
    struct planner_client client;
    struct planner_query query;
    size_t lines; /* of the answer above, where the next is drawn in its place */
};

/* Appends. */
static enum pt_code format(struct buf *out, const struct cli *cli, const struct answer *a,
                           struct pt_err *err)
{
    const struct report_style style = {
        .format = cli_flag(cli, "json")  ? REPORT_JSON
                  : cli_flag(cli, "csv") ? REPORT_CSV
                                         : REPORT_TABLE,
        .colour = report_wants_colour(fileno(cli->out)),
        .bars = isatty(fileno(cli->out)) == 1,
        .unicode = plot_style_of(cli->out).unicode,
        .line = cli_flag(cli, "watch"),
    };

    return report_write(out, a, &style, err);
}

static enum pt_code print(const struct cli *cli, struct span text, struct pt_err *err)
{
    if (fwrite(text.p, 1, text.n, cli->out) == text.n && fflush(cli->out) == 0)
        return PT_OK;
    return pt_fail(err, PT_EIO,
                   "cannot write the answer: disk full, or a closed pipe? "
                   "Ask again: the same question costs nothing");
}

static size_t line_count(struct span text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    return n;
}

/* Is out a terminal on which so many lines of 80 columns are still there to be drawn over? */
static bool holds(FILE *out, size_t lines)
{
    struct winsize size = {0};

    return isatty(fileno(out)) == 1 && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 &&
           size.ws_col >= PLOT_COLUMNS && lines < size.ws_row;
}

/* ---- asking ---- */

static enum pt_code ask(void *self, struct answer *out, const char *slots, struct pt_err *err)
{
    struct asking *q = self;

    q->query.slots = slots;
    return query_call(out, &q->client, &q->query, q->cli->log, err);
}

/* In the place of the answer before, else under it. */
static enum pt_code show(void *self, const struct answer *a, struct pt_err *err)
{
    struct asking *q = self;
    const bool table = !cli_flag(q->cli, "json");
    struct buf text = {0};
    enum pt_code rc = PT_OK;

    if (table && q->lines > 0 && holds(q->cli->out, q->lines))
        rc = buf_printf(&text, "\x1b[%zuF\x1b[J", q->lines) ? PT_OK : PT_ENOMEM;
    else if (table && q->lines > 0)
        rc = buf_u8(&text, '\n') ? PT_OK : PT_ENOMEM;
    if (rc != PT_OK)
        rc = pt_fail(err, rc, "an answer: no memory");
    else if ((rc = format(&text, q->cli, a, err)) == PT_OK)
        rc = print(q->cli, buf_span(&text), err);
    q->lines = line_count(buf_span(&text));
    buf_free(&text);
    return rc;
}

/* Printed as cells, for programs; the status says it to scripts. */
static enum pt_code verdict(const char *refusal, struct pt_err *err)
{
    return refusal[0] == '\0' ? PT_OK : pt_fail(err, PT_EDENIED, "refused: %.400s", refusal);
}

static enum pt_code once(struct asking *q, struct pt_err *err)
{
    struct answer a = {0};
    enum pt_code rc;

    if ((rc = ask(q, &a, "", err)) == PT_OK && (rc = show(q, &a, err)) == PT_OK)
        rc = verdict(a.refusal, err);
    answer_free(&a);
    return rc;
}

static enum pt_code watch(struct asking *q, double until, struct pt_err *err)
{
    const struct query_watch_host host = {.self = q, .ask = ask, .show = show};
    struct query_watch w;
    char charged[32];
    enum pt_code rc = query_watch(&w, &host, until, err);

    text_put_decimal(charged, w.charged_nano, 9);
    if (w.looks > 0)
        fprintf(q->cli->log, "%zu of 3 looks, charged rho %s%s\n", w.looks, charged,
                w.enough ? "; exact enough, the rest is not spent" : "");
    return rc == PT_OK ? verdict(w.refusal, err) : rc;
}

static enum pt_code read_until(double *out, const struct cli *cli, struct pt_err *err)
{
    const char *text = cli_value(cli, "until");
    uint64_t milli = 0;

    *out = 0;
    if (text == NULL)
        return PT_OK;
    if (!cli_flag(cli, "watch"))
        return pt_fail(err, PT_EUSAGE, "--until goes with --watch");
    if (!text_decimal(span_z(text), 3, &milli) || milli == 0 || milli > 100000)
        return pt_fail(err, PT_EUSAGE, "--until is a number of percent, such as 5");
    *out = (double)milli / 1000;
    return PT_OK;
}

static enum pt_code with_daemon(struct asking *q, double until, struct pt_err *err)
{
    enum pt_code rc;

    rpc_init();
    if ((rc = planner_client_open(&q->client, q->cli->home, err)) == PT_OK)
        rc = cli_flag(q->cli, "watch") ? watch(q, until, err) : once(q, err);
    planner_client_close(&q->client);
    rpc_shutdown();
    return rc;
}

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    const char *where[QUESTION_FILTERS_MAX + 1];
    char with[ANSWER_WITH_MAX] = "";
    struct asking q = {.cli = cli, .query = {.where = where, .with = with, .slots = ""}};
    double until;
    enum pt_code rc;

    q.query.where_count = cli_values(cli, "where", where, PT_LEN(where));
    if (q.query.where_count > QUESTION_FILTERS_MAX)
        return pt_fail(err, PT_EUSAGE, "at most %d filters", QUESTION_FILTERS_MAX);
    if ((rc = join_with(with, cli, err)) != PT_OK ||
        (rc = read_words(&q.query, cli, err)) != PT_OK ||
        (rc = read_until(&until, cli, err)) != PT_OK)
        return rc;
    return with_daemon(&q, until, err);
}

const struct command cmd_query = {
    .name = "query",
    .args = "overlap|reach|crosstab|profile|affinity|surprise|absent|lift|journey|bubble|value",
    .summary = "ask a joint question; answers carry error bars",
    .about = "Asks through this home's daemon (patto serve). You learn noisy, permitted\n"
             "aggregates:\n"
             "overlap   customers in common, and both sides' sizes\n"
             "reach     people reached by either, and what each adds; over several partners\n"
             "          also by just which of them, and by how many\n"
             "crosstab  customers in common, your categories by theirs, with margins\n"
             "profile   of your category's customers in common, the share in each of theirs\n"
             "affinity  index: 100 is as often as chance, 200 twice as often\n"
             "surprise  pairs that few have although customers like them do: what could they\n"
             "          be offered? Needs some 30,000 customers in common\n"
             "absent    who are those that do not buy there: the share in each of yours of the\n"
             "          customers in common who are in none of that category of theirs\n"
             "lift      did those exposed convert more than the control group? One attribute\n"
             "          has the value control; its other values are compared with that, by\n"
             "          rates, their ratio, and how many conversions that is. Error bars\n"
             "          are those of the counts: what chance does between the groups is more\n"
             "journey   where your customers stand with the partner: the same ordered stages\n"
             "          on both sides; how many are further, or less far, than with you\n"
             "bubble    are they all alike? Entropy, effective number of categories and\n"
             "          concentration (HHI) of theirs, in each of yours, and how much the\n"
             "          shares were renewed since an earlier epoch whose table was asked\n"
             "value     sum and mean of one of their numbers, in each of your categories, over\n"
             "          the customers in common of whom it is known; the policy's bounds clip\n"
             "          it, and it counts in hundredths of the range between them. Another\n"
             "          question than a table, at the price of one\n"
             "From crosstab to bubble, all are readings of one table: after one of them the\n"
             "others cost nothing, if rows, columns and filters are the same. The very same\n"
             "question again costs nothing and tells nothing new.\n"
             "\n"
             "--watch asks, but for a value, in three looks: at a sixteenth, a quarter and all\n"
             "of the slots, which are random parts of all customers. They cost an eighth, an\n"
             "eighth and three quarters of the price: each has noise of its own and is charged\n"
             "as a question of its own, none is the question without --watch, and all three\n"
             "are no more than that costs. --until stops before the next look, whose part is\n"
             "then not spent, when the half width of the overlap or reach, or of half of a\n"
             "table's inner counts, is at most that many percent. The first look is rough:\n"
             "small groups are hidden in it. Columns are sent whole before it.",
    .example = "patto --home ./fresh query overlap --with drinkco\n"
               "patto --home ./fresh query reach --with drinkco --where segment=new\n"
               "patto --home ./fresh query reach --with drinkco --with homeware\n"
               "patto --home ./fresh query affinity --with drinkco --rows buys \\\n"
               "    --columns drinkco.drinks --where 'drinkco.tier=gold' --json\n"
               "patto --home ./fresh query value --with drinkco --rows buys \\\n"
               "    --columns drinkco.spend\n"
               "patto --home ./fresh query overlap --with drinkco --watch --until 5",
    .options = OPTIONS,
    .arg_min = 1,
    .arg_max = 1,
    .run = run,
};
