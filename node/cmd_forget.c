/* patto forget: remove people from the vault, and keep them out. */
#include "node/clock.h"
#include "node/cmd_json.h"
#include "node/commands.h"
#include "node/forgotten.h"
#include "node/home.h"
#include "node/idopt.h"
#include "node/snapshot.h"

#include "crypto/base/text.h"

#include <inttypes.h>
#include <string.h>

enum { DAY_S = 86400 };

static const struct cli_option OPTIONS[] = {
    IDOPT_OPTIONS,
    {"undo", NULL, "take those of FILE off the list: the next ingest may load them", false, false},
    {"rebuild", NULL, "the list of removed people is lost: begin it anew with FILE", false, false},
    {"json", NULL, "print the outcome as JSON", false, false},
    {0},
};

struct job {
    struct cli *cli;
    struct home *home;
    struct store *store;
    char dir[HOME_PATH_MAX];
    struct vault_place place;
    struct idlist who;
    struct forgotten list;
    struct vault_data *data; /* NULL: nothing is loaded that could be read */
    struct pt_err no_data;   /* why */
    uint64_t removed;        /* customers; with --undo: from the list */
    int64_t now_s;
};

/* ---- what there is ---- */

static enum pt_code open_all(struct job *j, struct pt_err *err)
{
    struct pt_err why = {0};
    char path[HOME_PATH_MAX];

    /* People may be removed under a policy that has expired. */
    enum pt_code rc = home_load_policy(j->home, j->now_s, &why);
    if (j->home->policy == NULL) {
        *err = why;
        return rc;
    }
    j->place = snapshot_vault(j->dir, j->home);
    home_path(path, j->home, "state.db");
    if ((rc = store_open(&j->store, path, STORE_WRITE, err)) != PT_OK)
        return rc;
    return vault_sweep(j->dir, err);
}

static enum pt_code load_list(struct job *j, struct pt_err *err)
{
    enum pt_code rc;

    if (cli_flag(j->cli, "rebuild"))
        return forgotten_rebuild(&j->list, j->store, err);
    if ((rc = forgotten_load(&j->list, &j->place, err)) != PT_OK)
        return rc;
    return forgotten_check(&j->list, j->store, err);
}

static enum pt_code store_list(struct job *j, struct pt_err *err)
{
    int64_t since_s = j->now_s - (int64_t)j->home->policy->retention_days * DAY_S;
    enum pt_code rc = forgotten_store(&j->list, &j->place, since_s, err);

    return rc == PT_OK ? forgotten_note(&j->list, j->store, err) : rc;
}

/* ---- removing ---- */

static enum pt_code put_number(struct store *s, const char *name, uint64_t value,
                               struct pt_err *err)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, value);
    return store_fact_put(s, name, span_z(text), err);
}

/* The event says that people were asked to be removed and what the data are now. Not how many, nor
 * whether any was a customer: the record is read by others, who could set it beside sizes. */
static enum pt_code record(struct job *j, struct pt_err *err)
{
    struct store *s = j->store;
    struct store_place place;
    struct digest root;
    char fields[128] = "dataset=none";
    char hex[65];
    enum pt_code rc;

    if (j->data != NULL) {
        if ((rc = snapshot_commitment(&root, j->home, j->data, err)) != PT_OK)
            return rc;
        text_hex(hex, root.b, sizeof root.b);
        snprintf(fields, sizeof fields, "dataset=%s commitment=%s", j->data->generation, hex);
    }
    if ((rc = store_begin(s, err)) != PT_OK)
        return rc;
    if ((rc = store_event(&place, s, "forget", fields, j->now_s, err)) != PT_OK ||
        (j->data != NULL &&
         ((rc = put_number(s, "dataset.count", j->data->count, err)) != PT_OK ||
          (rc = put_number(s, "tokens.count", j->data->token_count, err)) != PT_OK)))
        goto out;
    rc = store_commit(s, err);
out:
    store_rollback(s);
    return rc;
}

/* The list first: killed in between, the home has people on the list and in the data, which no epoch
 * accepts, and this command again finishes it. The dataset is written anew even when nobody was in
 * it, so that the record tells the two apart by nothing. */
static enum pt_code forget(struct job *j, struct pt_err *err)
{
    enum pt_code rc = vault_load(&j->data, &j->place, &j->no_data);

    if (rc != PT_OK && rc != PT_ESTATE) {
        *err = j->no_data;
        return rc;
    }
    if ((rc = forgotten_add(&j->list, &j->who.set, j->data, j->now_s, err)) != PT_OK ||
        (rc = store_list(j, err)) != PT_OK)
        return rc;
    if (j->data != NULL) {
        j->removed = forgotten_remove(j->data, &j->list);
        if ((rc = vault_store_dataset(&j->place, j->data, err)) != PT_OK)
            return rc;
    }
    return record(j, err);
}

static enum pt_code undo(struct job *j, struct pt_err *err)
{
    struct store_place place;
    enum pt_code rc;

