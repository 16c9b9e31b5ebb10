/* Goal: certificates come out as OpenSSL's own tools read them, and nothing else goes in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "node/tls.h"

enum { NOW = 1800000000 };

static struct tls_identity make(const char *name, const char *host)
{
    struct tls_identity id;
    struct pt_err err = {0};
    struct tls_subject who = {.name = name, .host = host, .now_s = NOW};

    assert_int_equal(tls_identity_new(&id, &who, &err), PT_OK);
    return id;
}

static X509 *parse(const struct tls_identity *id)
{
    BIO *bio = BIO_new_mem_buf(id->certificate_pem.p, (int)id->certificate_pem.n);
    X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    BIO_free(bio);
    assert_non_null(x);
    return x;
}

/* Method: X509_check_host and friends are another reader of the names. */
static void names_are_what_was_asked(void **state)
{
    static const struct {
        const char *name, *host;
        bool ip, dns;
    } ROWS[] = {
        {"freshmart", "127.0.0.1", true, false},
        {"freshmart", "2001:db8::7", true, false},
        {"drink_co-2", "node.example.net", false, true},
        {"anywhere", "0.0.0.0", false, false},
        {"plain", NULL, false, false},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(ROWS); i++) {
        struct tls_identity id = make(ROWS[i].name, ROWS[i].host);
        X509 *x = parse(&id);
        char dns[128];

        (void)snprintf(dns, sizeof dns, "%s.patto.internal", ROWS[i].name);
        assert_int_equal(X509_check_host(x, dns, 0, 0, NULL), 1);
        assert_int_equal(X509_check_host(x, "other.patto.internal", 0, 0, NULL), 0);
        if (ROWS[i].host)
            assert_int_equal(X509_check_ip_asc(x, ROWS[i].host, 0) == 1, ROWS[i].ip);
        if (ROWS[i].dns)
            assert_int_equal(X509_check_host(x, ROWS[i].host, 0, 0, NULL), 1);
        EVP_PKEY *key = X509_get_pubkey(x);
        assert_int_equal(X509_verify(x, key), 1); /* self-signed, and soundly */
        EVP_PKEY_free(key);
        X509_free(x);
        tls_identity_free(&id);
    }
}

/* Method: the fingerprint is SHA-256 over the DER that i2d_X509() writes. */
static void fingerprint_is_sha256_of_der(void **state)
{
    struct tls_identity id = make("freshmart", "127.0.0.1");
    X509 *x = parse(&id);
    uint8_t *der = NULL, want[32];
    int n = i2d_X509(x, &der);
    struct tls_certificate read;
    struct pt_err err = {0};

    (void)state;
    assert_true(n > 0);
    assert_int_equal(EVP_Digest(der, (size_t)n, want, NULL, EVP_sha256(), NULL), 1);
    assert_memory_equal(id.fingerprint.b, want, 32);
    assert_int_equal(tls_certificate_read(&read, buf_span(&id.certificate_pem), &err), PT_OK);
    assert_memory_equal(read.fingerprint.b, want, 32);
    assert_int_equal(read.not_before_s, NOW - 3600);
    assert_int_equal(read.not_after_s, NOW + INT64_C(3650) * 86400);
    OPENSSL_free(der);
    X509_free(x);
    tls_identity_free(&id);
}

static void two_identities_differ(void **state)
{
    struct tls_identity a = make("twin", NULL), b = make("twin", NULL);

    (void)state;
    assert_memory_not_equal(a.fingerprint.b, b.fingerprint.b, 32);
    assert_false(span_eq_vartime(buf_span(&a.key_pem), buf_span(&b.key_pem)));
    tls_identity_free(&a);
    tls_identity_free(&b);
}

static void unusable_subjects_are_refused(void **state)
{
    static const struct {
        struct tls_subject who;
        enum pt_code code;
        const char *says;
    } ROWS[] = {
        {{.name = "", .now_s = NOW}, PT_EUSAGE, "name"},
        {{.name = "Upper", .now_s = NOW}, PT_EUSAGE, "name"},
        {{.name = "-dash", .now_s = NOW}, PT_EUSAGE, "name"},
        {{.name = "a.b", .now_s = NOW}, PT_EUSAGE, "name"},
        {{.name = "a,DNS:b", .now_s = NOW}, PT_EUSAGE, "name"},
        {{.name = "good", .host = "x,IP:10.0.0.1", .now_s = NOW}, PT_EUSAGE, "host name"},
        {{.name = "good", .host = "a b", .now_s = NOW}, PT_EUSAGE, "host name"},
        {{.name = "good", .now_s = NOW, .days = TLS_DAYS_MAX + 1}, PT_ELIMIT, "36500"},
        {{.name = "a123456789012345678901234567890123456789012345678901234567890123"},
         PT_EUSAGE,
         "63"},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(ROWS); i++) {
        struct tls_identity id;
        struct pt_err err = {0};

        assert_int_equal(tls_identity_new(&id, &ROWS[i].who, &err), ROWS[i].code);
        assert_non_null(strstr(err.msg, ROWS[i].says));
        assert_null(id.key_pem.p);
    }
}

