/* Goal: only the right parties get in, in both directions. Method: both ends in this process; the
 * refusals are also tried by a TLS client of OpenSSL's own, which shares no code with ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "tests/rpc_fixture.h"

/* --- who gets in --- */

static void a_wrong_token_is_refused(void **state)
{
    static const char *WRONG[] = {"0123456789abcdef0123456789abcdeF", "0123456789abcdef", "",
                                  "0123456789abcdef0123456789abcdef0"};
    struct rpc_server *s = planner(NULL);

    (void)state;
    atomic_store(&handlers_run, 0);
    for (size_t i = 0; i < PT_LEN(WRONG); i++) {
        struct rpc_channel *ch = to_planner(s, WRONG[i], NULL);
        expect_failure(ch, WHOAMI, PT_EDENIED, "bearer token");
        expect_failure(ch, "/patto.test.Test/Nope", PT_EDENIED, "bearer token");
        rpc_channel_close(ch);
    }
    assert_int_equal(atomic_load(&handlers_run), 0);
    assert_int_equal(rpc_server_counts(s).refused_tokens, 2 * PT_LEN(WRONG));
    struct rpc_channel *ch = to_planner(s, TOKEN, NULL);
    expect_words(ch, WHOAMI, "nobody");
    rpc_channel_close(ch);
    rpc_server_free(s, WAIT_MS);
}

/* Static: a handshake may still be refused after a test that failed. */
static struct heard {
    atomic_int count, stranger, expired;
} heard;

static void on_refusal(void *arg, const struct rpc_refusal *r)
{
    struct heard *h = arg;

    if (r->kind != RPC_REFUSED_CERTIFICATE || !strstr(r->reason, "certificate"))
        return;
    atomic_fetch_add(&h->count, 1);
    if (memcmp(r->certificate.b, stranger_id.fingerprint.b, sizeof r->certificate.b) == 0)
        atomic_fetch_add(&h->stranger, 1);
    if (memcmp(r->certificate.b, expired_id.fingerprint.b, sizeof r->certificate.b) == 0)
        atomic_fetch_add(&h->expired, 1);
}

static void only_pinned_certificates_get_in(void **state)
{
    struct rpc_server *s = federation(NULL);
    struct rpc_channel *alpha = to_federation(s, &alpha_id, NULL);
    struct rpc_channel *beta = to_federation(s, &beta_id, NULL);
    struct rpc_channel *stranger = to_federation(s, &stranger_id, NULL);
    struct rpc_channel *expired = to_federation(s, &expired_id, NULL);

    (void)state;
    rpc_server_on_refusal(s, on_refusal, &heard);
    expect_words(alpha, WHOAMI, "alpha");
    expect_words(beta, WHOAMI, "beta");
    atomic_store(&handlers_run, 0);
    expect_failure(stranger, WHOAMI, PT_EPEER, "does its policy hold this node's certificate");
    wait_for(&heard.stranger, 1);
    expect_failure(expired, WHOAMI, PT_EPEER, "no connection");
    wait_for(&heard.expired, 1);
    assert_int_equal(atomic_load(&handlers_run), 0);
    rpc_channel_close(alpha);
    rpc_channel_close(beta);
    rpc_channel_close(stranger); /* it has tried again meanwhile */
    rpc_channel_close(expired);
    assert_int_equal(atomic_load(&heard.count),
                     atomic_load(&heard.stranger) + atomic_load(&heard.expired));
    assert_true(rpc_server_counts(s).refused_certificates >= 2);
    rpc_server_free(s, WAIT_MS);
}

/* A new policy drops alpha, whose connection stands, and admits the stranger. */
static void pins_are_replaced_while_running(void **state)
{
    struct rpc_server *s = federation(NULL);
    struct rpc_channel *alpha = to_federation(s, &alpha_id, NULL);
    struct rpc_pin pin = pin_of("newcomer", &stranger_id), *many;
    struct pt_err err = {0};

    (void)state;
    expect_words(alpha, WHOAMI, "alpha");
    assert_int_equal(rpc_server_set_pins(s, &pin, 1, &err), PT_OK);
    expect_failure(alpha, WHOAMI, PT_EDENIED, "not in this node's policy");
    struct rpc_channel *stranger = to_federation(s, &stranger_id, NULL);
    expect_words(stranger, WHOAMI, "newcomer");
    assert_non_null(many = calloc(RPC_PINS_MAX + 1, sizeof *many));
    assert_int_equal(rpc_server_set_pins(s, many, RPC_PINS_MAX + 1, &err), PT_ELIMIT);
    expect_words(stranger, WHOAMI, "newcomer");
    free(many);
    rpc_channel_close(alpha);
    rpc_channel_close(stranger);
    rpc_server_free(s, WAIT_MS);
}

/* The other direction: whoever answers at the endpoint must be the pinned server. */
static void another_server_is_not_trusted(void **state)
{
    struct rpc_pin pins[] = {pin_of("alpha", &alpha_id)};
    const struct tls_identity *others[] = {&stranger_id, &expired_id};
    char endpoint[64];
    struct pt_err err = {0};

    (void)state;
    for (size_t i = 0; i < PT_LEN(others); i++) {
        struct rpc_pin expected = pin_of("gamma", i == 0 ? &server_id : &expired_id);
        struct rpc_server *s;
        struct rpc_channel *ch;

        assert_int_equal(rpc_server_new_federation(&s, others[i], pins, 1, NULL, &err), PT_OK);
        add_handlers(s);
        assert_int_equal(rpc_server_start(s, "127.0.0.1:0", &err), PT_OK);
        endpoint_of(endpoint, s);
        assert_int_equal(
            rpc_channel_open_federation(&ch, &alpha_id, &expected, endpoint, NULL, &err), PT_OK);
        atomic_store(&handlers_run, 0);
        expect_failure(ch, WHOAMI, PT_EPEER, i == 0 ? "is not in the policy" : "expired on");
        assert_int_equal(atomic_load(&handlers_run), 0);
        rpc_channel_close(ch);
        rpc_server_free(s, WAIT_MS);
    }
}

