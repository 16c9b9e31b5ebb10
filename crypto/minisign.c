#include "crypto/minisign.h"

#include <sodium.h>

#include "crypto/base/ct.h"
#include "crypto/base/text.h"

/* The file formats are minisign 0.11's; two- and eight-byte numbers are little endian.
 *   public     "Ed" id[8] key[32]
 *   secret     "Ed" kdf[2] "B2" salt[32] opslimit[8] memlimit[8] then id[8] key[64] checksum[32],
 *              these 104 bytes XORed with scrypt's output when kdf is "Sc", plain when it is zero
 *   signature  "Ed"|"ED" id[8] signature[64], the trusted comment, and a second signature over
 *              the first and the comment */
enum {
    PUBLIC_BYTES = 42,
    SECRET_BYTES = 158,
    HEAD_BYTES = 54,
    BODY_BYTES = 104,
    SIGNATURE_BYTES = 74,
    BASE64_MAX = 220,
    COMMENT_MAX = 1024,
    /* What we write: N = 2^18, r = 8, p = 1, twice the memory that OWASP asks for; a second on a
     * small machine. minisign writes four times that and reads both. */
    OPS_WRITTEN = 1 << 23,
    MEMORY_WRITTEN = 1 << 28,
};
#define COMMENT_UNTRUSTED "untrusted comment: "
#define COMMENT_TRUSTED   "trusted comment: "

struct secret_text { /* a secret key in Base64 */
    char b[BASE64_MAX];
};
PT_SECRET_TYPE(secret_text);
struct secret_body { /* id, key, checksum; or the stream that hides them */
    uint8_t b[BODY_BYTES];
};
PT_SECRET_TYPE(secret_body);
struct secret_bytes { /* a whole secret key file, decoded */
    uint8_t b[SECRET_BYTES];
};
PT_SECRET_TYPE(secret_bytes);

static const uint8_t PREHASHED[2] = {'E', 'D'};
static const uint8_t WHOLE[2] = {'E', 'd'};
static const uint8_t SCRYPT[2] = {'S', 'c'};
static const uint8_t BLAKE2B[2] = {'B', '2'};

/* One line without its end, LF or CR LF; the rest stays in *s. */
static struct span next_line(struct span *s)
{
    bool found;
    struct span line = text_cut(s, '\n', &found);

