/* patto budget show: the ledger of this owner's customers, added up every way that matters. */
#include "crypto/base/text.h"
#include "node/clock.h"
#include "node/cmd_json.h"
#include "node/commands.h"
#include "node/home.h"
#include "node/ledger.h"
#include "node/plot.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { DAY_S = 86400, DAYS_MAX = 401, BAR_CELLS = 16, PLOT_ROWS = 8 };

static const struct cli_option OPTIONS[] = {
    {"partner", "NAME", "this partner only", false, false},
    {"json", NULL, "print it as JSON", false, false},
    {"csv", NULL, "print it as CSV, a line for each partner and cap", false, false},
    {0},
};

struct account { /* one partner's, or all partners' as one */
    char name[POLICY_NAME_MAX + 1];
    bool in_policy;
    struct budget_spent spent;
    uint64_t left_nano; /* for questions, under the tightest cap */
    enum budget_cap binds;
    uint64_t asked_nano; /* what we have spent there, as far as we know */
    struct store_kind kinds[STORE_KINDS_MAX];
    size_t kind_count;
};
struct book {
    struct home *home;
    struct store *store;
    const struct policy *policy;
    int64_t now_s, period_s;
    double delta;
    struct account *accounts; /* partners of the policy, then those who have left it */
    size_t count;
    struct budget_spent joint;
    const struct account *only; /* --partner */
    uint64_t days[DAYS_MAX];    /* of the period, of `only` or of all */
    size_t day_count, days_gone;
};

/* ---- reading ---- */

static bool known(const struct book *b, const char *name)
{
    for (size_t i = 0; i < b->count; i++)
        if (strcmp(b->accounts[i].name, name) == 0)
            return true;
    return false;
}

/* Who has left the policy keeps what it learned. */
static enum pt_code find_accounts(struct book *b, struct pt_err *err)
{
    char(*charged)[POLICY_NAME_MAX + 1] = calloc(STORE_RECIPIENTS_MAX, sizeof *charged);
    const struct policy *p = b->policy;
    size_t charged_count = 0;
    enum pt_code rc;

    b->accounts = calloc(p->partner_count + STORE_RECIPIENTS_MAX, sizeof *b->accounts);
    if (charged == NULL || b->accounts == NULL) {
        rc = pt_fail(err, PT_ENOMEM, "reading the ledger: out of memory");
        goto out;
    }
    if ((rc = store_charge_recipients(charged, &charged_count, b->store, err)) != PT_OK)
        goto out;
    for (size_t i = 0; i < p->partner_count; i++) {
        if (i == b->home->self || p->partners[i].neutral)
            continue;
        struct account *a = &b->accounts[b->count++];
        memcpy(a->name, p->partners[i].name, sizeof a->name);
        a->in_policy = true;
    }
    for (size_t i = 0; i < charged_count; i++)
        if (!known(b, charged[i]))
            memcpy(b->accounts[b->count++].name, charged[i], sizeof charged[i]);
out:
    free(charged);
    return rc;
}

static enum pt_code read_account(struct book *b, struct account *a, struct pt_err *err)
{
    if (ledger_spent(&a->spent, b->store, b->policy, a->name, b->now_s, err) != PT_OK ||
        ledger_asked(&a->asked_nano, b->store, a->name, err) != PT_OK ||
        store_charge_kinds(a->kinds, &a->kind_count, b->store, a->name, err) != PT_OK)
        return err->code;
    a->left_nano = a->in_policy ? ledger_left(b->policy, &a->spent, b->now_s) : 0;
    a->binds = ledger_binds(b->policy, &a->spent, b->now_s);
    return PT_OK;
}

static enum pt_code add_up(struct book *b, struct pt_err *err)
{
    struct budget_spent *each = calloc(b->count + 1, sizeof *each);
    enum pt_code rc = PT_OK;

    if (each == NULL)
        return pt_fail(err, PT_ENOMEM, "reading the ledger: out of memory");
    for (size_t i = 0; i < b->count && rc == PT_OK; i++) {
        rc = read_account(b, &b->accounts[i], err);
        each[i] = b->accounts[i].spent;
    }
    budget_pool(&b->joint, each, b->count);
    free(each);
    return rc;
}

static enum pt_code choose(struct book *b, const char *name, struct pt_err *err)
{
    if (name == NULL)
        return PT_OK;
    assert(b->accounts != NULL); /* find_accounts() */
    for (size_t i = 0; i < b->count; i++)
        if (strcmp(b->accounts[i].name, name) == 0)
            b->only = &b->accounts[i];
    return b->only != NULL
               ? PT_OK
               : pt_fail(err, PT_EUSAGE,
                         "%s is no partner with a budget here: `patto budget show` lists them",
                         name);
}

