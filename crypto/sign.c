#include "crypto/sign.h"

#include <sodium.h>
#include <stdlib.h>

void sign_key_random(struct sign_key *out)
{
    struct sign_public unused;

    crypto_sign_keypair(unused.b, out->b);
}

void sign_key_public(struct sign_public *out, const struct sign_key *k)
{
    crypto_sign_ed25519_sk_to_pk(out->b, k->b);
}

/* fields(label, body). Without memory there is no message to sign and nothing to go on with. */
static void message(struct buf *out, const char *label, struct span body)
{
    if (!buf_field(out, span_z(label)) || !buf_field(out, body))
        abort();
}

void sign_make(struct signature *out, const struct sign_key *k, const char *label, struct span body)
{
    struct buf m = {0};

    message(&m, label, body);
    crypto_sign_detached(out->b, NULL, m.p, m.n, k->b);
    buf_free(&m);
}

bool sign_check(const struct signature *s, const struct sign_public *k, const char *label,
                struct span body)
{
    struct buf m = {0};

    message(&m, label, body);
    /* libsodium refuses non-canonical S, non-canonical and small-order points. */
    bool good = crypto_sign_verify_detached(s->b, m.p, m.n, k->b) == 0;
    buf_free(&m);
    return good;
}
