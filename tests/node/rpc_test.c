/* Goal: calls carry bytes faithfully and end with the right reason. Method: both ends in this
 * process, mostly over mutual TLS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <openssl/rand.h>
#include <pthread.h>

#include "tests/rpc_fixture.h"

/* --- bytes --- */

static void echo_sizes(struct rpc_channel *ch)
{
    static const size_t SIZES[] = {0, 1, 5, 0, 65536, MIB, RPC_MESSAGE_DEFAULT, 0};
    struct rpc_call *c;
    struct pt_err err = {0};
    struct buf back = {0};
    uint8_t *bytes = malloc(RPC_MESSAGE_DEFAULT);
    bool ended;

    assert_non_null(bytes);
    assert_int_equal(RAND_bytes(bytes, RPC_MESSAGE_DEFAULT), 1);
    assert_int_equal(rpc_call_open(&c, ch, ECHO, WAIT_MS, &err), PT_OK);
    for (size_t i = 0; i < PT_LEN(SIZES); i++) {
        if (rpc_send(c, span_of(bytes, SIZES[i]), &err) != PT_OK)
            fail_msg("%s", err.msg);
        assert_int_equal(rpc_recv(&back, &ended, c, &err), PT_OK);
        assert_false(ended);
        assert_true(span_eq_vartime(buf_span(&back), span_of(bytes, SIZES[i])));
    }
    assert_int_equal(rpc_call_send_end(c, &err), PT_OK);
    assert_int_equal(rpc_recv(&back, &ended, c, &err), PT_OK);
    assert_true(ended);
    assert_int_equal(back.n, 0);
    assert_int_equal(rpc_call_close(c, &err), PT_OK);
    buf_free(&back);
    free(bytes);
}

static void bytes_come_back_over_tls(void **state)
{
    struct rpc_server *s = federation(NULL);
    struct rpc_channel *ch = to_federation(s, &alpha_id, NULL);
    uint64_t sent[2];
    uint64_t received[2];

    (void)state;
    rpc_traffic(&sent[0], &received[0]);
    echo_sizes(ch);
    rpc_traffic(&sent[1], &received[1]);
    /* Both ends are this process: there and back, sent and received. */
    assert_int_equal(sent[1] - sent[0], 2 * (6 + 65536 + MIB + RPC_MESSAGE_DEFAULT));
    assert_int_equal(received[1] - received[0], sent[1] - sent[0]);
    rpc_channel_close(ch);
    rpc_server_free(s, WAIT_MS);
}

struct job {
    struct rpc_channel *ch;
    int failures;
};

static void *many_echoes(void *arg)
{
    struct job *j = arg;

    for (int i = 0; i < 8; i++) {
        uint8_t bytes[4096];
        struct buf reply = {0};
        struct pt_err err;

        memset(bytes, i + 1, sizeof bytes);
        if (ask(&reply, j->ch, ECHO, span_of(bytes, sizeof bytes), &err) != PT_OK ||
            !span_eq_vartime(buf_span(&reply), span_of(bytes, sizeof bytes)))
            j->failures++;
        buf_free(&reply);
    }
    return NULL;
}

static void many_calls_at_once(void **state)
{
    struct rpc_server *s = federation(NULL);
    struct rpc_channel *ch[2] = {to_federation(s, &alpha_id, NULL),
                                 to_federation(s, &beta_id, NULL)};
    struct job jobs[24];
    pthread_t t[PT_LEN(jobs)];

    (void)state;
    for (size_t i = 0; i < PT_LEN(jobs); i++) {
        jobs[i] = (struct job){.ch = ch[i % 2]};
        assert_int_equal(pthread_create(&t[i], NULL, many_echoes, &jobs[i]), 0);
    }
    for (size_t i = 0; i < PT_LEN(jobs); i++) {
        pthread_join(t[i], NULL);
        assert_int_equal(jobs[i].failures, 0);
    }
    assert_int_equal(rpc_server_counts(s).calls, 8 * PT_LEN(jobs));
    rpc_channel_close(ch[0]);
    rpc_channel_close(ch[1]);
    rpc_server_free(s, WAIT_MS);
}