static enum pt_code read_book(struct book *b, const char *partner, struct pt_err *err)
{
    int64_t gone = (b->now_s - b->period_s) / DAY_S + 1;
    enum pt_code rc;

    b->day_count = b->policy->privacy.budget_days;
    b->days_gone = gone > 0 && (size_t)gone < b->day_count ? (size_t)gone : b->day_count;
    const struct store_days days = {b->period_s, b->days, b->days_gone};
    if ((rc = find_accounts(b, err)) != PT_OK || (rc = choose(b, partner, err)) != PT_OK ||
        (rc = add_up(b, err)) != PT_OK ||
        (rc = store_charge_days(&days, b->store, b->only != NULL ? b->only->name : NULL, err)) !=
            PT_OK)
        return rc;
    for (size_t i = 1; i < b->days_gone; i++)
        b->days[i] += b->days[i - 1];
    return PT_OK;
}

/* ---- one cap ---- */

struct window {
    const char *name; /* as in JSON and CSV */
    const char *words;
    uint64_t spent_nano, cap_nano;
    enum budget_cap cap;
};
enum { WINDOWS = 3 };

static void windows(struct window out[WINDOWS], const struct policy *p,
                    const struct budget_spent *s)
{
    const struct policy_privacy *c = &p->privacy;

    out[0] = (struct window){"today", "today", s->today_nano, c->daily_rho_nano, BUDGET_DAILY};
    out[1] =
        (struct window){"period", "this period", s->period_nano, c->budget_rho_nano, BUDGET_PERIOD};
    out[2] = (struct window){"lifetime", "ever", s->lifetime_nano, c->lifetime_rho_nano,
                             BUDGET_LIFETIME};
}

static uint64_t left_of(const struct window *w)
{
    return w->cap_nano > w->spent_nano ? w->cap_nano - w->spent_nano : 0;
}

static bool shown(const struct book *b, const struct account *a)
{
    return b->only == NULL || b->only == a;
}

/* ---- text ---- */

static bool put_windows(struct buf *out, const struct book *b, const struct budget_spent *spent,
                        const struct plot_style *style, bool capped)
{
    struct window all[WINDOWS];
    bool good = true;

    windows(all, b->policy, spent);
    for (size_t i = 0; i < WINDOWS && good; i++) {
        const struct window *w = &all[i];
        double share = (double)w->spent_nano / (double)w->cap_nano;
        char rho[32];
        char cap[32];
        text_put_decimal(rho, w->spent_nano, 9);
        text_put_decimal(cap, w->cap_nano, 9);
        good = buf_printf(out, "  %-12s%12s", w->words, rho);
        if (good && capped)
            good = buf_printf(out, " of %-7s ", cap) && plot_bar(out, share, BAR_CELLS, style) &&
                   buf_printf(out, " %3.0f %%", 100 * share);
        good =
            good && buf_printf(out, "   epsilon %.3g\n", budget_epsilon(w->spent_nano, b->delta));
    }
    return good;
}

static bool put_kinds(struct buf *out, const struct account *a)
{
    bool good = a->kind_count == 0 || buf_printf(out, "  charged for ");

    for (size_t i = 0; i < a->kind_count && good; i++)
        good = buf_printf(out, "%s%" PRIu64 " %s", i > 0 ? ", " : "", a->kinds[i].count,
                          a->kinds[i].kind);
    return good && (a->kind_count == 0 || buf_u8(out, '\n'));
}

static bool put_account(struct buf *out, const struct book *b, const struct account *a,
                        const struct plot_style *style)
{
    char left[32];
    char asked[32];
    bool good;

    text_put_decimal(left, a->left_nano, 9);
    text_put_decimal(asked, a->asked_nano, 9);
    if (a->in_policy)
        good = buf_printf(out, "%s: rho %s left for questions; %s binds\n", a->name, left,
                          budget_cap_name(a->binds));
    else
        good = buf_printf(out, "%s: no longer in the policy; what it learned it keeps\n", a->name);
    good = good && put_windows(out, b, &a->spent, style, true) && put_kinds(out, a);
    if (good && a->asked_nano > 0)
        good =
            buf_printf(out, "  our own questions there cost %s, by the answers that came\n", asked);
    return good && buf_u8(out, '\n');
}

static bool put_joint(struct buf *out, const struct book *b, const struct plot_style *style)
{
    const struct account *most = NULL;

    for (size_t i = 0; i < b->count; i++)
        if (most == NULL || b->accounts[i].spent.lifetime_nano > most->spent.lifetime_nano)
            most = &b->accounts[i];
    if (b->only != NULL || most == NULL)
        return true;
    return buf_printf(out, "all partners as one, should they pool their answers\n") &&
           put_windows(out, b, &b->joint, style, false) &&
           buf_printf(out, "  alone, the most is known to %s: epsilon %.3g ever\n\n", most->name,
                      budget_epsilon(most->spent.lifetime_nano, b->delta));
}

