/* patto policy sign: an officer's signature beside the policy file. */
#include "node/clock.h"
#include "node/commands.h"
#include "node/home.h"
#include "node/officer.h"

#include <inttypes.h>
#include <string.h>

static const struct cli_option OPTIONS[] = {
    {"key", "FILE", "the officer's secret key, from `patto officer-key` or minisign", true, false},
    {"as", "NAME", "the partner for whom the officer signs", true, false},
    {0},
};

/* Signs the bytes, then checks the signature as every node will. */
static enum pt_code make(struct buf *out, const struct policy *p, struct span file,
                         const struct minisign_key *k, struct pt_err *err)
{
    struct minisign_public public;
    char comment[128];

    snprintf(comment, sizeof comment, "timestamp:%" PRId64 "\tpatto policy %s version %" PRIu32,
             clock_now_s(), p->federation, p->version);
    minisign_key_public(&public, k);
    if (minisign_sign(out, k, file, comment, err) != PT_OK)
        return err->code;
    return minisign_verify(&public, file, buf_span(out), err);
}

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    PT_WIPED(minisign_key) k = {0};
    const char *path = cli->args[0];
    const char *name = cli_value(cli, "as");
    char target[HOME_PATH_MAX];
    struct policy *p = NULL;
    struct buf file = {0};
    struct buf signature = {0};
    enum pt_code rc;

    if ((rc = fileio_read(&file, path, POLICY_FILE_MAX, err)) != PT_OK)
        goto out;
    if ((rc = policy_parse(&p, buf_span(&file), err)) != PT_OK) {
        pt_wrap(err, "%s", path);
        goto out;
    }
    if ((rc = officer_read(&k, cli_value(cli, "key"), err)) != PT_OK ||
        (rc = officer_check(&k, p, name, err)) != PT_OK ||
        (rc = make(&signature, p, buf_span(&file), &k, err)) != PT_OK ||
        (rc = home_signature_path(target, path, name, err)) != PT_OK ||
        (rc = fileio_write(target, buf_span(&signature), err)) != PT_OK)
        goto out;
    fprintf(cli->out, "%s\n", target);
    fprintf(cli->log,
            "signed version %" PRIu32
            " of %s for %s. Any change of the file needs new signatures.\n",
            p->version, p->federation, name);
out:
    policy_free(p);
    buf_free(&file);
    buf_free(&signature);
    return rc;
}

const struct command cmd_policy_sign = {
    .name = "policy sign",
    .args = "FILE",
    .summary = "sign a policy as a partner's privacy officer",
    .about = "Reads the policy as a node would, checks that the key is the one it names for\n"
             "NAME, and writes FILE.NAME.minisig. Read the policy first: `patto policy check\n"
             "FILE` says what it permits. A node runs a policy only when every partner named\n"
             "has signed it. Anyone can check the signature with minisign -Vm FILE -x\n"
             "FILE.NAME.minisig -P KEY.",
    .example = "patto policy sign policy.yaml --key fresh-officer.key --as freshmart",
    .options = OPTIONS,
    .arg_min = 1,
    .arg_max = 1,
    .run = run,
};
