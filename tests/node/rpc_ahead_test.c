/* Goal: a call may have one message under way in each direction before anybody waits for it. Method: both
 * ends in this process, over mutual TLS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "node/rpc_internal.h"
#include "tests/rpc_fixture.h"

static struct buf filled(uint8_t byte, size_t n)
{
    struct buf b = {0};

    assert_true(buf_reserve(&b, n));
    memset(b.p, byte, n);
    b.n = n;
    return b;
}

/* Goal: with a message under way the next can be made and begun; they come in order, none is lost, and the
 * call ends as it would, whatever is under way then: in the end, cancelled, or after the server's end. */
static void one_message_may_be_under_way(void **state)
{
    enum { MESSAGES = 12 };
    struct rpc_server *s = federation(NULL);
    struct rpc_channel *ch = to_federation(s, &alpha_id, NULL);
    struct rpc_call *c;
    struct buf m = {0};
    struct pt_err err = {0};

    (void)state;
    assert_int_equal(rpc_call_open(&c, ch, ECHO, WAIT_MS, &err), PT_OK);
    assert_int_equal(rpc_send_wait(c, &err), PT_OK); /* nothing is */
    for (uint8_t i = 0; i < MESSAGES; i++) {
        struct buf next = filled(i, 200000);
        assert_int_equal(rpc_send_begin(c, &next, &err), PT_OK);
        assert_null(next.p);
    }
    assert_int_equal(rpc_send(c, span_z("copied"), &err), PT_OK);
    for (uint8_t i = 0; i < MESSAGES; i++) {
        assert_int_equal(rpc_recv_one(&m, c, &err), PT_OK);
        assert_int_equal(m.n, 200000);
        assert_true(m.p[0] == i && m.p[m.n - 1] == i);
    }
    assert_int_equal(rpc_recv_one(&m, c, &err), PT_OK);
    assert_true(span_eq_vartime(buf_span(&m), span_z("copied")));
    assert_false(c->receiving); /* after a short one nothing is asked for */
    struct buf last = filled(1, 200000);
    assert_int_equal(rpc_send_begin(c, &last, &err), PT_OK);
    assert_int_equal(rpc_call_close(c, &err), PT_OK);

    assert_int_equal(rpc_call_open(&c, ch, ECHO, WAIT_MS, &err), PT_OK);
    last = filled(2, RPC_MESSAGE_DEFAULT);
    assert_int_equal(rpc_send_begin(c, &last, &err), PT_OK);
    rpc_call_cancel(c);
    assert_int_equal(rpc_call_close(c, &err), PT_ESTATE);

    assert_int_equal(rpc_call_open(&c, ch, EARLY, WAIT_MS, &err), PT_OK);
    enum pt_code rc = PT_OK;
    for (int i = 0; i < 200 && rc == PT_OK; i++) {
        last = filled(3, 1000);
        rc = rpc_send_begin(c, &last, &err);
        (void)usleep(1000);
    }
    assert_int_not_equal(rc, PT_OK); /* the failure of one is told at the next */
    assert_int_equal(rpc_recv_one(&m, c, &err), PT_OK);
    assert_true(span_eq_vartime(buf_span(&m), span_z("enough")));
    assert_int_equal(rpc_call_close(c, &err), PT_OK);
    buf_free(&m);
    rpc_channel_close(ch);
    rpc_server_free(s, WAIT_MS);
}

/* Goal: after a long message the next is asked for before anybody receives it; a call ends as it would, with
 * that one under way on either side: another has come, none comes, or it is cancelled. */
static void the_next_message_is_asked_for_ahead(void **state)
{
    struct rpc_limits quick = {.io_timeout_ms = 150};
    struct rpc_server *s = federation(NULL);
    struct rpc_channel *ch = to_federation(s, &alpha_id, NULL);
    struct rpc_channel *hasty = to_federation(s, &alpha_id, &quick);
    struct rpc_call *c;
    struct buf m = {0};
    struct pt_err err = {0};
    bool ended;

    (void)state;
    for (uint8_t messages = 1; messages <= 4; messages++) {
        assert_int_equal(rpc_call_open(&c, ch, ONE, WAIT_MS, &err), PT_OK);
        for (uint8_t i = 0; i < messages; i++) { /* it may have ended by then */
            struct buf next = filled(i, 200000);
            (void)!rpc_send_take(c, &next, &err);
        }
        assert_int_equal(rpc_call_close(c, &err), PT_OK);
    }
    assert_int_equal(rpc_call_open(&c, ch, STREAM, WAIT_MS, &err), PT_OK);
    assert_int_equal(rpc_recv_one(&m, c, &err), PT_OK);
    assert_int_equal(m.n, MIB);
    assert_true(c->receiving);
    rpc_call_cancel(c);
    assert_int_equal(rpc_recv(&m, &ended, c, &err), PT_ESTATE);
    assert_int_equal(rpc_call_close(c, &err), PT_ESTATE);

    assert_int_equal(rpc_call_open(&c, hasty, ECHO, WAIT_MS, &err), PT_OK);
    struct buf alone = filled(7, 200000);
    assert_int_equal(rpc_send_take(c, &alone, &err), PT_OK);
    assert_int_equal(rpc_recv_one(&m, c, &err), PT_OK);
    assert_int_equal(m.n, 200000);
    assert_int_equal(rpc_recv(&m, &ended, c, &err), PT_EPEER); /* silence is still noticed */
    assert_int_not_equal(rpc_call_close(c, &err), PT_OK);

    assert_int_equal(rpc_call_open(&c, ch, ECHO, WAIT_MS, &err), PT_OK);
    alone = filled(8, 200000);
    assert_int_equal(rpc_send_take(c, &alone, &err), PT_OK);
    assert_int_equal(rpc_recv_one(&m, c, &err), PT_OK);
    assert_int_equal(rpc_call_close(c, &err), PT_OK); /* without a look at the end */
    buf_free(&m);
    rpc_channel_close(hasty);
    rpc_channel_close(ch);
    rpc_server_free(s, WAIT_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_message_may_be_under_way),
        cmocka_unit_test(the_next_message_is_asked_for_ahead),
    };

    return cmocka_run_group_tests(tests, rpc_setup, rpc_teardown);
}