static enum pt_code put_plot(struct buf *out, const struct book *b, const struct plot_style *style,
                             struct pt_err *err)
{
    double x[DAYS_MAX];
    double y[DAYS_MAX];
    double cap = (double)b->policy->privacy.budget_rho_nano * 1e-9;
    const double ends[2] = {0, (double)b->day_count};
    const double caps[2] = {cap, cap};
    char from[11];
    char to[11];
    char title[96];

    for (size_t i = 0; i < b->days_gone; i++) {
        x[i] = (double)(i + 1);
        y[i] = (double)b->days[i] * 1e-9;
    }
    clock_date(from, b->period_s);
    clock_date(to, budget_period_end_s(b->policy, b->now_s) - 1);
    snprintf(title, sizeof title, "rho spent in this period by %s",
             b->only != NULL ? b->only->name : "all partners together");
    const struct plot_series series[] = {
        {"spent, added up by day", x, y, b->days_gone},
        {b->only != NULL ? "its cap" : "the cap of each alone", ends, caps, 2},
    };
    double top = b->days_gone > 0 && y[b->days_gone - 1] > cap ? y[b->days_gone - 1] : cap;
    const struct plot plot = {.title = title,
                              .series = series,
                              .series_count = PT_LEN(series),
                              .x_max = (double)b->day_count,
                              .y_max = top,
                              .x_from = from,
                              .x_to = to,
                              .rows = PLOT_ROWS};
    return plot_print(out, &plot, style, err);
}

static enum pt_code print_text(FILE *out, const struct book *b, struct pt_err *err)
{
    const struct plot_style style = plot_style_of(out);
    struct buf text = {0};
    char from[11];
    char to[11];
    enum pt_code rc = PT_OK;

    clock_date(from, b->period_s);
    clock_date(to, budget_period_end_s(b->policy, b->now_s) - 1);
    bool good = buf_printf(&text,
                           "What each partner has spent here, in rho; epsilon at delta %g.\n"
                           "The period is %s to %s; days are UTC.\n\n",
                           b->delta, from, to);
    for (size_t i = 0; i < b->count && good; i++)
        if (shown(b, &b->accounts[i]))
            good = put_account(&text, b, &b->accounts[i], &style);
    good = good && put_joint(&text, b, &style);
    rc = good ? put_plot(&text, b, &style, err)
              : pt_fail(err, PT_ENOMEM, "printing the ledger: out of memory");
    if (rc == PT_OK && text.n > 0)
        fwrite(text.p, 1, text.n, out);
    buf_free(&text);
    return rc;
}

/* ---- CSV, JSON ---- */

static void csv_rows(FILE *out, const struct book *b, const char *name,
                     const struct budget_spent *spent, const struct account *a)
{
    struct window all[WINDOWS];

    windows(all, b->policy, spent);
    for (size_t i = 0; i < WINDOWS; i++) {
        char rho[32];
        char cap[32] = "";
        char left[32] = "";
        text_put_decimal(rho, all[i].spent_nano, 9);
        if (a != NULL && a->in_policy) {
            text_put_decimal(cap, all[i].cap_nano, 9);
            text_put_decimal(left, left_of(&all[i]), 9);
        }
        fprintf(out, "%s,%s,%s,%s,%s,%.6g,%s\n", name, all[i].name, rho, cap, left,
                budget_epsilon(all[i].spent_nano, b->delta),
                a != NULL && a->in_policy && a->binds == all[i].cap ? "yes" : "");
    }
}

static void print_csv(FILE *out, const struct book *b)
{
    fputs("partner,window,spent_rho,cap_rho,left_rho,epsilon,binds\n", out);
    for (size_t i = 0; i < b->count; i++)
        if (shown(b, &b->accounts[i]))
            csv_rows(out, b, b->accounts[i].name, &b->accounts[i].spent, &b->accounts[i]);
    if (b->only == NULL)
        csv_rows(out, b, "(all)", &b->joint, NULL);
}

static double rho(uint64_t nano)
{
    return (double)nano * 1e-9;
}

static json_t *json_windows(const struct book *b, const struct budget_spent *spent, bool capped)
{
    struct window all[WINDOWS];
    json_t *root = json_object();

    windows(all, b->policy, spent);
    for (size_t i = 0; i < WINDOWS; i++) {
        json_t *w = json_pack("{s:f, s:f}", "rho", rho(all[i].spent_nano), "epsilon",
                              budget_epsilon(all[i].spent_nano, b->delta));
        if (capped) {
            json_object_set_new(w, "cap_rho", json_real(rho(all[i].cap_nano)));
            json_object_set_new(w, "left_rho", json_real(rho(left_of(&all[i]))));
        }
        json_object_set_new(root, all[i].name, w);
    }
    return root;
}

