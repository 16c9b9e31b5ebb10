#include "node/commands.h"

#include "node/planner_client.h"
#include "proto/wire_planner.h"

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    const char *names[POLICY_PARTNERS_MAX];
    struct planner_epoch epoch = {.participants = names};
    struct buf request = {0};
    enum pt_code rc;

    epoch.participant_count = cli_values(cli, "with", names, PT_LEN(names));
    if ((rc = planner_epoch_encode(&request, &epoch, err)) == PT_OK)
        rc = planner_client_run(cli, "Epoch", buf_span(&request), err);
    buf_free(&request);
    return rc;
}

static const struct cli_option options[] = {
    {.name = "with",
     .value = "PARTNER",
     .help = "who must take part; default: every partner that answers",
     .repeats = true},
    {0}};

const struct command cmd_epoch = {
    .name = "epoch",
    .args = "",
    .summary = "agree on a new epoch: whose data, which slots",
    .about = "Each partner commits to its data and to a share of a salt, then all reveal and\n"
             "sign one header. From then on questions are answered over exactly that data,\n"
             "until the next epoch. Any partner may start one, after all have tokenised; two\n"
             "suffice. A question asked again in a new epoch is charged again.",
    .example = "patto --home ./fresh epoch\npatto --home ./fresh epoch --with drinkco",
    .options = options,
    .run = run,
};
