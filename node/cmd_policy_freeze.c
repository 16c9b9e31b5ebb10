/* patto policy freeze: one officer stops every node. */
#include "node/clock.h"
#include "node/commands.h"
#include "node/frozen.h"
#include "node/officer.h"
#include "node/planner_client.h"
#include "node/policy_file.h"

#include <stdio.h>
#include <string.h>

static const struct cli_option OPTIONS[] = {
    {"key", "FILE", "the officer's secret key", false, false},
    {"as", "NAME", "the partner whose officer freezes", false, false},
    {"reason", "TEXT", "why, in one line; every partner reads it", false, false},
    {"statement", "FILE", "put a statement in force that an officer has sent", false, false},
    {0},
};

static enum pt_code make(struct buf *out, const struct policy *p, const struct cli *cli,
                         struct pt_err *err)
{
    PT_WIPED(minisign_key) k = {0};
    struct freeze f = {.policy = p->hash, .at_s = clock_now_s()};
    struct freeze again;
    struct buf signature = {0};
    const char *reason = cli_value(cli, "reason");
    const char *name = cli_value(cli, "as");
    enum pt_code rc;

    snprintf(f.federation, sizeof f.federation, "%s", p->federation);
    snprintf(f.officer, sizeof f.officer, "%s", name);
    if (strlen(reason) >= sizeof f.reason)
        return pt_fail(err, PT_EUSAGE, "--reason: at most %d bytes", POLICY_TEXT_MAX);
    snprintf(f.reason, sizeof f.reason, "%s", reason);
    if ((rc = officer_read(&k, cli_value(cli, "key"), err)) == PT_OK &&
        (rc = officer_check(&k, p, name, err)) == PT_OK &&
        (rc = freeze_print(out, &f, err)) == PT_OK &&
        (rc = minisign_sign(&signature, &k, buf_span(out), "patto freeze", err)) == PT_OK) {
        if (!buf_add(out, signature.p, signature.n))
            rc = pt_fail(err, PT_ENOMEM, "a freeze: no memory");
        else
            rc = freeze_check(&again, p, buf_span(out), err); /* as every node will */
    }
    buf_free(&signature);
    return rc;
}

/* On the officer's own machine: a file to send to whoever runs a node. */
static enum pt_code freeze_file(const struct cli *cli, struct pt_err *err)
{
    struct policy_file f = {0};
    struct buf statement = {0};
    char path[HOME_PATH_MAX];
    enum pt_code rc;

    if (snprintf(path, sizeof path, "%s.freeze", cli->args[0]) >= (int)sizeof path)
        return pt_fail(err, PT_ELIMIT, "the path of the policy is too long");
    if ((rc = policy_file_load(&f, cli->args[0], err)) == PT_OK &&
        (rc = make(&statement, f.policy, cli, err)) == PT_OK &&
        (rc = fileio_write(path, buf_span(&statement), err)) == PT_OK) {
        fprintf(cli->out, "%s\n", path);
        fprintf(cli->log,
                "Nothing is stopped yet. Send this file to whoever runs a node, best to "
                "all:\n  patto --home HOME policy freeze --statement %s\n",
                path);
    }
    buf_free(&statement);
    policy_file_free(&f);
    return rc;
}

static enum pt_code take_status(void *self, struct span update, struct pt_err *err)
{
    (void)self;
    (void)update;
    (void)err;
    return PT_OK;
}

/* A running node sees the file at its next message; asked for its status, it looks at once. */
static void wake(const struct cli *cli, const struct home *h)
{
    const struct planner_call call = {.method = "Status", .take = take_status};
    struct planner_client client = {0};
    struct pt_err err;
    long pid = 0;

    if (home_lock_owner(&pid, h, &err) != PT_OK || pid == 0) {
        fprintf(cli->log, "The node is not running. When it is started it tells the partners.\n");
        return;
    }
    if (planner_client_open(&client, cli->home, &err) == PT_OK &&
        planner_client_stream(&client, &call, &err) == PT_OK)
        fprintf(cli->log, "The node has stopped and tells the partners; its log says whom it "
                          "reached.\n");
    else
        fprintf(cli->log, "The node stops at its next message; it could not be asked: %s\n",
                err.msg);
    planner_client_close(&client);
}

static enum pt_code freeze_home(struct cli *cli, struct pt_err *err)
{
    const char *sent = cli_value(cli, "statement");
    struct home *h = NULL;
    struct buf statement = {0};
    struct freeze by;
    enum pt_code rc;

    if ((rc = home_open(&h, cli->home, HOME_LOOK, err)) != PT_OK)
        return rc;
    rc = home_load_policy(h, clock_now_s(), err);
    if (rc == PT_EDENIED && h->policy != NULL)
        rc = PT_OK; /* out of date, which is no reason not to stop it */
    if (rc == PT_OK)
        rc = sent != NULL ? fileio_read(&statement, sent, FREEZE_TEXT_MAX, err)
                          : make(&statement, h->policy, cli, err);
    if (rc == PT_OK)
        rc = frozen_put(&by, h, buf_span(&statement), err);
    if (rc == PT_OK) {
        fprintf(cli->out, "policy version %u of %s is frozen by %s's officer\n",
                (unsigned)h->policy->version, h->policy->federation, by.officer);
        wake(cli, h);
    }
    buf_free(&statement);
    home_close(h);
    return rc;
}

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    bool sent = cli_value(cli, "statement") != NULL;
    bool made = cli_value(cli, "key") != NULL && cli_value(cli, "as") != NULL &&
                cli_value(cli, "reason") != NULL;

    if (sent == made)
        return pt_fail(err, PT_EUSAGE,
                       "give --key FILE, --as NAME and --reason TEXT, or --statement FILE alone");
    if (sent && cli->arg_count > 0)
        return pt_fail(err, PT_EUSAGE, "--statement is for a node's home: leave POLICY out");
    return cli->arg_count > 0 ? freeze_file(cli, err) : freeze_home(cli, err);
}

const struct command cmd_policy_freeze = {
    .name = "policy freeze",
    .args = "[POLICY]",
    .summary = "stop every node, as one officer alone",
    .about = "Signs a statement that stops this version of the policy. With POLICY, a file on\n"
             "the officer's own machine, it writes POLICY.freeze, to be sent to those who run\n"
             "nodes; without it the statement is put into this node's home. A running node\n"
             "stops at its next message, tells every partner, and they stop too. Whatever\n"
             "runs is broken off; nothing more is asked, answered or charged; records, budgets\n"
             "and status can still be read. Only a new version of the policy, signed by all,\n"
             "lifts it.",
    .example = "patto policy freeze policy.yaml --key officer.key --as freshmart \\\n"
               "    --reason 'a backup was stolen'\n"
               "patto --home ./fresh policy freeze --statement policy.yaml.freeze",
    .options = OPTIONS,
    .arg_min = 0,
    .arg_max = 1,
    .run = run,
};