static void loads_what_it_made(void **state)
{
    struct tls_identity id = make("freshmart", "127.0.0.1"), again;
    struct pt_err err = {0};

    (void)state;
    assert_int_equal(
        tls_identity_load(&again, buf_span(&id.certificate_pem), buf_span(&id.key_pem), &err),
        PT_OK);
    assert_memory_equal(again.fingerprint.b, id.fingerprint.b, 32);
    assert_true(span_eq_vartime(buf_span(&again.key_pem), buf_span(&id.key_pem)));
    assert_int_equal(again.key_pem.p[again.key_pem.n], 0);
    tls_identity_free(&again);
    tls_identity_free(&id);
}

static void refuses(struct span certificate, struct span key, enum pt_code code, const char *says)
{
    struct tls_identity id;
    struct pt_err err = {0};

    assert_int_equal(tls_identity_load(&id, certificate, key, &err), code);
    assert_non_null(strstr(err.msg, says));
    assert_null(strstr(err.msg, "PRIVATE"));
    assert_null(id.certificate_pem.p);
    assert_null(id.key_pem.p);
}

static void bad_pairs_are_refused(void **state)
{
    struct tls_identity a = make("alpha", NULL), b = make("beta", NULL);
    struct span ca = buf_span(&a.certificate_pem), ka = buf_span(&a.key_pem);
    struct span kb = buf_span(&b.key_pem);
    uint8_t *large = calloc(1, TLS_PEM_MAX + 1);

    (void)state;
    assert_non_null(large);
    refuses(ca, kb, PT_EPARSE, "another certificate");
    refuses(ka, ca, PT_EPARSE, "certificate");
    refuses(ca, ca, PT_EPARSE, "TLS key");
    refuses(ca, (struct span){0}, PT_ELIMIT, "TLS key");
    refuses((struct span){0}, ka, PT_ELIMIT, "certificate");
    refuses(span_of(large, TLS_PEM_MAX + 1), ka, PT_ELIMIT, "16384");
    refuses(ca, span_of(large, TLS_PEM_MAX + 1), PT_ELIMIT, "16384");
    refuses(span_of(ca.p, ca.n / 2), ka, PT_EPARSE, "PEM");
    refuses(ca, span_of(ka.p, ka.n / 2), PT_EPARSE, "PEM");
    refuses(span_of(ca.p, ca.n + 1), ka, PT_EPARSE, "zero byte"); /* the NUL beyond */
    free(large);
    tls_identity_free(&a);
    tls_identity_free(&b);
}

/* A key under a password must be refused, not asked for at the terminal. */
static void a_password_is_never_asked_for(void **state)
{
    struct tls_identity id = make("alpha", NULL);
    BIO *in = BIO_new_mem_buf(id.key_pem.p, (int)id.key_pem.n), *out = BIO_new(BIO_s_mem());
    EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
    char word[] = "password", *text = NULL;

    (void)state;
    assert_non_null(key);
    assert_int_equal(
        PEM_write_bio_PKCS8PrivateKey(out, key, EVP_aes_256_cbc(), word, 8, NULL, NULL), 1);
    long n = BIO_get_mem_data(out, &text);
    refuses(buf_span(&id.certificate_pem), span_of(text, (size_t)n), PT_EPARSE, "password");
    EVP_PKEY_free(key);
    BIO_free(in);
    BIO_free(out);
    tls_identity_free(&id);
}

static void dates_count(void **state)
{
    struct tls_certificate c = {.not_before_s = NOW, .not_after_s = NOW + 100};
    struct pt_err err = {0};

    (void)state;
    assert_int_equal(tls_certificate_in_date(&c, NOW, &err), PT_OK);
    assert_int_equal(tls_certificate_in_date(&c, NOW + 100, &err), PT_OK);
    assert_int_equal(tls_certificate_in_date(&c, NOW - 1, &err), PT_EDENIED);
    assert_non_null(strstr(err.msg, "not valid before 2027-01-15 08:00 UTC"));
    assert_int_equal(tls_certificate_in_date(&c, NOW + 101, &err), PT_EDENIED);
    assert_non_null(strstr(err.msg, "expired on 2027-01-15 08:01 UTC"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_what_was_asked),
        cmocka_unit_test(fingerprint_is_sha256_of_der),
        cmocka_unit_test(two_identities_differ),
        cmocka_unit_test(unusable_subjects_are_refused),
        cmocka_unit_test(loads_what_it_made),
        cmocka_unit_test(bad_pairs_are_refused),
        cmocka_unit_test(a_password_is_never_asked_for),
        cmocka_unit_test(dates_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
