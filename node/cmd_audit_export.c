/* patto audit export: what one partner may see of this node's audit record, with proofs. */
#include "node/audit.h"
#include "node/clock.h"
#include "node/cmd_json.h"
#include "node/commands.h"
#include "node/log_export.h"

#include <inttypes.h>

static const struct cli_option OPTIONS[] = {
    {"for", "PARTNER", "the partner who will read it", true, false},
    {"json", NULL, "print what was written as JSON", false, false},
    {0},
};

static enum pt_code export(size_t *count, struct cli *cli, const struct audit *a,
                           struct pt_err *err) {
    const char *partner = cli_value(cli, "for"); struct buf text = {0}; enum pt_code rc;

    *count = 0;
    if (policy_find_partner(a->home->policy, partner) <
        0) return pt_fail(err, PT_EUSAGE, "--for %.40s: no such partner in the policy", partner);
    rc = log_export_write(&text, count, a, partner, clock_now_s(), err);
    if (rc == PT_OK) rc = fileio_write(cli->args[0], buf_span(&text), err);
    buf_free(&text);
    return rc;
}

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    struct audit a = {0};
    size_t count = 0;
    enum pt_code rc;

    if ((rc = audit_open(&a, cli->home, err)) != PT_OK)
        return rc;
    if ((rc = export(&count, cli, &a, err)) == PT_OK && cli_flag(cli, "json"))
        rc = cmd_json_print(cli->out,
                            json_pack("{s:s, s:s, s:I}", "file", cli->args[0], "for",
                                      cli_value(cli, "for"), "events", (json_int_t)count),
                            err);
    else if (rc == PT_OK)
        fprintf(cli->out, "%zu events that concern %s are in %s\n", count, cli_value(cli, "for"),
                cli->args[0]);
    audit_close(&a);
    return rc;
}

const struct command cmd_audit_export = {
    .name = "audit export",
    .args = "FILE",
    .summary = "write down for one partner what the record says about it",
    .about = "Writes the signed checkpoint of this node's log and every event that concerns\n"
             "the partner - its questions and ours to it, charges, tokens made for it,\n"
             "policies, epochs - each with the proof that it is in that log. Other partners'\n"
             "events stay hidden behind their salts. Send the file to that partner, who runs\n"
             "`patto audit compare` on it. Reads only, also beside a running node.",
    .example = "patto --home ./fresh audit export fresh-for-drink.json --for drinkco",
    .options = OPTIONS,
    .arg_min = 1,
    .arg_max = 1,
    .run = run,
};