static void a_stream_is_whole_and_its_speed_is_told(void **state)
{
    struct rpc_server *s = federation(NULL);
    struct rpc_channel *ch = to_federation(s, &alpha_id, NULL);
    struct rpc_call *c;
    struct buf m = {0};
    struct pt_err err = {0};
    bool ended = false;
    int64_t began = now_ms();
    unsigned count = 0;

    (void)state;
    assert_int_equal(rpc_call_open(&c, ch, STREAM, WAIT_MS, &err), PT_OK);
    while (rpc_recv(&m, &ended, c, &err) == PT_OK && !ended) {
        assert_int_equal(m.n, MIB);
        assert_int_equal(m.p[0], count);
        assert_int_equal(m.p[MIB - 1], count);
        count++;
    }
    assert_true(ended);
    assert_int_equal(count, 64);
    assert_int_equal(rpc_call_close(c, &err), PT_OK);
    int64_t took = now_ms() - began;
    printf("64 MiB over mutual TLS in %lld ms\n", (long long)took);
    buf_free(&m);
    rpc_channel_close(ch);
    rpc_server_free(s, WAIT_MS);
}

/* --- how calls end --- */

static void every_code_comes_back(void **state)
{
    struct rpc_server *s = planner(NULL), *f = federation(NULL);
    struct rpc_channel *own = to_planner(s, TOKEN, NULL);
    struct rpc_channel *peer = to_federation(f, &alpha_id, NULL);

    (void)state;
    for (uint8_t code = PT_ENOMEM; code <= PT_EBUG; code++) {
        uint8_t request[2] = {code, 0};
        struct buf reply = {0};
        struct pt_err err;

        assert_int_equal(ask(&reply, own, FAIL, span_of(request, 1), &err), code);
        assert_string_equal(err.msg, "query: the reason is secret-free and 7 long");
        /* To a peer the code alone; words only when chosen, and no escape sequence gets out. */
        assert_int_equal(ask(&reply, peer, FAIL, span_of(request, 1), &err), code);
        assert_null(strstr(err.msg, "secret"));
        assert_non_null(strstr(err.msg, "partner gamma at 127.0.0.1:"));
        assert_int_equal(ask(&reply, peer, FAIL, span_of(request, 2), &err), code);
        assert_non_null(strstr(err.msg, "POLICY_MISMATCH ?[31m"));
        buf_free(&reply);
    }
    rpc_channel_close(own);
    rpc_channel_close(peer);
    rpc_server_free(s, WAIT_MS);
    rpc_server_free(f, WAIT_MS);
}

static void unknown_method_and_early_end(void **state)
{
    struct rpc_server *s = planner(NULL);
    struct rpc_channel *ch = to_planner(s, TOKEN, NULL);
    struct rpc_call *c;
    struct buf m = {0};
    struct pt_err err = {0};
    bool ended;

    (void)state;
    expect_failure(ch, "/patto.test.Test/Nope", PT_EBADMSG, "no such method");
    expect_words(ch, EARLY, "enough");
    assert_int_equal(rpc_call_open(&c, ch, EARLY, WAIT_MS, &err), PT_OK);
    /* Sending on fails sooner or later, but the answer and the status remain to be had. */
    for (int i = 0; i < 200 && rpc_send(c, span_z("more"), &err) == PT_OK; i++)
        (void)usleep(1000);
    assert_int_equal(rpc_call_close(c, &err), PT_OK);
    /* The server has ended by now; what it said is not lost. */
    assert_int_equal(rpc_call_open(&c, ch, EARLY, WAIT_MS, &err), PT_OK);
    (void)usleep(50000);
    (void)!rpc_send(c, span_z("too late"), &err);
    assert_int_equal(rpc_call_send_end(c, &err), PT_OK);
    assert_int_equal(rpc_recv_one(&m, c, &err), PT_OK);
    assert_true(span_eq_vartime(buf_span(&m), span_z("enough")));
    assert_int_equal(rpc_call_close(c, &err), PT_OK);
    assert_int_equal(rpc_call_open(&c, ch, EARLY, WAIT_MS, &err), PT_OK);
    assert_int_equal(rpc_recv_one(&m, c, &err), PT_OK);
    assert_int_equal(rpc_recv_one(&m, c, &err), PT_EBADMSG);
    assert_int_equal(rpc_recv(&m, &ended, c, &err), PT_OK);
    assert_true(ended);
    assert_int_equal(rpc_call_close(c, &err), PT_OK);
    buf_free(&m);
    rpc_channel_close(ch);
    rpc_server_free(s, WAIT_MS);
}

