#include "node/tls.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

enum { CLOCK_SLACK_S = 3600, DAY_S = 86400 };

/* A PEM text that asks for a password is refused; OpenSSL would otherwise ask the terminal. */
static int no_password(char *text, int size, int writing, void *arg)
{
    if (size > 0)
        text[0] = 0;
    (void)writing;
    (void)arg;
    return -1;
}

static X509 *certificate_of(struct span pem)
{
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    X509 *x = bio ? PEM_read_bio_X509(bio, NULL, no_password, NULL) : NULL;

    BIO_free(bio);
    return x;
}

static EVP_PKEY *key_of(struct span pem)
{
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;

    BIO_free(bio);
    return key;
}

static bool digest_of(struct digest *out, const X509 *x)
{
    unsigned n = 0;

    *out = (struct digest){0};
    return X509_digest(x, EVP_sha256(), out->b, &n) == 1 && n == sizeof out->b;
}

static bool seconds_of(int64_t *out, const ASN1_TIME *t)
{
    struct tm tm;

    if (ASN1_TIME_to_tm(t, &tm) != 1)
        return false;
    *out = (int64_t)timegm(&tm);
    return true;
}

enum pt_code tls_certificate_read(struct tls_certificate *out, struct span pem, struct pt_err *err)
{
    *out = (struct tls_certificate){0};
    if (pem.n == 0 || pem.n > TLS_PEM_MAX)
        return pt_fail(err, PT_ELIMIT, "certificate: %zu bytes of PEM, must be 1..%d", pem.n,
                       TLS_PEM_MAX);
    struct tls_certificate read = {0};
    /* This runs on gRPC's threads too, whose TLS code would take an error left in OpenSSL's
     * queue for one of another connection. */
    ERR_set_mark();
    X509 *x = certificate_of(pem);
    bool good = x && digest_of(&read.fingerprint, x) &&
                seconds_of(&read.not_before_s, X509_get0_notBefore(x)) &&
                seconds_of(&read.not_after_s, X509_get0_notAfter(x));

    X509_free(x);
    ERR_pop_to_mark();
    if (!good)
        return pt_fail(err, PT_EPARSE, "certificate: not a PEM text of an X.509 certificate");
    *out = read;
    return PT_OK;
}

enum pt_code tls_certificate_in_date(const struct tls_certificate *c, int64_t now_s,
                                     struct pt_err *err)
{
    bool early = now_s < c->not_before_s;
    time_t edge = (time_t)(early ? c->not_before_s : c->not_after_s);
    char date[32] = "an unknown date";
    struct tm tm;

    if (!early && now_s <= c->not_after_s)
        return PT_OK;
    if (gmtime_r(&edge, &tm))
        (void)strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", &tm);
    return pt_fail(err, PT_EDENIED,
                   early ? "certificate: not valid before %s; is a clock wrong?"
                         : "certificate: expired on %s; its owner makes a new one, and a new "
                           "policy version pins it",
                   date);
}

static bool name_usable(const char *name)
{
    size_t n = strlen(name);

    return n > 0 && n <= TLS_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") == n && name[0] != '-';
}

/* Strict, because the text goes into OpenSSL's little extension language. */
static bool host_usable(const char *host)
{
    size_t n = strlen(host);

    return n > 0 && n <= TLS_HOST_MAX &&
           strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") == n;
}

static enum pt_code alternative_names(char out[512], const struct tls_subject *who,
                                      struct pt_err *err)
{
    const char *host = who->host ? who->host : "";
    struct in6_addr any;
    const char *kind = NULL;

    if (!name_usable(who->name))
        return pt_fail(err, PT_EUSAGE,
                       "certificate: a node's name is 1..%d of a-z, 0-9, '-' and '_'",
                       TLS_NAME_MAX);
    if (inet_pton(AF_INET, host, &any) == 1 || inet_pton(AF_INET6, host, &any) == 1)
        kind = "IP";
    else if (host_usable(host))
        kind = "DNS";
    else if (*host)
        return pt_fail(err, PT_EUSAGE, "certificate: '%.64s' is neither a host name nor an address",
                       host);
    /* All interfaces is no name that anyone could connect to. */
    if (kind && strcmp(host, "0.0.0.0") != 0 && strcmp(host, "::") != 0)
        (void)snprintf(out, 512, "DNS:%s.patto.internal,%s:%s", who->name, kind, host);
    else
        (void)snprintf(out, 512, "DNS:%s.patto.internal", who->name);
    return PT_OK;
}

static bool extend(X509 *x, int nid, const char *value)
{
    X509V3_CTX context;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, x, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool good = e && X509_add_ext(x, e, -1) == 1;

    X509_EXTENSION_free(e);
    return good;
}

static bool number(X509 *x)
{
    uint8_t b[16];
    BIGNUM *serial = NULL;
    bool good = false;

    if (RAND_bytes(b, sizeof b) != 1)
        return false;
    b[0] &= 0x7f; /* serial numbers are positive */
    serial = BN_bin2bn(b, sizeof b, NULL);
    good = serial && BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(x));
    BN_free(serial);
    return good;
}

