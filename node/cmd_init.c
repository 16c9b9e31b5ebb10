/* patto init: a new home, and the block that goes into the policy. */
#include "node/clock.h"
#include "node/commands.h"
#include "node/home.h"
#include "node/partner_block.h"

#include <string.h>

static const struct cli_option OPTIONS[] = {
    {"name", "NAME", "what the policy calls this partner: a-z, 0-9, '-' and '_'", true, false},
    {"listen", "HOST:PORT", "where the other partners' nodes connect, e.g. 0.0.0.0:7443", true,
     false},
    {"planner", "WHERE", "unix (a socket in DIR) or a loopback HOST:PORT; default unix", false,
     false},
    {0},
};

static enum pt_code read_config(struct config *c, const struct cli *cli, struct pt_err *err)
{
    const char *name = cli_value(cli, "name");
    const char *listen = cli_value(cli, "listen");
    const char *planner = cli_value(cli, "planner");

    *c = (struct config){0};
    if (planner == NULL)
        planner = "unix";
    if (config_check_name(name, err) != PT_OK)
        return pt_wrap(err, "--name");
    if (config_check_address(listen, false, err) != PT_OK)
        return pt_wrap(err, "--listen");
    if (strcmp(planner, "unix") != 0 && config_check_address(planner, true, err) != PT_OK)
        return pt_wrap(err, "--planner");
    /* Checked above: they fit. */
    memcpy(c->name, name, strlen(name) + 1);
    memcpy(c->listen, listen, strlen(listen) + 1);
    memcpy(c->planner, planner, strlen(planner) + 1);
    return PT_OK;
}

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    const char *dir = cli->args[0];
    struct config c;
    struct home *h;

    if (read_config(&c, cli, err) != PT_OK || home_create(dir, &c, clock_now_s(), err) != PT_OK ||
        home_open(&h, dir, HOME_LOOK, err) != PT_OK)
        return err->code;
    fprintf(cli->log,
            "made %s. Keep a backup of %s/keys: without it the customers' tokens are lost.\n"
            "Below is this partner's block for the policy. Fill in where the others reach this\n"
            "node, the officer's key (patto officer-key FILE) and your attributes.\n\n",
            h->dir, h->dir);
    partner_block_print(cli->out, h);
    home_close(h);
    return PT_OK;
}

const struct command cmd_init = {
    .name = "init",
    .args = "DIR",
    .summary = "make a node: its folder, keys and certificate",
    .about = "Makes DIR, the home of one node: settings (node.yaml), keys (readable by you\n"
             "alone) and a self-signed TLS certificate. Prints the block that describes this\n"
             "node in the policy: where it is, its certificate, its public key. DIR must be\n"
             "new or empty; a home is never overwritten. If init is interrupted, run it\n"
             "again.",
    .example = "patto init ./fresh --name freshmart --listen 0.0.0.0:7443",
    .options = OPTIONS,
    .arg_min = 1,
    .arg_max = 1,
    .run = run,
};
