#include "node/planner_client.h"

#include "node/clock.h"
#include "node/home.h"
#include "node/progress.h"
#include "proto/wire_planner.h"

#include <stdio.h>
#include <string.h>

enum pt_code planner_client_open(struct planner_client *out, const char *home_dir,
                                 struct pt_err *err)
{
    char target[FILEIO_PATH_MAX];
    char token[HOME_TOKEN_TEXT + 1] = "";
    struct home *home = NULL;
    enum pt_code rc;

    *out = (struct planner_client){0};
    rpc_init();
    if ((rc = home_open(&home, home_dir, HOME_LOOK, err)) != PT_OK ||
        (rc = home_read_token(token, home, err)) != PT_OK)
        goto out;
    home_planner_target(target, home);
    snprintf(out->name, sizeof out->name, "%s", home->config.name);
    rc = rpc_channel_open_planner(
        &out->channel, target, span_z(token),
        &(struct rpc_limits){.message_bytes = RPC_MESSAGE_MAX, .io_timeout_ms = 3600u * 1000u},
        err);
out:
    explicit_bzero(token, sizeof token);
    home_close(home);
    return rc;
}

void planner_client_close(struct planner_client *c)
{
    rpc_channel_close(c->channel);
    *c = (struct planner_client){0};
    rpc_shutdown();
}

/* Nobody listens, or something else does. */
static enum pt_code unreachable(const struct planner_client *c, struct pt_err *err)
{
    return pt_wrap(err, "no answer from the daemon of node %s", c->name);
}

enum pt_code planner_client_stream(struct planner_client *c, const struct planner_call *call,
                                   struct pt_err *err)
{
    char method[64];
    struct rpc_call *rpc = NULL;
    struct buf update = {0};
    struct pt_err status = {0};
    enum pt_code rc;
    bool ended = false;
    bool heard = false;

    snprintf(method, sizeof method, "/patto.planner.v1.Planner/%s", call->method);
    if ((rc = rpc_call_open(&rpc, c->channel, method, 0, err)) != PT_OK)
        return rc;
    rc = rpc_send(rpc, call->request, err);
    if (rc == PT_OK)
        rc = rpc_call_send_end(rpc, err);
    while (rc == PT_OK && (rc = rpc_recv(&update, &ended, rpc, err)) == PT_OK && !ended) {
        heard = true;
        rc = call->take(call->self, buf_span(&update), err);
        if (rc != PT_OK)
            rpc_call_cancel(rpc);
    }
    buf_free(&update);
    /* The server's own words say more than "the stream broke". */
    enum pt_code closed = rpc_call_close(rpc, &status);
    if (closed != PT_OK && (rc == PT_OK || rc == PT_EPEER)) {
        rc = closed;
        *err = status;
    }
    return rc == PT_EPEER && !heard ? unreachable(c, err) : rc;
}

struct run {
    struct cli *cli;
    struct progress bar;
    struct planner_progress last;
    char stage[64];
    bool open;
};

static enum pt_code show(void *self, struct span update, struct pt_err *err)
{
    struct run *r = self;
    enum pt_code rc = planner_progress_decode(&r->last, update, err);

    if (rc != PT_OK)
        return rc;
    if (!r->open || strcmp(r->stage, r->last.stage) != 0) {
        if (r->open)
            progress_end(&r->bar);
        snprintf(r->stage, sizeof r->stage, "%s", r->last.stage);
        progress_begin(&r->bar, r->cli->log, r->stage, r->last.total, clock_mono_ms());
        r->open = true;
    }
    progress_at(&r->bar, r->last.done, clock_mono_ms());
    return PT_OK;
}

enum pt_code planner_client_run(struct cli *cli, const char *method, struct span request,
                                struct pt_err *err)
{
    struct planner_client client = {0};
    struct run run = {.cli = cli};
    enum pt_code rc;

    rc = planner_client_open(&client, cli->home, err);
    if (rc == PT_OK)
        rc = planner_client_stream(
            &client,
            &(struct planner_call){
                .method = method, .request = request, .self = &run, .take = show},
            err);
    if (run.open)
        progress_end(&run.bar);
    planner_client_close(&client);
    if (rc == PT_OK && run.last.text[0] != '\0')
        fprintf(cli->out, "%s\n", run.last.text);
    return rc;
}
