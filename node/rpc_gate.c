#include <stdlib.h>
#include <time.h>

#include <grpc/support/alloc.h>
#include <grpc/support/string_util.h>

#include "crypto/base/text.h"
#include "node/rpc_internal.h"

struct rpc_gate *rpc_gate_new(void)
{
    struct rpc_gate *g = calloc(1, sizeof *g);

    if (!g)
        return NULL;
    atomic_init(&g->refs, 1);
    pthread_mutex_init(&g->lock, NULL);
    pthread_mutex_init(&g->notify_lock, NULL);
    return g;
}

void rpc_gate_unref(struct rpc_gate *g)
{
    if (!g || atomic_fetch_sub(&g->refs, 1) != 1)
        return;
    pthread_mutex_destroy(&g->lock);
    pthread_mutex_destroy(&g->notify_lock);
    free(g);
}

enum pt_code rpc_gate_set_pins(struct rpc_gate *g, const struct rpc_pin *pins, size_t pin_count,
                               struct pt_err *err)
{
    if (pin_count > RPC_PINS_MAX)
        return pt_fail(err, PT_ELIMIT, "RPC: %zu pinned certificates, at most %d", pin_count,
                       RPC_PINS_MAX);
    pthread_mutex_lock(&g->lock);
    memset(g->pins, 0, sizeof g->pins);
    if (pin_count > 0)
        memcpy(g->pins, pins, pin_count * sizeof *pins);
    g->pin_count = pin_count;
    pthread_mutex_unlock(&g->lock);
    return PT_OK;
}

static uint64_t *counter(struct rpc_gate *g, enum rpc_refusal_kind kind)
{
    switch (kind) {
    case RPC_REFUSED_CERTIFICATE:
        return &g->counts.refused_certificates;
    case RPC_REFUSED_TOKEN:
        return &g->counts.refused_tokens;
    case RPC_REFUSED_BUSY:
    default:
        return &g->counts.refused_busy;
    }
}

void rpc_gate_refuse(struct rpc_gate *g, enum rpc_refusal_kind kind,
                     const struct digest *certificate, const char *reason)
{
    struct rpc_refusal r = {.kind = kind, .reason = reason};

    if (certificate)
        r.certificate = *certificate;
    pthread_mutex_lock(&g->lock);
    ++*counter(g, kind);
    (void)snprintf(g->refused, sizeof g->refused, "%s", reason);
    pthread_mutex_unlock(&g->lock);
    pthread_mutex_lock(&g->notify_lock);
    if (g->on_refusal)
        g->on_refusal(g->on_refusal_arg, &r);
    pthread_mutex_unlock(&g->notify_lock);
}

static bool pinned(struct rpc_pin *out, struct rpc_gate *g, const struct digest *certificate)
{
    bool found = false;

    pthread_mutex_lock(&g->lock);
    for (size_t i = 0; i < g->pin_count && !found; i++) {
        /* Fingerprints are public: they stand in the policy. */
        found = memcmp(g->pins[i].certificate.b, certificate->b, sizeof certificate->b) == 0;
        if (found)
            *out = g->pins[i];
    }
    if (found)
        g->refused[0] = 0;
    pthread_mutex_unlock(&g->lock);
    return found;
}

enum pt_code rpc_gate_admit(struct rpc_pin *out, struct rpc_gate *g, struct span pem,
                            struct pt_err *err)
{
    struct tls_certificate c;
    char hex[2 * sizeof c.fingerprint.b + 1];
    enum pt_code rc;

    *out = (struct rpc_pin){0};
    if ((rc = tls_certificate_read(&c, pem, err)) != PT_OK)
        goto refuse;
    text_hex(hex, c.fingerprint.b, sizeof c.fingerprint.b);
    if (!pinned(out, g, &c.fingerprint)) {
        rc = pt_fail(err, PT_EDENIED, "certificate sha256:%s is not in the policy", hex);
        goto refuse;
    }
    if ((rc = tls_certificate_in_date(&c, (int64_t)time(NULL), err)) == PT_OK)
        return PT_OK;
refuse:
    *out = (struct rpc_pin){0};
    rpc_gate_refuse(g, RPC_REFUSED_CERTIFICATE, &c.fingerprint, err->msg);
    return rc;
}

