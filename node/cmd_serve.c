#include "node/commands.h"

#include "crypto/base/text.h"
#include "node/daemon.h"
#include "node/sandbox.h"

#include <inttypes.h>
#include <signal.h>

static const struct cli_option OPTIONS[] = {
    {"threads", "N", "computing threads; default: node.yaml's, 0 there being all cores", false,
     false},
    {"without-filter", NULL, "run where the kernel takes no filter of system calls", false, false},
    {0},
};

static enum pt_code read_threads(uint32_t *out, const struct cli *cli, struct pt_err *err)
{
    const char *text = cli_value(cli, "threads");

    *out = 0;
    if (text == NULL)
        return PT_OK;
    if (!text_u32(span_z(text), out) || *out < 1 || *out > CONFIG_THREADS_MAX)
        return pt_fail(err, PT_EUSAGE, "--threads %s: expected 1 to %d", text, CONFIG_THREADS_MAX);
    return PT_OK;
}

/* Blocked before gRPC starts its threads, so that they inherit the mask and only this thread
 * hears of them. */
static void block_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    pthread_sigmask(SIG_BLOCK, set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* Before gRPC has threads and before anybody is heard: all of them inherit it. */
static enum pt_code give_up_privileges(const struct cli *cli, struct pt_err *err)
{
    if (!cli_flag(cli, "without-filter"))
        return sandbox_enter(err);
    fputs("patto serve: --without-filter: any system call is allowed; whoever takes this process "
          "over can do what its user can\n",
          cli->log);
    return PT_OK;
}

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    struct daemon_in in = {.home = cli->home, .log = cli->log};
    struct daemon *d = NULL;
    sigset_t set;
    int got = 0;
    enum pt_code rc;

    if ((rc = read_threads(&in.threads, cli, err)) != PT_OK)
        return rc;
    block_signals(&set);
    if ((rc = home_harden(err)) != PT_OK || (rc = give_up_privileges(cli, err)) != PT_OK)
        return rc;
    rpc_init();
    if ((rc = daemon_start(&d, &in, err)) == PT_OK) {
        const struct home *h = d->home;
        daemon_log(d, "%s: node %s of %s serves partners on %s; policy version %" PRIu32,
                   DAEMON_BUILD, h->config.name, h->policy->federation, h->config.listen,
                   h->policy->version);
        sigwait(&set, &got);
        daemon_log(d, "stopping on signal %d: calls under way may finish", got);
    }
    daemon_stop(d);
    rpc_shutdown();
    return rc;
}

const struct command cmd_serve = {
    .name = "serve",
    .args = "",
    .summary = "run the node: answer partners and our planners",
    .about = "Listens for partners (mutual TLS, certificates pinned by the policy) and for\n"
             "this company's own planners (loopback or a Unix socket, with the home's\n"
             "token). Runs in the foreground and logs a line an event on standard error,\n"
             "never personal data; SIGTERM or SIGINT stops it once the calls under way are\n"
             "done. One home, one daemon. It gives up new privileges and all system calls but\n"
             "those it needs (seccomp), and does not start where the kernel refuses that;\n"
             "--without-filter starts all the same, unprotected, and `doctor` says so. Put a\n"
             "firewall in front of the partners' port that admits only their addresses.",
    .example = "patto --home ./fresh serve\n"
               "patto --home ./fresh serve --threads 4",
    .options = OPTIONS,
    .run = run,
};
