/* patto status: what this node is and where it stands, from its folder alone. */
#include "crypto/base/text.h"
#include "node/clock.h"
#include "node/cmd_json.h"
#include "node/commands.h"
#include "node/frozen.h"
#include "node/home.h"
#include "node/ledger.h"
#include "node/partner_block.h"
#include "node/witness.h"

#include <inttypes.h>
#include <string.h>

enum { PEERS_MAX = POLICY_PARTNERS_MAX };

struct peer_budget {
    const char *name; /* borrowed from the policy */
    struct budget_spent spent;
    uint64_t left_nano;
};

struct standing {
    struct home *home;
    struct store *store; /* NULL: see store_err */
    struct pt_err policy_err, store_err;
    char stopped[600]; /* by an officer; empty: not */
    long daemon_pid;   /* 0: not running */
    char dataset_count[24], dataset_at[24], tokens_count[24], tokens_period[40];
    uint64_t epoch; /* 0: none */
    int64_t epoch_created_s;
    struct store_place audit;
    struct witness_signed head; /* of the log as published; size 0: nothing is, or it is damaged */
    struct peer_budget peers[PEERS_MAX];
    size_t peer_count;
};

static const struct cli_option OPTIONS[] = {
    {"json", NULL, "print it as JSON", false, false},
    {"partner", NULL, "print this partner's block for the policy instead", false, false},
    {0},
};

/* Absent or too long: empty. */
static enum pt_code fact(char *out, size_t cap, struct store *s, const char *name,
                         struct pt_err *err)
{
    struct buf value = {0};
    bool found;
    enum pt_code rc = store_fact_find(&value, &found, s, name, err);

    if (!text_copy(out, cap, buf_span(&value)))
        out[0] = '\0';
    buf_free(&value);
    return rc;
}

static enum pt_code read_budgets(struct standing *st, int64_t now_s, struct pt_err *err)
{
    const struct policy *p = st->home->policy;

    for (size_t i = 0; p != NULL && i < p->partner_count && st->peer_count < PEERS_MAX; i++) {
        if (i == st->home->self || p->partners[i].neutral)
            continue;
        struct peer_budget *b = &st->peers[st->peer_count];
        b->name = p->partners[i].name;
        if (ledger_spent(&b->spent, st->store, p, b->name, now_s, err) != PT_OK)
            return err->code;
        b->left_nano = ledger_left(p, &b->spent, now_s);
        st->peer_count++;
    }
    return PT_OK;
}

static enum pt_code read_store(struct standing *st, int64_t now_s, struct pt_err *err)
{
    struct store_epoch epoch = {0};
    struct store *s = st->store;
    bool found;
    enum pt_code rc;

    if ((rc = fact(st->dataset_count, sizeof st->dataset_count, s, "dataset.count", err)) ||
        (rc = fact(st->dataset_at, sizeof st->dataset_at, s, "dataset.at", err)) ||
        (rc = fact(st->tokens_count, sizeof st->tokens_count, s, "tokens.count", err)) ||
        (rc = fact(st->tokens_period, sizeof st->tokens_period, s, "tokens.period", err)) ||
        (rc = store_epoch_active(&epoch, &found, s, err)) ||
        (rc = store_event_head(&st->audit, s, err)))
        return rc;
    st->epoch = epoch.number;
    st->epoch_created_s = epoch.created_s;
    store_epoch_free(&epoch);
    return read_budgets(st, now_s, err);
}

/* What cannot be read is part of the picture, not the end of it. */
static void look(struct standing *st, int64_t now_s)
{
    char path[HOME_PATH_MAX];
    struct frozen_state stop = {0};
    struct pt_err ignored;
    bool found;

    if (home_lock_owner(&st->daemon_pid, st->home, &ignored) != PT_OK)
        st->daemon_pid = 0;
    if (home_load_policy(st->home, now_s, &st->policy_err) == PT_OK)
        st->policy_err = (struct pt_err){0};
    if (st->home->policy != NULL)
        frozen_read(&stop, st->home, &ignored);
    if (stop.frozen)
        frozen_words(st->stopped, st->home, &stop);
    if (st->home->policy != NULL &&
        witness_published(&st->head, &found, st->home, &ignored) != PT_OK)
        st->head = (struct witness_signed){0}; /* audit verify and doctor say what is wrong */
    home_path(path, st->home, "state.db");
    if (store_open(&st->store, path, STORE_READ, &st->store_err) == PT_OK &&
        read_store(st, now_s, &st->store_err) == PT_OK)
        st->store_err = (struct pt_err){0};
}