    if (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

static bool take_prefix(struct span *s, const char *prefix)
{
    struct span want = span_z(prefix);

    if (s->n < want.n || !span_eq_vartime(span_of(s->p, want.n), want))
        return false;
    *s = span_of(s->p + want.n, s->n - want.n);
    return true;
}

/* Exactly n bytes; libsodium's decoder does not branch on what it decodes, but takes bytes above 127
 * for digits: so what was read must print to the same characters. */
static bool from_base64(uint8_t *out, size_t n, struct span text)
{
    PT_WIPED(secret_text) again = {{0}};
    size_t got = 0;
    const char *end = NULL;

    if (text.n == 0 || text.n >= sizeof again.b ||
        sodium_base642bin(out, n, (const char *)text.p, text.n, NULL, &got, &end,
                          sodium_base64_VARIANT_ORIGINAL) != 0 ||
        got != n || end != (const char *)text.p + text.n)
        return false;
    sodium_bin2base64(again.b, sizeof again.b, out, n, sodium_base64_VARIANT_ORIGINAL);
    return ct_equal(again.b, text.p, text.n);
}

static void to_base64(char *out, size_t cap, const uint8_t *p, size_t n)
{
    sodium_bin2base64(out, cap, p, n, sodium_base64_VARIANT_ORIGINAL);
}

enum pt_code minisign_public_parse(struct minisign_public *out, struct span base64,
                                   struct pt_err *err)
{
    uint8_t raw[PUBLIC_BYTES] = {0};

    *out = (struct minisign_public){0};
    if (!from_base64(raw, sizeof raw, text_trim(base64)) ||
        !span_eq_vartime(span_of(raw, 2), span_of(WHOLE, 2)))
        return pt_fail(err, PT_EPARSE,
                       "not a minisign public key: expected the %d characters that begin with RW",
                       MINISIGN_PUBLIC_TEXT);
    memcpy(out->id, raw + 2, sizeof out->id);
    memcpy(out->key, raw + 10, sizeof out->key);
    return PT_OK;
}

void minisign_public_print(char out[MINISIGN_PUBLIC_TEXT + 1], const struct minisign_public *k)
{
    uint8_t raw[PUBLIC_BYTES] = {'E', 'd'};

    memcpy(raw + 2, k->id, sizeof k->id);
    memcpy(raw + 10, k->key, sizeof k->key);
    to_base64(out, MINISIGN_PUBLIC_TEXT + 1, raw, sizeof raw);
}

void minisign_key_random(struct minisign_key *out)
{
    uint8_t unused[crypto_sign_PUBLICKEYBYTES];

    randombytes_buf(out->id, sizeof out->id);
    crypto_sign_keypair(unused, out->key);
}

void minisign_key_public(struct minisign_public *out, const struct minisign_key *k)
{
    memcpy(out->id, k->id, sizeof out->id);
    crypto_sign_ed25519_sk_to_pk(out->key, k->key);
}

/* BLAKE2b-256("Ed", id, key): tells a wrong password from a right one. */
static void checksum(uint8_t out[32], const struct secret_body *body)
{
    crypto_generichash_state h;

    crypto_generichash_init(&h, NULL, 0, 32);
    crypto_generichash_update(&h, WHOLE, sizeof WHOLE);
    crypto_generichash_update(&h, body->b, BODY_BYTES - 32);
    crypto_generichash_final(&h, out, 32);
    explicit_bzero(&h, sizeof h);
}

/* body ^= scrypt(password; salt and limits of head). False: not enough memory. */
static bool mask_body(struct secret_body *body, const uint8_t head[HEAD_BYTES],
                      struct span password)
{
    PT_WIPED(secret_body) stream = {0};
    uint64_t ops = load_u64le(head + 38);
    uint64_t bytes = load_u64le(head + 46);

    if (crypto_pwhash_scryptsalsa208sha256(stream.b, sizeof stream.b, (const char *)password.p,
                                           password.n, head + 6, ops, (size_t)bytes) != 0)
        return false;
    for (size_t i = 0; i < sizeof body->b; i++)
        body->b[i] ^= stream.b[i];
    return true;
}

enum pt_code minisign_key_print(struct buf *out, const struct minisign_key *k, struct span password,
                                struct pt_err *err)
{
    PT_WIPED(secret_body) body = {0};
    PT_WIPED(secret_bytes) all = {0};
    PT_WIPED(secret_text) text = {{0}};

    *out = (struct buf){0};
    memcpy(body.b, k->id, sizeof k->id);
    memcpy(body.b + 8, k->key, sizeof k->key);
    memcpy(all.b, WHOLE, 2);
    memcpy(all.b + 4, BLAKE2B, 2);
    if (password.n > 0) {
        checksum(body.b + 72, &body);
        memcpy(all.b + 2, SCRYPT, 2);
        randombytes_buf(all.b + 6, 32);
        store_u64le(all.b + 38, OPS_WRITTEN);
        store_u64le(all.b + 46, MEMORY_WRITTEN);
        if (!mask_body(&body, all.b, password))
            return pt_fail(
                err, PT_ENOMEM,
                "encrypting the officer key takes 256 MiB of memory, which are not free");
    }
    memcpy(all.b + HEAD_BYTES, body.b, sizeof body.b);
    to_base64(text.b, sizeof text.b, all.b, sizeof all.b);
    if (!buf_printf(out, COMMENT_UNTRUSTED "minisign %ssecret key\n%s\n",
                    password.n > 0 ? "encrypted " : "", text.b)) {
        buf_free(out);
        return pt_fail(err, PT_ENOMEM, "no memory to print the officer key");
    }
    return PT_OK;
}

/* The 158 bytes of a secret key file. */
static bool decode_key(struct secret_bytes *out, struct span text)
{
    struct span comment = next_line(&text);
    struct span base64 = next_line(&text);

    return text.n == 0 && take_prefix(&comment, COMMENT_UNTRUSTED) &&
           from_base64(out->b, sizeof out->b, base64) &&
           span_eq_vartime(span_of(out->b, 2), span_of(WHOLE, 2)) &&
           span_eq_vartime(span_of(out->b + 4, 2), span_of(BLAKE2B, 2));
}

static bool is_scrypt(const struct secret_bytes *all)
{
    return span_eq_vartime(span_of(all->b + 2, 2), span_of(SCRYPT, 2));
}

bool minisign_key_is_encrypted(struct span text)
{
    PT_WIPED(secret_bytes) all = {0};

    return text.n <= MINISIGN_TEXT_MAX && decode_key(&all, text) && is_scrypt(&all);
}

/* Take off the password. */
static enum pt_code open_body(struct secret_body *body, const struct secret_bytes *all,
                              struct span password, struct pt_err *err)
{
    uint8_t want[32];

    memcpy(body->b, all->b + HEAD_BYTES, sizeof body->b);
    if (!is_scrypt(all))
        return PT_OK;
    if (password.n == 0)
        return pt_fail(err, PT_EDENIED, "the officer key is encrypted: give its password");
    /* The limits come from the file: more than minisign itself writes would be an attack. */
    if (load_u64le(all->b + 38) > crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_SENSITIVE ||
        load_u64le(all->b + 46) > crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_SENSITIVE)
        return pt_fail(err, PT_ELIMIT,
                       "the officer key asks for more work than minisign ever writes; refused");
    if (!mask_body(body, all->b, password))
        return pt_fail(err, PT_ENOMEM, "not enough memory to decrypt the officer key");
    checksum(want, body);
    if (!ct_equal(want, body->b + 72, sizeof want))
        return pt_fail(err, PT_EDENIED, "wrong password for the officer key");
    return PT_OK;
}

enum pt_code minisign_key_parse(struct minisign_key *out, struct span text, struct span password,
                                struct pt_err *err)
{
    static const uint8_t plain[2];
    PT_WIPED(secret_bytes) all = {0};
    PT_WIPED(secret_body) body = {0};
    PT_WIPED(minisign_key) again = {0};
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES];
    enum pt_code rc;

    *out = (struct minisign_key){0};
    if (text.n > MINISIGN_TEXT_MAX || !decode_key(&all, text) ||
        (!is_scrypt(&all) && !span_eq_vartime(span_of(all.b + 2, 2), span_of(plain, 2))))
        return pt_fail(err, PT_EPARSE,
                       "not a minisign secret key; `patto officer-key` or `minisign -G` make one");
    if ((rc = open_body(&body, &all, password, err)) != PT_OK)
        return rc;
    /* An unencrypted file carries no checksum: that both halves of the key agree is one. */
    crypto_sign_seed_keypair(public_key, again.key, body.b + 8);
    if (!ct_equal(again.key, body.b + 8, sizeof again.key))
        return pt_fail(err, PT_EPARSE, "the secret key is damaged: its halves do not agree");
    memcpy(out->id, body.b, sizeof out->id);
    memcpy(out->key, body.b + 8, sizeof out->key);
    return PT_OK;
}

/* The second signature covers the first and the trusted comment. */
static bool global_message(struct buf *out, const uint8_t signature[64], struct span comment)
{
    return buf_add(out, signature, 64) && buf_add(out, comment.p, comment.n);
}

static bool is_comment(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7F) /* minisign itself writes tabs */
            return false;
    return s.n <= COMMENT_MAX;
}