static void a_cancelled_client_stops_the_handler(void **state)
{
    struct rpc_server *s = federation(NULL);
    struct rpc_channel *ch = to_federation(s, &alpha_id, NULL);
    struct rpc_call *c;
    struct pt_err err = {0};

    (void)state;
    atomic_store(&handlers_run, 0);
    atomic_store(&handlers_cancelled, 0);
    assert_int_equal(rpc_call_open(&c, ch, HANG, 0, &err), PT_OK);
    wait_for(&handlers_run, 1);
    assert_false(rpc_call_cancelled(c));
    rpc_call_cancel(c);
    assert_true(rpc_call_cancelled(c));
    assert_int_equal(rpc_send(c, span_z("x"), &err), PT_ESTATE);
    assert_int_equal(rpc_call_close(c, &err), PT_ESTATE);
    assert_non_null(strstr(err.msg, "cancelled"));
    wait_for(&handlers_cancelled, 1);
    rpc_channel_close(ch);
    rpc_server_free(s, WAIT_MS);
}

static void deadlines_and_silence_end_calls(void **state)
{
    struct rpc_limits quick = {.io_timeout_ms = 150};
    struct rpc_server *s = federation(NULL);
    struct rpc_channel *ch = to_federation(s, &alpha_id, NULL);
    struct rpc_channel *hasty = to_federation(s, &alpha_id, &quick);
    struct rpc_request r = {.method = HANG, .deadline_ms = 150};
    struct buf reply = {0};
    struct pt_err err = {0};

    (void)state;
    int64_t began = now_ms();
    assert_int_equal(rpc_unary(&reply, ch, &r, &err), PT_EPEER);
    assert_non_null(strstr(err.msg, "had not finished after 150 ms"));
    assert_int_equal(ask(&reply, hasty, HANG, (struct span){0}, &err), PT_EPEER);
    assert_non_null(strstr(err.msg, "no progress within 150 ms"));
    assert_true(now_ms() - began < 3000);
    rpc_channel_close(ch);
    rpc_channel_close(hasty);
    rpc_server_free(s, WAIT_MS);
}

/* The server's grace passes, its handlers see the cancellation, and nothing is left running. */
static void stopping_ends_running_calls(void **state)
{
    struct rpc_server *s = federation(NULL);
    struct rpc_channel *ch = to_federation(s, &alpha_id, NULL);
    struct rpc_call *c[4];
    struct pt_err err = {0};

    (void)state;
    atomic_store(&handlers_run, 0);
    atomic_store(&handlers_cancelled, 0);
    for (size_t i = 0; i < PT_LEN(c); i++)
        assert_int_equal(rpc_call_open(&c[i], ch, HANG, 0, &err), PT_OK);
    wait_for(&handlers_run, 4);
    assert_int_equal(rpc_server_counts(s).active, 4);
    int64_t began = now_ms();
    rpc_server_free(s, 100);
    assert_true(now_ms() - began >= 90);
    assert_true(now_ms() - began < 4000);
    assert_int_equal(atomic_load(&handlers_cancelled), 4);
    for (size_t i = 0; i < PT_LEN(c); i++)
        assert_int_equal(rpc_call_close(c[i], &err), PT_EPEER);
    expect_failure(ch, WHOAMI, PT_EPEER, "no connection to partner gamma at 127.0.0.1:");
    rpc_channel_close(ch);
}