static void print_policy(FILE *out, const struct standing *st)
{
    const struct policy *p = st->home->policy;
    char hash[72];
    char last[11];

    if (p != NULL) {
        policy_hash_text(hash, &p->hash);
        clock_date(last, p->valid_until_s - 1);
        fprintf(out, "policy     %s version %" PRIu32 ", valid to %s\n           %s\n",
                p->federation, p->version, last, hash);
    }
    if (st->policy_err.code != PT_OK)
        fprintf(out, "policy     NOT IN FORCE: %s\n", st->policy_err.msg);
    if (st->stopped[0] != '\0')
        fprintf(out, "           STOPPED: %s\n", st->stopped);
}

static void print_data(FILE *out, const struct standing *st)
{
    char at[20];
    uint64_t at_s = 0;

    if (st->dataset_count[0] == '\0')
        fprintf(out, "customers  none: patto --home %s ingest FILE --map MAP.yaml\n",
                st->home->dir);
    else if (text_u64(span_z(st->dataset_at), &at_s)) {
        clock_time(at, (int64_t)at_s);
        fprintf(out, "customers  %s, ingested %s UTC\n", st->dataset_count, at);
    }
    if (st->tokens_count[0] != '\0')
        fprintf(out, "tokens     %s of key period %s\n", st->tokens_count, st->tokens_period);
    else
        fprintf(out, "tokens     none: patto --home %s tokenise\n", st->home->dir);
    if (st->epoch != 0) {
        clock_time(at, st->epoch_created_s);
        fprintf(out, "epoch      %" PRIu64 ", begun %s UTC\n", st->epoch, at);
    } else
        fprintf(out, "epoch      none: patto --home %s epoch\n", st->home->dir);
}

static void print_budgets(FILE *out, const struct standing *st)
{
    if (st->peer_count > 0)
        fprintf(out,
                "\nbudget (rho) that others spent here   this period        today         ever "
                "    left now\n");
    for (size_t i = 0; i < st->peer_count; i++) {
        const struct peer_budget *b = &st->peers[i];
        char period[32];
        char today[32];
        char ever[32];
        char left[32];
        text_put_decimal(period, b->spent.period_nano, 9);
        text_put_decimal(today, b->spent.today_nano, 9);
        text_put_decimal(ever, b->spent.lifetime_nano, 9);
        text_put_decimal(left, b->left_nano, 9);
        fprintf(out, "  %-34s %12s %12s %12s %12s\n", b->name, period, today, ever, left);
    }
    if (st->peer_count > 0)
        fputs("  (left now: by the strictest of the caps for a day, the period and ever; see\n"
              "  `patto budget show`)\n",
              out);
}

static void print_text(FILE *out, const struct standing *st)
{
    const struct home *h = st->home;
    char target[HOME_PATH_MAX];
    char hash[17];

    home_planner_target(target, h);
    fprintf(out, "node       %s in %s\n", h->config.name, h->dir);
    if (st->daemon_pid != 0)
        fprintf(out, "running    yes, process %ld, for partners at %s, for planners at %s\n",
                st->daemon_pid, h->config.listen, target);
    else
        fprintf(out, "running    no: patto --home %s serve\n", h->dir);
    print_policy(out, st);
    if (st->store_err.code != PT_OK) {
        fprintf(out, "state      %s\n", st->store_err.msg);
        return;
    }
    print_data(out, st);
    text_hex(hash, st->audit.hash.b, 8);
    fprintf(out, "audit      %" PRIu64 " events, the last %s\n", st->audit.sequence, hash);
    if (st->head.head.size > 0)
        fprintf(out, "log        %" PRIu64 " published, signed by %zu of %zu witnesses\n",
                st->head.head.size, st->head.had, st->head.needed);
    print_budgets(out, st);
}