enum pt_code minisign_sign(struct buf *out, const struct minisign_key *k, struct span message,
                           const char *trusted_comment, struct pt_err *err)
{
    uint8_t raw[SIGNATURE_BYTES];
    uint8_t hash[64];
    uint8_t global[64];
    char line[2][BASE64_MAX];
    struct buf m = {0};
    bool done;

    *out = (struct buf){0};
    if (!is_comment(span_z(trusted_comment)))
        return pt_fail(err, PT_EUSAGE, "a trusted comment is one line of at most %d bytes",
                       COMMENT_MAX);
    crypto_generichash(hash, sizeof hash, message.p, message.n, NULL, 0);
    memcpy(raw, PREHASHED, 2);
    memcpy(raw + 2, k->id, sizeof k->id);
    crypto_sign_detached(raw + 10, NULL, hash, sizeof hash, k->key);
    done = global_message(&m, raw + 10, span_z(trusted_comment));
    if (done) {
        crypto_sign_detached(global, NULL, m.p, m.n, k->key);
        to_base64(line[0], sizeof line[0], raw, sizeof raw);
        to_base64(line[1], sizeof line[1], global, sizeof global);
        done = buf_printf(out,
                          COMMENT_UNTRUSTED "signature from patto\n%s\n" COMMENT_TRUSTED "%s\n%s\n",
                          line[0], trusted_comment, line[1]);
    }
    buf_free(&m);
    return done ? PT_OK : pt_fail(err, PT_ENOMEM, "no memory to print a signature");
}

