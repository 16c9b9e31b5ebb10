/* Goal: a server listens exactly where it was told, or says why not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "tests/rpc_fixture.h"

static void a_unix_socket_is_private_and_one_servers(void **state)
{
    char dir[] = "/tmp/patto-rpc-XXXXXX", address[64];
    struct rpc_server *s, *second;
    struct rpc_channel *ch;
    struct pt_err err = {0};
    struct stat st;

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(address, sizeof address, "unix:%s/s", dir);
    assert_int_equal(rpc_server_new_planner(&s, span_z(TOKEN), NULL, &err), PT_OK);
    add_handlers(s);
    assert_int_equal(rpc_server_start(s, address, &err), PT_OK);
    assert_int_equal(rpc_server_port(s), 0);
    assert_int_equal(stat(address + 5, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(rpc_channel_open_planner(&ch, address, span_z(TOKEN), NULL, &err), PT_OK);
    expect_words(ch, WHOAMI, "nobody");
    /* A second server must not push the first off its socket. */
    assert_int_equal(rpc_server_new_planner(&second, span_z(TOKEN), NULL, &err), PT_OK);
    assert_int_equal(rpc_server_start(second, address, &err), PT_ESTATE);
    assert_non_null(strstr(err.msg, "in use"));
    rpc_server_free(second, 0);
    expect_words(ch, WHOAMI, "nobody");
    rpc_channel_close(ch);
    rpc_server_free(s, WAIT_MS);
    (void)unlink(address + 5);
    assert_int_equal(rmdir(dir), 0);
}

/* A daemon that was killed leaves its socket behind; a file that is no socket is somebody's. */
static void a_stale_socket_is_replaced_but_no_file(void **state)
{
    char dir[] = "/tmp/patto-rpc-XXXXXX", address[64];
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct rpc_server *s;
    struct pt_err err = {0};

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(address, sizeof address, "unix:%s/s", dir);
    (void)snprintf(a.sun_path, sizeof a.sun_path, "%s", address + 5);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof a), 0);
    (void)close(fd);
    assert_int_equal(rpc_server_new_planner(&s, span_z(TOKEN), NULL, &err), PT_OK);
    assert_int_equal(rpc_server_start(s, address, &err), PT_OK);
    rpc_server_free(s, 0);
    (void)unlink(address + 5);
    FILE *f = fopen(address + 5, "w");
    assert_non_null(f);
    (void)fclose(f);
    assert_int_equal(rpc_server_new_planner(&s, span_z(TOKEN), NULL, &err), PT_OK);
    assert_int_equal(rpc_server_start(s, address, &err), PT_ESTATE);
    assert_non_null(strstr(err.msg, "no socket"));
    rpc_server_free(s, 0);
    assert_int_equal(unlink(address + 5), 0);
    assert_int_equal(rmdir(dir), 0);
}

static void short_tokens_and_far_addresses_are_refused(void **state)
{
    static const struct {
        const char *address;
        enum pt_code code;
        const char *says;
    } ROWS[] = {
        {"0.0.0.0:0", PT_EUSAGE, "loopback"},
        {"[::]:0", PT_EUSAGE, "loopback"},
        {"192.0.2.1:7444", PT_EUSAGE, "loopback"},
        {"127.0.0.1", PT_EUSAGE, "HOST:PORT"},
        {"127.0.0.1:65536", PT_EUSAGE, "HOST:PORT"},
        {":7444", PT_EUSAGE, "HOST:PORT"},
        {"dns:///127.0.0.1:7444", PT_EUSAGE, "HOST:PORT"},
        {"unix:relative", PT_EUSAGE, "ABSOLUTE"},
        {"unix:/no/such/folder/s", PT_EIO, "cannot listen"},
    };
    struct rpc_server *s;
    struct pt_err err = {0};

    (void)state;
    assert_int_equal(rpc_server_new_planner(&s, span_z("short"), NULL, &err), PT_ELIMIT);
    assert_null(s);
    for (size_t i = 0; i < PT_LEN(ROWS); i++) {
        struct rpc_channel *ch;

        assert_int_equal(rpc_server_new_planner(&s, span_z(TOKEN), NULL, &err), PT_OK);
        assert_int_equal(rpc_server_start(s, ROWS[i].address, &err), ROWS[i].code);
        if (!strstr(err.msg, ROWS[i].says))
            fail_msg("'%s' does not say '%s'", err.msg, ROWS[i].says);
        rpc_server_free(s, 0);
        if (ROWS[i].code == PT_EUSAGE) /* and the client sends its token nowhere else either */
            assert_int_equal(
                rpc_channel_open_planner(&ch, ROWS[i].address, span_z(TOKEN), NULL, &err),
                PT_EUSAGE);
    }
}

static void a_port_in_use_is_named(void **state)
{
    struct rpc_server *first = planner(NULL), *second;
    struct pt_err err = {0};
    char endpoint[64];

    (void)state;
    endpoint_of(endpoint, first);
    assert_int_equal(rpc_server_new_planner(&second, span_z(TOKEN), NULL, &err), PT_OK);
    assert_int_equal(rpc_server_start(second, endpoint, &err), PT_ESTATE);
    assert_non_null(strstr(err.msg, endpoint));
    assert_non_null(strstr(err.msg, "in use"));
    rpc_server_free(second, 0);
    rpc_server_free(first, WAIT_MS);
}

static void endpoints_are_hosts_and_ports(void **state)
{
    static const char *BAD[] = {"unix:/tmp/x", "ipv4:127.0.0.1:1", "host",
                                "host:",       "ho st:1",          "a/b:1"};
    struct rpc_pin pin = pin_of("gamma", &server_id);
    struct rpc_channel *ch;
    struct pt_err err = {0};

    (void)state;
    for (size_t i = 0; i < PT_LEN(BAD); i++) {
        assert_int_equal(rpc_channel_open_federation(&ch, &alpha_id, &pin, BAD[i], NULL, &err),
                         PT_EUSAGE);
        assert_non_null(strstr(err.msg, "partner gamma: "));
        assert_null(ch);
    }
    assert_int_equal(
        rpc_channel_open_federation(&ch, &alpha_id, &pin, "nobody.invalid:7443", NULL, &err),
        PT_OK);
    rpc_channel_close(ch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unix_socket_is_private_and_one_servers),
        cmocka_unit_test(a_stale_socket_is_replaced_but_no_file),
        cmocka_unit_test(short_tokens_and_far_addresses_are_refused),
        cmocka_unit_test(a_port_in_use_is_named),
        cmocka_unit_test(endpoints_are_hosts_and_ports),
    };

    return cmocka_run_group_tests(tests, rpc_setup, rpc_teardown);
}
