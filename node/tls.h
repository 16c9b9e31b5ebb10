/* tls.h - the certificate by which partners know this node, and how it is compared.
 *
 * A node makes one self-signed certificate; the signed policy carries the SHA-256 of its DER and
 * nothing else (PROTOCOL.md 7), so there is no authority, no chain and no revocation list. Its
 * dates still count: an expired one is refused on both sides, and is replaced by a new policy
 * version. PEM text in and out; no files, no sockets, no clock of its own. */
#ifndef PT_TLS_H
#define PT_TLS_H

#include "crypto/prf.h"

enum {
    TLS_PEM_MAX = 16 << 10, /* bytes of one PEM text accepted */
    TLS_DAYS_DEFAULT = 3650,
    TLS_DAYS_MAX = 36500,
    TLS_NAME_MAX = 63, /* a DNS label */
    TLS_HOST_MAX = 253,
};

/* Our certificate and its key. Free with tls_identity_free(). */
struct tls_identity {
    struct buf certificate_pem; /* public, NUL-terminated beyond n */
    struct buf key_pem;         /* secret, PKCS #8; NUL-terminated beyond n */
    struct digest fingerprint;  /* SHA-256 of the certificate's DER */
};

/* What a certificate says of itself. */
struct tls_certificate {
    struct digest fingerprint;
    int64_t not_before_s, not_after_s; /* seconds since 1970, UTC */
};

struct tls_subject {
    const char *name; /* the node's: becomes DNS:<name>.patto.internal */
    const char *host; /* where it listens, DNS name or IP address; NULL or "" for none */
    int64_t now_s;    /* validity starts an hour before, for clocks that differ */
    uint32_t days;    /* 0: TLS_DAYS_DEFAULT */
};

/* A fresh P-256 key and a self-signed certificate over it.
 * Fails: PT_EUSAGE (name or host unusable), PT_ELIMIT (days), PT_EBUG (OpenSSL refused). */
PT_MUST_USE enum pt_code tls_identity_new(struct tls_identity *out, const struct tls_subject *who,
                                          struct pt_err *err);
/* From the PEM texts that were saved: parses both and checks that they belong together.
 * Fails: PT_EPARSE (not PEM, or key and certificate differ), PT_ELIMIT, PT_ENOMEM. */
PT_MUST_USE enum pt_code tls_identity_load(struct tls_identity *out, struct span certificate_pem,
                                           struct span key_pem, struct pt_err *err);
void tls_identity_free(struct tls_identity *id);

/* Read one PEM certificate, ours or a peer's. Fails: PT_EPARSE, PT_ELIMIT. */
PT_MUST_USE enum pt_code tls_certificate_read(struct tls_certificate *out, struct span pem,
                                              struct pt_err *err);
/* Is it within its dates at now_s? PT_EDENIED with the date otherwise. */
PT_MUST_USE enum pt_code tls_certificate_in_date(const struct tls_certificate *c, int64_t now_s,
                                                 struct pt_err *err);

#endif