static X509 *self_signed(EVP_PKEY *key, const struct tls_subject *who, const char *names)
{
    uint32_t days = who->days ? who->days : TLS_DAYS_DEFAULT;
    time_t from = (time_t)(who->now_s - CLOCK_SLACK_S);
    X509 *x = X509_new();
    X509_NAME *subject = x ? X509_get_subject_name(x) : NULL;

    if (!x || X509_set_version(x, X509_VERSION_3) != 1 || !number(x) ||
        !ASN1_TIME_set(X509_getm_notBefore(x), from) ||
        !ASN1_TIME_adj(X509_getm_notAfter(x), from, (int)days, CLOCK_SLACK_S) ||
        X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_ASC, (const uint8_t *)"patto", -1, -1,
                                   0) != 1 ||
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const uint8_t *)who->name, -1, -1,
                                   0) != 1 ||
        X509_set_issuer_name(x, subject) != 1 || X509_set_pubkey(x, key) != 1 ||
        !extend(x, NID_basic_constraints, "critical,CA:FALSE") ||
        !extend(x, NID_key_usage, "critical,digitalSignature") ||
        !extend(x, NID_ext_key_usage, "serverAuth,clientAuth") ||
        !extend(x, NID_subject_alt_name, names) || X509_sign(x, key, EVP_sha256()) == 0) {
        X509_free(x);
        return NULL;
    }
    return x;
}

/* The BIO's own memory is wiped by OpenSSL when freed; ours by buf_free(). */
static bool take_text(struct buf *out, BIO *bio)
{
    char *text = NULL;
    long n = BIO_get_mem_data(bio, &text);

    if (n <= 0 || !buf_add(out, text, (size_t)n) || !buf_u8(out, 0))
        return false;
    out->n--; /* gRPC's door wants NUL-terminated PEM */
    return true;
}

static bool write_pem(struct tls_identity *out, const X509 *x, const EVP_PKEY *key)
{
    BIO *public = BIO_new(BIO_s_mem());
    BIO *secret = BIO_new(BIO_s_secmem());
    bool good = public && secret && PEM_write_bio_X509(public, x) == 1 &&
                PEM_write_bio_PKCS8PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL) == 1 &&
                take_text(&out->certificate_pem, public) && take_text(&out->key_pem, secret);

    BIO_free(public);
    BIO_free(secret);
    return good;
}

enum pt_code tls_identity_new(struct tls_identity *out, const struct tls_subject *who,
                              struct pt_err *err)
{
    EVP_PKEY *key = NULL;
    X509 *x = NULL;
    char names[512];
    enum pt_code rc;

    *out = (struct tls_identity){0};
    if ((rc = alternative_names(names, who, err)) != PT_OK)
        return rc;
    if (who->days > TLS_DAYS_MAX)
        return pt_fail(err, PT_ELIMIT, "certificate: %" PRIu32 " days, at most %d", who->days,
                       TLS_DAYS_MAX);
    rc = PT_EBUG;
    if ((key = EVP_EC_gen("P-256")) && (x = self_signed(key, who, names)) &&
        write_pem(out, x, key) && digest_of(&out->fingerprint, x))
        rc = PT_OK;
    X509_free(x);
    EVP_PKEY_free(key);
    if (rc == PT_OK)
        return PT_OK;
    tls_identity_free(out);
    return pt_fail(err, rc, "certificate: OpenSSL could not make one; is memory exhausted?");
}

static bool copy_text(struct buf *out, struct span pem)
{
    if (!buf_add(out, pem.p, pem.n) || !buf_u8(out, 0))
        return false;
    out->n--;
    return true;
}

enum pt_code tls_identity_load(struct tls_identity *out, struct span certificate_pem,
                               struct span key_pem, struct pt_err *err)
{
    struct tls_certificate read;
    enum pt_code rc;

    *out = (struct tls_identity){0};
    if ((rc = tls_certificate_read(&read, certificate_pem, err)) != PT_OK)
        return rc;
    if (key_pem.n == 0 || key_pem.n > TLS_PEM_MAX)
        return pt_fail(err, PT_ELIMIT, "TLS key: %zu bytes of PEM, must be 1..%d", key_pem.n,
                       TLS_PEM_MAX);
    /* A NUL would cut the text short where gRPC reads it, and only there. */
    if (memchr(certificate_pem.p, 0, certificate_pem.n) || memchr(key_pem.p, 0, key_pem.n))
        return pt_fail(err, PT_EPARSE, "certificate or TLS key: a zero byte in the PEM text");
    ERR_set_mark();
    X509 *x = certificate_of(certificate_pem);
    EVP_PKEY *key = key_of(key_pem);
    bool readable = x && key;
    bool match = readable && X509_check_private_key(x, key) == 1;

    X509_free(x);
    EVP_PKEY_free(key);
    ERR_pop_to_mark();
    if (!readable)
        return pt_fail(err, PT_EPARSE,
                       "TLS key: not a PEM text of a private key without a password");
    if (!match)
        return pt_fail(err, PT_EPARSE,
                       "TLS key: belongs to another certificate; restore the pair that "
                       "`patto init` made");
    if (!copy_text(&out->certificate_pem, certificate_pem) || !copy_text(&out->key_pem, key_pem)) {
        tls_identity_free(out);
        return pt_fail(err, PT_ENOMEM, "certificate: out of memory");
    }
    out->fingerprint = read.fingerprint;
    return PT_OK;
}

void tls_identity_free(struct tls_identity *id)
{
    buf_free(&id->certificate_pem);
    buf_free(&id->key_pem);
    *id = (struct tls_identity){0};
}