static void too_large_is_refused(void **state)
{
    struct rpc_limits small = {.message_bytes = 1000};
    struct rpc_limits wrong = {.message_bytes = RPC_MESSAGE_MAX + 1};
    struct rpc_server *s = planner(&small), *none;
    struct rpc_channel *ch = to_planner(s, TOKEN, NULL);
    struct rpc_channel *narrow = to_planner(s, TOKEN, &small);
    uint8_t *bytes = calloc(1, MIB);
    struct buf reply = {0};
    struct rpc_call *c;
    struct pt_err err = {0};

    (void)state;
    assert_non_null(bytes);
    assert_int_equal(ask(&reply, ch, ECHO, span_of(bytes, 1000), &err), PT_OK);
    assert_int_equal(reply.n, 1000);
    assert_int_equal(ask(&reply, ch, ECHO, span_of(bytes, 1001), &err), PT_ELIMIT);
    assert_non_null(strstr(err.msg, "1001 bytes came, at most 1000"));
    assert_int_equal(ask(&reply, narrow, STREAM, (struct span){0}, &err), PT_ELIMIT);
    /* Far over it gRPC itself ends the call, by one code or another. */
    assert_int_not_equal(ask(&reply, ch, ECHO, span_of(bytes, MIB), &err), PT_OK);
    /* Our own limit is met before anything is sent, and the call goes on. */
    assert_int_equal(rpc_call_open(&c, narrow, ECHO, WAIT_MS, &err), PT_OK);
    assert_int_equal(rpc_send(c, span_of(bytes, 1001), &err), PT_ELIMIT);
    assert_non_null(strstr(err.msg, "at most 1000"));
    assert_int_equal(rpc_send(c, span_of(bytes, 10), &err), PT_OK);
    assert_int_equal(rpc_recv_one(&reply, c, &err), PT_OK);
    assert_int_equal(reply.n, 10);
    assert_int_equal(rpc_call_close(c, &err), PT_OK);
    assert_int_equal(rpc_server_new_planner(&none, span_z(TOKEN), &wrong, &err), PT_ELIMIT);
    assert_null(none);
    free(bytes);
    buf_free(&reply);
    rpc_channel_close(ch);
    rpc_channel_close(narrow);
    rpc_server_free(s, WAIT_MS);
}

static void too_many_are_refused(void **state)
{
    struct rpc_limits one = {.max_calls = 1};
    struct rpc_server *s = planner(&one);
    struct rpc_channel *ch = to_planner(s, TOKEN, NULL);
    struct rpc_call *c;
    struct buf m = {0};
    struct pt_err err = {0};

    (void)state;
    assert_int_equal(rpc_call_open(&c, ch, ECHO, WAIT_MS, &err), PT_OK);
    assert_int_equal(rpc_send(c, span_z("x"), &err), PT_OK);
    assert_int_equal(rpc_recv_one(&m, c, &err), PT_OK); /* its handler runs */
    expect_failure(ch, WHOAMI, PT_EPEER, "too many calls");
    assert_int_equal(rpc_server_counts(s).refused_busy, 1);
    assert_int_equal(rpc_call_close(c, &err), PT_OK);
    int64_t until = now_ms() + WAIT_MS;
    while (rpc_server_counts(s).active > 0 && now_ms() < until)
        (void)usleep(1000);
    expect_words(ch, WHOAMI, "nobody");
    buf_free(&m);
    rpc_channel_close(ch);
    rpc_server_free(s, WAIT_MS);
}

