/* patto query: ask one joint question and print the answer. */
#include "node/commands.h"
#include "node/plot.h"
#include "node/query_call.h"
#include "node/report.h"

#include <string.h>
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
    {0},
};

static enum pt_code ask(struct answer *out, const struct cli *cli, const struct planner_query *q,
                        struct pt_err *err)
{
    struct planner_client client = {0};
    enum pt_code rc;

    rpc_init();
    if ((rc = planner_client_open(&client, cli->home, err)) == PT_OK)
        rc = query_call(out, &client, q, cli->log, err);
    planner_client_close(&client);
    rpc_shutdown();
    return rc;
}

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
    return PT_OK;
}

static enum pt_code print(const struct cli *cli, const struct answer *a, struct pt_err *err)
{
    struct buf text = {0};
    struct report_style style = {
        .format = cli_flag(cli, "json")  ? REPORT_JSON
                  : cli_flag(cli, "csv") ? REPORT_CSV
                                         : REPORT_TABLE,
        .colour = report_wants_colour(fileno(cli->out)),
        .bars = isatty(fileno(cli->out)) == 1,
        .unicode = plot_style_of(cli->out).unicode,
    };
    enum pt_code rc;

    if ((rc = report_write(&text, a, &style, err)) == PT_OK &&
        (fwrite(text.p, 1, text.n, cli->out) != text.n || fflush(cli->out) != 0))
        rc = pt_fail(err, PT_EIO,
                     "cannot write the answer: disk full, or a closed pipe? "
                     "Ask again: the same question costs nothing");
    buf_free(&text);
    return rc;
}

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    const char *where[QUESTION_FILTERS_MAX + 1];
    char with[ANSWER_WITH_MAX] = "";
    struct planner_query q = {.where = where, .with = with};
    struct answer a = {0};
    enum pt_code rc;

    q.where_count = cli_values(cli, "where", where, PT_LEN(where));
    if (q.where_count > QUESTION_FILTERS_MAX)
        return pt_fail(err, PT_EUSAGE, "at most %d filters", QUESTION_FILTERS_MAX);
    if ((rc = join_with(with, cli, err)) == PT_OK && (rc = read_words(&q, cli, err)) == PT_OK &&
        (rc = ask(&a, cli, &q, err)) == PT_OK && (rc = print(cli, &a, err)) == PT_OK &&
        a.refusal[0] != '\0')
        /* Printed as cells, for programs; the status says it to scripts. */
        rc = pt_fail(err, PT_EDENIED, "refused: %.400s", a.refusal);
    answer_free(&a);
    return rc;
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
             "          concentration (HHI) of theirs, in each of yours\n"
             "value     sum and mean of one of their numbers, in each of your categories, over\n"
             "          the customers in common of whom it is known; the policy's bounds clip\n"
             "          it, and it counts in hundredths of the range between them. Another\n"
             "          question than a table, at the price of one\n"
             "From crosstab to bubble, all are readings of one table: after one of them the\n"
             "others cost nothing, if rows, columns and filters are the same. The very same\n"
             "question again costs nothing and tells nothing new.",
    .example = "patto --home ./fresh query overlap --with drinkco\n"
               "patto --home ./fresh query reach --with drinkco --where segment=new\n"
               "patto --home ./fresh query reach --with drinkco --with homeware\n"
               "patto --home ./fresh query affinity --with drinkco --rows buys \\\n"
               "    --columns drinkco.drinks --where 'drinkco.tier=gold' --json\n"
               "patto --home ./fresh query value --with drinkco --rows buys \\\n"
               "    --columns drinkco.spend",
    .options = OPTIONS,
    .arg_min = 1,
    .arg_max = 1,
    .run = run,
};
