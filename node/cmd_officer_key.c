/* patto officer-key: the key with which a privacy officer signs policies. */
#include "node/commands.h"
#include "node/officer.h"
#include "node/password.h"

static const struct cli_option OPTIONS[] = {
    {"no-password", NULL, "store the key unencrypted (for tests, or on an encrypted stick)", false,
     false},
    {0},
};

/* Twice, so that a slip of the finger does not lock the officer out. */
static enum pt_code choose_password(struct buf *out, struct pt_err *err)
{
    static const char OTHERWISE[] = "run it on one, or say --no-password";
    struct buf again = {0};
    enum pt_code rc;

    if ((rc = password_ask(out, "new password: ", OTHERWISE, err)) != PT_OK)
        return rc;
    if (out->n == 0)
        rc = pt_fail(err, PT_ESTATE, "an empty password: say --no-password if that is meant");
    else if ((rc = password_ask(&again, "once more: ", OTHERWISE, err)) == PT_OK &&
             !span_eq_vartime(buf_span(out), buf_span(&again)))
        rc = pt_fail(err, PT_ESTATE, "the two passwords differ: nothing was written");
    buf_free(&again);
    return rc;
}

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    struct minisign_public public;
    char text[MINISIGN_PUBLIC_TEXT + 1];
    struct buf password = {0};
    enum pt_code rc = PT_OK;

    if (!cli_flag(cli, "no-password"))
        rc = choose_password(&password, err);
    if (rc == PT_OK)
        rc = officer_create(&public, cli->args[0], buf_span(&password), err);
    buf_free(&password);
    if (rc != PT_OK)
        return rc;
    minisign_public_print(text, &public);
    fprintf(cli->log,
            "made %s (keep it secret, apart from the node) and %s.pub.\n"
            "This line is the officer's key in the policy:\n",
            cli->args[0], cli->args[0]);
    fprintf(cli->out, "%s\n", text);
    return PT_OK;
}

const struct command cmd_officer_key = {
    .name = "officer-key",
    .args = "FILE",
    .summary = "make a privacy officer's signing key",
    .about = "Makes a minisign key pair: FILE, which the officer keeps, and FILE.pub. The\n"
             "line it prints goes into the policy as `officer:`. The key belongs to a\n"
             "person, not to the node: keep it on another machine or a stick. A key made by\n"
             "minisign -G works too.",
    .example = "patto officer-key fresh-officer.key",
    .options = OPTIONS,
    .arg_min = 1,
    .arg_max = 1,
    .run = run,
};