/* --- the handshake's question, asked by gRPC on its own threads --- */

struct verifier {
    grpc_tls_certificate_verifier_external external;
    struct rpc_gate *gate;
};

/* TLS has by now proven that the peer holds the certificate's key; whose it is, is asked here. */
static int verify(void *data, grpc_tls_custom_verification_check_request *request,
                  grpc_tls_on_custom_verification_check_done_cb callback, void *callback_arg,
                  grpc_status_code *status, char **detail)
{
    struct verifier *v = data;
    const char *pem = request->peer_info.peer_cert;
    struct rpc_pin pin;
    struct pt_err err = {0};

    (void)callback; /* we answer at once */
    (void)callback_arg;
    *status = GRPC_STATUS_UNAUTHENTICATED; /* until the gate says otherwise */
    *detail = NULL;
    if (rpc_gate_admit(&pin, v->gate, span_z(pem ? pem : ""), &err) == PT_OK)
        *status = GRPC_STATUS_OK;
    else
        *detail = gpr_strdup(err.msg);
    return 1;
}

static void verify_cancel(void *data, grpc_tls_custom_verification_check_request *request)
{
    (void)data;
    (void)request;
}

static void verify_destruct(void *data)
{
    struct verifier *v = data;

    rpc_gate_unref(v->gate);
    free(v);
}

static grpc_tls_credentials_options *options_for(struct rpc_gate *g, const struct tls_identity *id)
{
    struct verifier *v = calloc(1, sizeof *v);

    if (!v)
        return NULL;
    atomic_fetch_add(&g->refs, 1);
    *v = (struct verifier){.external = {v, verify, verify_cancel, verify_destruct}, .gate = g};
    grpc_tls_identity_pairs *pairs = grpc_tls_identity_pairs_create();
    grpc_tls_identity_pairs_add_pair(pairs, (const char *)id->key_pem.p,
                                     (const char *)id->certificate_pem.p);
    grpc_tls_certificate_provider *provider =
        grpc_tls_certificate_provider_static_data_create(NULL, pairs); /* takes pairs */
    grpc_tls_certificate_verifier *verifier =
        grpc_tls_certificate_verifier_external_create(&v->external);
    grpc_tls_credentials_options *options = grpc_tls_credentials_options_create();
    grpc_tls_credentials_options_set_certificate_provider(options, provider);
    grpc_tls_credentials_options_watch_identity_key_cert_pairs(options);
    grpc_tls_credentials_options_set_certificate_verifier(options, verifier);
    grpc_tls_certificate_provider_release(provider);
    grpc_tls_certificate_verifier_release(verifier);
    return options;
}

grpc_server_credentials *rpc_gate_server_credentials(struct rpc_gate *g,
                                                     const struct tls_identity *id)
{
    grpc_tls_credentials_options *options = options_for(g, id);

    if (!options)
        return NULL;
    /* "Don't verify" means no chain to an authority: the certificate and the proof of its key
     * are still required, and the gate compares the fingerprint. */
    grpc_tls_credentials_options_set_cert_request_type(
        options, GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_BUT_DONT_VERIFY);
    return grpc_tls_server_credentials_create(options); /* takes options */
}

grpc_channel_credentials *rpc_gate_channel_credentials(struct rpc_gate *g,
                                                       const struct tls_identity *id)
{
    grpc_tls_credentials_options *options = options_for(g, id);

    if (!options)
        return NULL;
    /* Neither authority nor host name: the pin says more than both. */
    grpc_tls_credentials_options_set_verify_server_cert(options, 0);
    grpc_tls_credentials_options_set_check_call_host(options, 0);
    return grpc_tls_credentials_create(options); /* takes options */
}
