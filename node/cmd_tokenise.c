#include "node/commands.h"

#include "node/planner_client.h"

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    return planner_client_run(cli, "Tokenise", (struct span){0}, err);
}

const struct command cmd_tokenise = {
    .name = "tokenise",
    .args = "",
    .summary = "have every partner's key applied to our customers",
    .about = "Blinds each customer that has no token yet, sends the blinded points through\n"
             "every other partner's node, checks each one's proof, and stores the resulting\n"
             "tokens sealed. Partners see uniformly random points and a padded count. All\n"
             "partners must be serving. Costs rho 0.0002 a run at each partner, for the\n"
             "padded count. Run it after ingest, and again when a key period ends; it does\n"
             "only what is missing.",
    .example = "patto --home ./fresh tokenise",
    .run = run,
};