    j->removed = forgotten_undo(&j->list, &j->who.set);
    if ((rc = store_list(j, err)) != PT_OK)
        return rc;
    return store_event(&place, j->store, "forget", "undone=some", j->now_s, err);
}

/* ---- telling ---- */

static void tell_data(FILE *out, const struct job *j)
{
    const struct policy *p = j->home->policy;
    uint64_t least = p->partners[j->home->self].customers_min;

    if (j->data == NULL) {
        fprintf(out, "no customers are loaded that could be changed: %s\n", j->no_data.msg);
        return;
    }
    fprintf(out,
            "%" PRIu64 " customers remain, with the tokens that they had\n"
            "No question is answered from the old data: the epoch in force has ended here.\n"
            "Answers given in it counted these people and stay, so do encrypted columns that\n"
            "partners hold until the next epoch. A sealed record of who was in an epoch is\n"
            "kept for %" PRIu32 " days (legal.retention_days) for `patto audit absence`.\n"
            "next: patto --home %s serve, then %sepoch\n",
            j->data->count, p->retention_days, j->home->dir,
            j->data->token_count < j->data->count ? "tokenise and " : "");
    if (j->data->count < least)
        fprintf(out, "fewer than the %" PRIu64 " customers that the policy says (customers.min)\n",
                least);
}

static enum pt_code tell(const struct job *j, bool undone, struct pt_err *err)
{
    FILE *out = j->cli->out;
    uint64_t asked = j->who.set.count;

    if (cli_flag(j->cli, "json"))
        return cmd_json_print(
            out,
            json_pack("{s:I, s:I, s:I, s:o}", "people", (json_int_t)asked,
                      undone ? "taken_back" : "removed", (json_int_t)j->removed,
                      undone ? "not_on_the_list" : "not_customers",
                      (json_int_t)(asked - j->removed), "customers",
                      j->data != NULL ? json_integer((json_int_t)j->data->count) : json_null()),
            err);
    if (undone) {
        fprintf(out,
                "%" PRIu64 " of %" PRIu64 " people were on the list and are off it; the next "
                "ingest may load them\n",
                j->removed, asked);
        return PT_OK;
    }
    fprintf(out,
            "%" PRIu64 " of %" PRIu64 " people were customers here and are removed; all stay out "
            "of what is ingested\n",
            j->removed, asked);
    tell_data(out, j);
    return PT_OK;
}

/* ---- the command ---- */

static enum pt_code work(struct job *j, struct pt_err *err)
{
    bool undone = cli_flag(j->cli, "undo");
    enum pt_code rc;

    if ((rc = open_all(j, err)) != PT_OK ||
        (rc = idopt_read(&j->who, j->cli, j->home->policy, j->home->self, err)) != PT_OK ||
        (rc = load_list(j, err)) != PT_OK)
        return rc;
    if ((rc = undone ? undo(j, err) : forget(j, err)) != PT_OK)
        return rc;
    return tell(j, undone, err);
}

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    struct job j = {.cli = cli, .now_s = clock_now_s()};
    enum pt_code rc;

    if (cli_flag(cli, "undo") && cli_flag(cli, "rebuild"))
        return pt_fail(err, PT_EUSAGE, "--undo or --rebuild, not both");
    idlist_init(&j.who);
    if ((rc = home_open(&j.home, cli->home, HOME_WORK, err)) == PT_OK)
        rc = work(&j, err);
    vault_data_free(j.data);
    forgotten_free(&j.list);
    idlist_free(&j.who);
    store_close(j.store);
    home_close(j.home);
    return rc;
}

const struct command cmd_forget = {
    .name = "forget",
    .args = "FILE",
    .summary = "remove people from the data, and keep them out",
    .about = "FILE names one person a line, as customers are identified here. Each is removed\n"
             "from the vault with all that is known of them, and put on a sealed list by which\n"
             "every later ingest leaves them out, also those who were no customers yet. A line\n"
             "that is no identifier is an error, and then nobody is removed. The node must be\n"
             "stopped meanwhile; whoever is killed finds the old data or the new.\n"
             "\n"
             "With the new data the epoch in force has ended for this node, so they count in\n"
             "no question from now on; the others can be asked about after `patto epoch`.\n"
             "The audit record says that the data changed, never who or how many.\n"
             "\n"
             "What stays: answers already given, encrypted columns that partners hold until\n"
             "the next epoch, the digests of the list itself, and for legal.retention_days\n"
             "the sealed record by which `patto audit absence` shows who was in an epoch.\n"
             "Your own files, and backups of the home, are yours to clean.\n"
             "\n"
             "--undo takes people off the list; it brings nobody back by itself: the next\n"
             "ingest of a file that has them does, if they consent.",
    .example = "patto --home ./fresh forget erasure-requests.txt\n"
               "patto --home ./fresh forget hashed.txt --encoding sha256-hex\n"
               "patto --home ./fresh forget --undo came-back.txt",
    .options = OPTIONS,
    .arg_min = 1,
    .arg_max = 1,
    .run = run,
};