struct parts { /* of a signature file */
    uint8_t raw[SIGNATURE_BYTES];
    struct span comment;
    uint8_t global[64];
};

static bool decode_signature(struct parts *out, struct span text)
{
    struct span untrusted = next_line(&text);
    struct span signature = next_line(&text);
    struct span comment = next_line(&text);
    struct span global = next_line(&text);

    if (text.n != 0 || !take_prefix(&untrusted, COMMENT_UNTRUSTED) ||
        !take_prefix(&comment, COMMENT_TRUSTED) ||
        !from_base64(out->raw, sizeof out->raw, signature) ||
        !from_base64(out->global, sizeof out->global, global))
        return false;
    out->comment = comment;
    return span_eq_vartime(span_of(out->raw, 2), span_of(PREHASHED, 2)) ||
           span_eq_vartime(span_of(out->raw, 2), span_of(WHOLE, 2));
}

static bool first_is_good(const struct parts *parts, const struct minisign_public *k,
                          struct span message)
{
    uint8_t hash[64];

    if (span_eq_vartime(span_of(parts->raw, 2), span_of(WHOLE, 2)))
        return crypto_sign_verify_detached(parts->raw + 10, message.p, message.n, k->key) == 0;
    crypto_generichash(hash, sizeof hash, message.p, message.n, NULL, 0);
    return crypto_sign_verify_detached(parts->raw + 10, hash, sizeof hash, k->key) == 0;
}

enum pt_code minisign_verify(const struct minisign_public *k, struct span message,
                             struct span signature_text, struct pt_err *err)
{
    struct parts parts = {0};
    struct buf m = {0};

    if (signature_text.n > MINISIGN_TEXT_MAX || !decode_signature(&parts, signature_text))
        return pt_fail(err, PT_EPARSE, "not a minisign signature file");
    if (!span_eq_vartime(span_of(parts.raw + 2, 8), span_of(k->id, sizeof k->id)))
        return pt_fail(err, PT_EDENIED, "signed with another key than this officer's");
    if (!first_is_good(&parts, k, message))
        return pt_fail(err, PT_EDENIED, "the signature does not belong to these bytes");
    if (!global_message(&m, parts.raw + 10, parts.comment)) {
        buf_free(&m);
        return pt_fail(err, PT_ENOMEM, "no memory to check a signature");
    }
    bool good = crypto_sign_verify_detached(parts.global, m.p, m.n, k->key) == 0;
    buf_free(&m);
    return good ? PT_OK : pt_fail(err, PT_EDENIED, "the trusted comment was changed after signing");
}