static struct rpc_call *running_echo(struct rpc_channel *ch)
{
    struct rpc_call *c;
    struct buf m = {0};
    struct pt_err err = {0};

    assert_int_equal(rpc_call_open(&c, ch, ECHO, WAIT_MS, &err), PT_OK);
    assert_int_equal(rpc_send(c, span_z("x"), &err), PT_OK);
    if (rpc_recv_one(&m, c, &err) != PT_OK)
        fail_msg("%s", err.msg);
    buf_free(&m);
    return c;
}

static char last_refusal[200];
static void note_refusal(void *arg, const struct rpc_refusal *r)
{
    (void)arg;
    (void)snprintf(last_refusal, sizeof last_refusal, "%s", r->reason);
}

/* Goal: one partner can use up its own share of the calls and no more: another still gets in. */
static void a_peer_has_a_share_of_the_calls(void **state)
{
    struct rpc_limits small = {.max_calls = 8, .max_calls_peer = 3};
    struct rpc_server *s = federation(&small);
    struct rpc_channel *greedy = to_federation(s, &alpha_id, NULL);
    struct rpc_channel *greedy_too = to_federation(s, &alpha_id, NULL);
    struct rpc_channel *other = to_federation(s, &beta_id, NULL);
    struct rpc_call *c[3];
    struct pt_err err = {0};

    (void)state;
    rpc_server_on_refusal(s, note_refusal, NULL);
    for (size_t i = 0; i < PT_LEN(c); i++)
        c[i] = running_echo(i == 0 ? greedy : greedy_too);
    expect_failure(greedy, WHOAMI, PT_EPEER,
                   "too many calls of this partner in progress, at most 3");
    assert_string_equal(last_refusal, "alpha has 3 calls in progress, its share");
    expect_words(other, WHOAMI, "beta");
    for (size_t i = 0; i < PT_LEN(c); i++)
        assert_int_equal(rpc_call_close(c[i], &err), PT_OK);
    int64_t until = now_ms() + WAIT_MS;
    while (rpc_server_counts(s).active > 0 && now_ms() < until)
        (void)usleep(1000);
    expect_words(greedy, WHOAMI, "alpha");
    rpc_channel_close(greedy);
    rpc_channel_close(greedy_too);
    rpc_channel_close(other);
    rpc_server_free(s, WAIT_MS);
}

/* Goal: more refusals than can be sent at once are all refused, and nothing hangs. */
static void a_flood_of_refusals_passes(void **state)
{
    struct rpc_limits one = {.max_calls_peer = 1};
    struct rpc_server *s = federation(&one);
    struct rpc_channel *ch = to_federation(s, &alpha_id, NULL);
    struct rpc_call *first = running_echo(ch);
    struct rpc_call *c[100];
    struct pt_err err = {0};

    (void)state;
    for (size_t i = 0; i < PT_LEN(c); i++)
        assert_int_equal(rpc_call_open(&c[i], ch, ECHO, WAIT_MS, &err), PT_OK);
    for (size_t i = 0; i < PT_LEN(c); i++)
        assert_int_not_equal(rpc_call_close(c[i], &err), PT_OK);
    assert_int_equal(rpc_server_counts(s).refused_busy, PT_LEN(c));
    assert_int_equal(rpc_call_close(first, &err), PT_OK);
    rpc_channel_close(ch);
    rpc_server_free(s, WAIT_MS);
}

/* Goal: a caller that sends a little, always in time, is cut off at the end of the whole call and
 * told why; so is a server that answers so. */