/* A decimal fact as a number, null when there is none. */
static json_t *json_fact(const char *text)
{
    uint64_t v;

    return text_u64(span_z(text), &v) && v <= INT64_MAX ? json_integer((json_int_t)v) : json_null();
}

static json_t *json_policy(const struct standing *st)
{
    const struct policy *p = st->home->policy;
    const char *why = st->policy_err.code != PT_OK ? st->policy_err.msg : NULL;
    char hash[72];
    char last[11];

    if (p == NULL)
        return json_pack("{s:b, s:s?}", "in_force", 0, "reason", why);
    policy_hash_text(hash, &p->hash);
    clock_date(last, p->valid_until_s - 1);
    return json_pack("{s:s, s:I, s:s, s:s, s:b, s:s?, s:s?}", "federation", p->federation,
                     "version", (json_int_t)p->version, "hash", hash, "until", last, "in_force",
                     why == NULL && st->stopped[0] == '\0', "reason", why, "stopped",
                     st->stopped[0] != '\0' ? st->stopped : NULL);
}

static json_t *json_budgets(const struct standing *st)
{
    json_t *list = json_array();

    for (size_t i = 0; i < st->peer_count; i++) {
        const struct peer_budget *b = &st->peers[i];
        json_array_append_new(list, json_pack("{s:s, s:f, s:f, s:f, s:f}", "partner", b->name,
                                              "period_rho", (double)b->spent.period_nano * 1e-9,
                                              "today_rho", (double)b->spent.today_nano * 1e-9,
                                              "lifetime_rho", (double)b->spent.lifetime_nano * 1e-9,
                                              "left_rho", (double)b->left_nano * 1e-9));
    }
    return list;
}

static enum pt_code print_json(FILE *out, const struct standing *st, struct pt_err *err)
{
    const struct home *h = st->home;
    char target[HOME_PATH_MAX];
    char head[65];

    home_planner_target(target, h);
    text_hex(head, st->audit.hash.b, sizeof st->audit.hash.b);
    return cmd_json_print(
        out,
        json_pack("{s:s, s:s, s:b, s:I, s:s, s:s, s:o, s:o, s:o, s:s, s:I, s:{s:I, s:s}, "
                  "s:{s:I, s:I, s:I}, s:o, s:s?}",
                  "node", h->config.name, "home", h->dir, "running", st->daemon_pid != 0, "process",
                  (json_int_t)st->daemon_pid, "listen", h->config.listen, "planner", target,
                  "policy", json_policy(st), "customers", json_fact(st->dataset_count), "tokens",
                  json_fact(st->tokens_count), "key_period", st->tokens_period, "epoch",
                  (json_int_t)st->epoch, "audit", "events", (json_int_t)st->audit.sequence, "head",
                  head, "log", "published", (json_int_t)st->head.head.size, "witnesses_needed",
                  (json_int_t)st->head.needed, "witnesses_signed", (json_int_t)st->head.had,
                  "budgets", json_budgets(st), "state_error",
                  st->store_err.code != PT_OK ? st->store_err.msg : NULL),
        err);
}

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    struct standing st = {0};
    enum pt_code rc;

    if ((rc = home_open(&st.home, cli->home, HOME_LOOK, err)) != PT_OK)
        return rc;
    if (cli_flag(cli, "partner"))
        partner_block_print(cli->out, st.home);
    else {
        look(&st, clock_now_s());
        if (cli_flag(cli, "json"))
            rc = print_json(cli->out, &st, err);
        else
            print_text(cli->out, &st);
    }
    store_close(st.store);
    home_close(st.home);
    return rc;
}

const struct command cmd_status = {
    .name = "status",
    .args = "",
    .summary = "show what this node is and where it stands",
    .about = "Shows the node, whether it runs, the policy in force, the customers and\n"
             "tokens, the epoch, and what the partners have spent of their budgets here.\n"
             "Reads the home only, so it works beside a running node and without one. Counts\n"
             "are your own and exact: they are for this terminal, no partner sees them.",
    .example = "patto --home ./fresh status\npatto --home ./fresh status --json",
    .options = OPTIONS,
    .run = run,
};