/* --- an outside TLS client --- */

static int dial(const struct rpc_server *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(rpc_server_port(s))};
    struct timeval patience = {.tv_sec = 5};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

/* Does the server speak HTTP/2 (a SETTINGS frame) to a client with this certificate and key? */
static bool speaks_to(const struct rpc_server *s, X509 *certificate, EVP_PKEY *key)
{
    static const unsigned char ALPN[] = "\x02h2";
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    unsigned char b[9];

    if (certificate) {
        assert_int_equal(SSL_CTX_use_certificate(ctx, certificate), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
    }
    assert_int_equal(SSL_CTX_set_alpn_protos(ctx, ALPN, 3), 0);
    SSL *ssl = SSL_new(ctx);
    int fd = dial(s);
    SSL_set_fd(ssl, fd);
    bool spoke = SSL_connect(ssl) == 1 && SSL_read(ssl, b, sizeof b) == (int)sizeof b && b[3] == 4;
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    (void)close(fd);
    return spoke;
}

/* A key that claims the public half of `real` and has the private half of another. */
static EVP_PKEY *forged(EVP_PKEY *real)
{
    EVP_PKEY *other = EVP_EC_gen("P-256"), *out = NULL;
    BIGNUM *secret = NULL;
    uint8_t point[65];
    char group[] = "P-256";
    size_t n = 0;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();

    assert_int_equal(EVP_PKEY_get_bn_param(other, OSSL_PKEY_PARAM_PRIV_KEY, &secret), 1);
    assert_int_equal(EVP_PKEY_get_octet_string_param(real, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY,
                                                     point, sizeof point, &n),
                     1);
    assert_int_equal(OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                     1);
    assert_int_equal(OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, n), 1);
    assert_int_equal(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, secret), 1);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
    assert_int_equal(EVP_PKEY_fromdata(ctx, &out, EVP_PKEY_KEYPAIR, params), 1);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(ctx);
    BN_clear_free(secret);
    EVP_PKEY_free(other);
    return out;
}

static X509 *certificate_of(const struct tls_identity *id)
{
    BIO *bio = BIO_new_mem_buf(id->certificate_pem.p, (int)id->certificate_pem.n);
    X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    BIO_free(bio);
    return x;
}

static EVP_PKEY *key_of(const struct tls_identity *id)
{
    BIO *bio = BIO_new_mem_buf(id->key_pem.p, (int)id->key_pem.n);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

    BIO_free(bio);
    return key;
}

/* Certificates are public: showing alpha's must not be enough. */
static void a_certificate_without_its_key_is_worth_nothing(void **state)
{
    struct rpc_server *s = federation(NULL);
    X509 *alpha = certificate_of(&alpha_id), *stranger = certificate_of(&stranger_id);
    EVP_PKEY *key = key_of(&alpha_id), *false_key = forged(key);
    EVP_PKEY *stranger_key = key_of(&stranger_id);

    (void)state;
    assert_true(speaks_to(s, alpha, key)); /* so the refusals below mean something */
    assert_false(speaks_to(s, alpha, false_key));
    assert_false(speaks_to(s, stranger, stranger_key));
    assert_false(speaks_to(s, NULL, NULL));
    assert_true(speaks_to(s, alpha, key));
    assert_int_equal(rpc_server_counts(s).calls, 0);
    X509_free(alpha);
    X509_free(stranger);
    EVP_PKEY_free(key);
    EVP_PKEY_free(false_key);
    EVP_PKEY_free(stranger_key);
    rpc_server_free(s, WAIT_MS);
}

static void garbage_does_no_harm(void **state)
{
    static const char PREFACE[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    struct rpc_server *servers[] = {federation(NULL), planner(NULL)};
    struct rpc_channel *ch[] = {to_federation(servers[0], &alpha_id, NULL),
                                to_planner(servers[1], TOKEN, NULL)};
    uint8_t noise[8192], back[256];

    (void)state;
    for (size_t i = 0; i < PT_LEN(servers); i++) {
        for (int round = 0; round < 8; round++) {
            int fd = dial(servers[i]);
            assert_int_equal(RAND_bytes(noise, sizeof noise), 1);
            if (round & 1)
                memcpy(noise, PREFACE, sizeof PREFACE - 1);
            (void)send(fd, noise, (size_t)1 << (round + 5), MSG_NOSIGNAL);
            (void)shutdown(fd, SHUT_WR);
            while (recv(fd, back, sizeof back, 0) > 0)
                ;
            (void)close(fd);
        }
        expect_words(ch[i], WHOAMI, i == 0 ? "alpha" : "nobody");
        rpc_channel_close(ch[i]);
        rpc_server_free(servers[i], WAIT_MS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_token_is_refused),
        cmocka_unit_test(only_pinned_certificates_get_in),
        cmocka_unit_test(pins_are_replaced_while_running),
        cmocka_unit_test(another_server_is_not_trusted),
        cmocka_unit_test(a_certificate_without_its_key_is_worth_nothing),
        cmocka_unit_test(garbage_does_no_harm),
    };

    return cmocka_run_group_tests(tests, rpc_setup, rpc_teardown);
}