static json_t *json_account(const struct book *b, const struct account *a)
{
    json_t *kinds = json_array();

    for (size_t i = 0; i < a->kind_count; i++)
        json_array_append_new(kinds, json_pack("{s:s, s:I, s:f}", "kind", a->kinds[i].kind, "count",
                                               (json_int_t)a->kinds[i].count, "rho",
                                               rho(a->kinds[i].rho_nano)));
    return json_pack("{s:s, s:b, s:o, s:f, s:s?, s:o, s:f}", "partner", a->name, "in_policy",
                     a->in_policy, "spent", json_windows(b, &a->spent, a->in_policy),
                     "left_for_questions_rho", rho(a->left_nano), "binds",
                     a->in_policy ? budget_cap_name(a->binds) : NULL, "charged_for", kinds,
                     "asked_by_us_rho", rho(a->asked_nano));
}

static enum pt_code print_json(FILE *out, const struct book *b, struct pt_err *err)
{
    json_t *partners = json_array();
    json_t *days = json_array();
    char from[11];
    char to[11];

    clock_date(from, b->period_s);
    clock_date(to, budget_period_end_s(b->policy, b->now_s) - 1);
    for (size_t i = 0; i < b->count; i++)
        if (shown(b, &b->accounts[i]))
            json_array_append_new(partners, json_account(b, &b->accounts[i]));
    for (size_t i = 0; i < b->days_gone; i++) {
        char date[11];
        clock_date(date, b->period_s + (int64_t)i * DAY_S);
        json_array_append_new(days,
                              json_pack("{s:s, s:f}", "date", date, "period_rho", rho(b->days[i])));
    }
    json_t *root = json_pack("{s:f, s:{s:s, s:s}, s:o, s:o}", "delta", b->delta, "period", "from",
                             from, "until", to, "partners", partners, "days", days);
    if (b->only == NULL && root != NULL)
        json_object_set_new(root, "joint", json_windows(b, &b->joint, false));
    return cmd_json_print(out, root, err);
}

/* ---- the command ---- */

static enum pt_code show(struct cli *cli, struct book *b, struct pt_err *err)
{
    struct pt_err why = {0};
    char path[HOME_PATH_MAX];
    enum pt_code rc;

    b->now_s = clock_now_s();
    /* An expired policy still has a ledger. */
    rc = home_load_policy(b->home, b->now_s, &why);
    b->policy = b->home->policy;
    if (b->policy == NULL) {
        *err = why;
        return rc;
    }
    if (rc != PT_OK)
        fprintf(cli->log, "the policy is not in force: %s\n", why.msg);
    b->period_s = budget_period_start_s(b->policy, b->now_s);
    b->delta = (double)b->policy->privacy.delta_atto * 1e-18;
    home_path(path, b->home, "state.db");
    if ((rc = store_open(&b->store, path, STORE_READ, err)) != PT_OK ||
        (rc = read_book(b, cli_value(cli, "partner"), err)) != PT_OK)
        return rc;
    if (cli_flag(cli, "json"))
        return print_json(cli->out, b, err);
    if (!cli_flag(cli, "csv"))
        return print_text(cli->out, b, err);
    print_csv(cli->out, b);
    return PT_OK;
}

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    struct book *b = calloc(1, sizeof *b);
    enum pt_code rc;

    if (b == NULL)
        return pt_fail(err, PT_ENOMEM, "out of memory");
    if (cli_flag(cli, "json") && cli_flag(cli, "csv"))
        rc = pt_fail(err, PT_EUSAGE, "--json or --csv, not both");
    else if ((rc = home_open(&b->home, cli->home, HOME_LOOK, err)) == PT_OK)
        rc = show(cli, b, err);
    store_close(b->store);
    home_close(b->home);
    free(b->accounts);
    free(b);
    return rc;
}

const struct command cmd_budget_show = {
    .name = "budget show",
    .args = "",
    .summary = "show what partners have spent of their budgets here",
    .about = "Adds up the ledger: for each partner what it has spent today, in this period\n"
             "and ever, its caps, what is left for questions, which cap says so, and what\n"
             "it was charged for. Rho adds up; epsilon is the same in the other unit, at the\n"
             "delta of the policy (policy/README.md).\n"
             "\n"
             "Then all partners as one: should they pool what they were told about your\n"
             "customers, their rho adds up. Caps hold for each alone. Partners who have left\n"
             "the policy count, for they keep what they learned. What your own questions\n"
             "cost elsewhere is known from answers that arrived: the partner's ledger counts.\n"
             "\n"
             "Reads the home only, beside a running node too. The plot is Unicode where the\n"
             "locale is UTF-8; NO_COLOR is respected.",
    .example = "patto --home ./fresh budget show\n"
               "patto --home ./fresh budget show --partner drinkco --json",
    .options = OPTIONS,
    .run = run,
};