static void a_trickle_ends_at_the_deadline(void **state)
{
    struct rpc_limits brief = {.call_ms = 1000};
    struct rpc_server *hasty = federation(&brief), *patient = federation(NULL);
    struct rpc_channel *ch[] = {to_federation(hasty, &alpha_id, NULL),
                                to_federation(patient, &alpha_id, NULL)};
    static const char *const says[] = {"was not over in the time it may take in all",
                                       "had not finished after 1 s, the most a call may take"};

    (void)state;
    for (size_t i = 0; i < PT_LEN(ch); i++) {
        struct buf m = {0};
        struct pt_err err = {0};
        int64_t began = now_ms();
        struct rpc_call *c;
        assert_int_equal(rpc_call_open(&c, ch[i], ECHO, 0, &err), PT_OK);
        if (i == 1)
            rpc_call_set_deadline(c, 1000);
        while (now_ms() - began < WAIT_MS && rpc_send(c, span_z("x"), &err) == PT_OK &&
               rpc_recv_one(&m, c, &err) == PT_OK)
            (void)usleep(20000);
        assert_in_range(now_ms() - began, 900, 3000);
        if (i == 0)
            assert_int_equal(rpc_call_close(c, &err), PT_EPEER);
        if (!strstr(err.msg, says[i]))
            fail_msg("'%s' does not say '%s'", err.msg, says[i]);
        if (i == 1)
            (void)!rpc_call_close(c, &err);
        buf_free(&m);
        rpc_channel_close(ch[i]);
    }
    assert_int_equal(rpc_server_counts(hasty).active, 0);
    rpc_server_free(hasty, WAIT_MS);
    rpc_server_free(patient, WAIT_MS);
}

/* Both ends send 16 MiB at once, a thread each way: nothing waits for the other for ever. */
static void *send_all(void *arg)
{
    struct rpc_call *c = arg;
    struct pt_err err = {0};
    uint8_t *bytes = malloc(MIB);

    if (!bytes)
        return c;
    for (int i = 0; i < 16; i++) {
        memset(bytes, i, MIB);
        if (rpc_send(c, span_of(bytes, MIB), &err) != PT_OK)
            break;
    }
    free(bytes);
    return rpc_call_send_end(c, &err) == PT_OK ? NULL : c; /* NULL: all went out */
}

static void both_ways_at_once(void **state)
{
    struct rpc_server *s = federation(NULL);
    struct rpc_channel *ch = to_federation(s, &beta_id, NULL);
    struct rpc_call *c;
    struct buf m = {0};
    struct pt_err err = {0};
    bool ended = false;
    unsigned count = 0;
    pthread_t t;
    void *failed = NULL;

    (void)state;
    assert_int_equal(rpc_call_open(&c, ch, ECHO, WAIT_MS, &err), PT_OK);
    assert_int_equal(pthread_create(&t, NULL, send_all, c), 0);
    while (rpc_recv(&m, &ended, c, &err) == PT_OK && !ended) {
        assert_int_equal(m.n, MIB);
        assert_int_equal(m.p[MIB / 2], count);
        count++;
    }
    pthread_join(t, &failed);
    assert_null(failed);
    assert_int_equal(count, 16);
    assert_int_equal(rpc_call_close(c, &err), PT_OK);
    buf_free(&m);
    rpc_channel_close(ch);
    rpc_server_free(s, WAIT_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_back_over_tls),
        cmocka_unit_test(many_calls_at_once),
        cmocka_unit_test(a_stream_is_whole_and_its_speed_is_told),
        cmocka_unit_test(every_code_comes_back),
        cmocka_unit_test(unknown_method_and_early_end),
        cmocka_unit_test(a_cancelled_client_stops_the_handler),
        cmocka_unit_test(deadlines_and_silence_end_calls),
        cmocka_unit_test(stopping_ends_running_calls),
        cmocka_unit_test(too_large_is_refused),
        cmocka_unit_test(too_many_are_refused),
        cmocka_unit_test(a_peer_has_a_share_of_the_calls),
        cmocka_unit_test(a_flood_of_refusals_passes),
        cmocka_unit_test(a_trickle_ends_at_the_deadline),
        cmocka_unit_test(both_ways_at_once),
    };

    return cmocka_run_group_tests(tests, rpc_setup, rpc_teardown);
}
