#include "crypto/note.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>

#include "crypto/base/text.h"
#include "crypto/base64.h"

enum { ID_BYTES = 4, TIME_BYTES = 8, PAYLOAD_BYTES = ID_BYTES + TIME_BYTES + 64 };

static const char DASH[] = "\xe2\x80\x94 "; /* U+2014 and a space */

static enum pt_code no_memory(struct pt_err *err)
{
    return pt_fail(err, PT_ENOMEM, "no memory for a signed note");
}

static bool begins(struct span s, const char *with)
{
    struct span w = span_z(with);

    return s.n >= w.n && span_eq_vartime(span_of(s.p, w.n), w);
}

/* Unicode's White_Space beyond what text_is_hidden() has. */
static bool is_space(uint32_t c)
{
    return c == ' ' || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x202F ||
           c == 0x205F || c == 0x3000;
}

bool note_name_ok(struct span name)
{
    if (name.n == 0 || name.n > NOTE_NAME_MAX)
        return false;
    while (name.n > 0) {
        uint32_t c;
        size_t n = text_utf8(&c, name);
        if (n == 0 || c == '+' || is_space(c) || text_is_hidden(c))
            return false;
        name = span_of(name.p + n, name.n - n);
    }
    return true;
}

/* Lines of UTF-8 without control characters, the last one ended. */
static bool text_ok(struct span text)
{
    if (text.n == 0 || text.n > NOTE_BYTES_MAX || text.p[text.n - 1] != '\n')
        return false;
    while (text.n > 0) {
        uint32_t c;
        size_t n = text_utf8(&c, text);
        if (n == 0 || ((c < 0x20 || c == 0x7F) && c != '\n'))
            return false;
        text = span_of(text.p + n, text.n - n);
    }
    return true;
}

/* ---- keys ---- */

static void key_id(uint8_t out[ID_BYTES], struct span name, enum note_kind kind,
                   const struct sign_public *k)
{
    const uint8_t after_name[] = {'\n', (uint8_t)kind};
    crypto_hash_sha256_state h;
    uint8_t hash[32];

    crypto_hash_sha256_init(&h);
    crypto_hash_sha256_update(&h, name.p, name.n);
    crypto_hash_sha256_update(&h, after_name, sizeof after_name);
    crypto_hash_sha256_update(&h, k->b, sizeof k->b);
    crypto_hash_sha256_final(&h, hash);
    memcpy(out, hash, ID_BYTES);
}

enum pt_code note_key_make(struct note_key *out, struct span name, enum note_kind kind,
                           const struct sign_public *k, struct pt_err *err)
{
    *out = (struct note_key){0};
    if (!note_name_ok(name))
        return pt_fail(err, PT_EPARSE, "a key's name is 1 to %d characters without spaces or '+'",
                       NOTE_NAME_MAX);
    memcpy(out->name, name.p, name.n);
    out->kind = kind;
    out->public_key = *k;
    key_id(out->id, name, kind, k);
    return PT_OK;
}

enum pt_code note_key_parse(struct note_key *out, struct span text, struct pt_err *err)
{
    struct span rest = text;
    bool two;
    bool three;
    struct span name = text_cut(&rest, '+', &two);
    struct span id_text = text_cut(&rest, '+', &three); /* Base64 may hold more of them */
    uint8_t raw[33];
    uint8_t id[ID_BYTES];
    char printed[2 * ID_BYTES + 1];
    struct sign_public k;

    *out = (struct note_key){0};
    if (!two || !three || !note_name_ok(name) || !text_unhex(id, sizeof id, id_text) ||
        !base64_parse_exactly(raw, sizeof raw, rest))
        return pt_fail(err, PT_EPARSE,
                       "not a note's key: expected NAME+8 hexadecimal digits+Base64");
    if (raw[0] != NOTE_ED25519 && raw[0] != NOTE_COSIGNATURE)
        return pt_fail(err, PT_EPARSE, "a note's key of algorithm %u, which is not Ed25519",
                       raw[0]);
    memcpy(k.b, raw + 1, sizeof k.b);
    if (note_key_make(out, name, (enum note_kind)raw[0], &k, err) != PT_OK)
        return err->code;
    text_hex(printed, out->id, sizeof out->id);
    if (text_eq(id_text, printed))
        return PT_OK;
    *out = (struct note_key){0};
    return pt_fail(err, PT_EPARSE, "a note's key whose identifier is not its own: it was changed");
}

enum pt_code note_key_print(struct buf *out, const struct note_key *k, struct pt_err *err)
{
    char id[2 * ID_BYTES + 1];
    uint8_t raw[33] = {(uint8_t)k->kind};

    memcpy(raw + 1, k->public_key.b, sizeof k->public_key.b);
    text_hex(id, k->id, sizeof k->id);
    if (!buf_printf(out, "%s+%s+", k->name, id) || !base64_print(out, span_of(raw, sizeof raw)))
        return no_memory(err);
    return PT_OK;
}

/* ---- reading ---- */

static bool parse_line(struct note_line *out, struct span line)
{
    uint8_t raw[NOTE_SIGNATURE_MAX];
    size_t dash = sizeof DASH - 1;
    bool found;
    size_t n;

    if (!begins(line, DASH))
        return false;
    out->base64 = span_of(line.p + dash, line.n - dash);
    out->name = text_cut(&out->base64, ' ', &found);
    if (!found || !note_name_ok(out->name) || !base64_parse(raw, sizeof raw, &n, out->base64) ||
        n <= ID_BYTES)
        return false;
    memcpy(out->id, raw, ID_BYTES);
    return true;
}

/* Where the last empty line is: the text ends with its first LF, the signatures begin after its
 * second. False: there is none. */
static bool split(struct span *text, struct span *below, struct span bytes)
{
    for (size_t i = bytes.n; i-- > 1;) {
        if (bytes.p[i] == '\n' && bytes.p[i - 1] == '\n') {
            *text = span_of(bytes.p, i);
            *below = span_of(bytes.p + i + 1, bytes.n - i - 1);
            return true;
        }
    }
    return false;
}

enum pt_code note_parse(struct note *out, struct span bytes, struct pt_err *err)
{
    struct span below;
    bool found;

    *out = (struct note){0};
    if (bytes.n > NOTE_BYTES_MAX)
        return pt_fail(err, PT_EPARSE, "a signed note of over %d bytes", NOTE_BYTES_MAX);
    if (!split(&out->text, &below, bytes) || !text_ok(out->text))
        return pt_fail(err, PT_EPARSE,
                       "not a signed note: expected lines of text, an empty line, signatures");
    while (below.n > 0) {
        struct span line = text_cut(&below, '\n', &found);
        if (out->line_count == NOTE_SIGNATURES_MAX)
            return pt_fail(err, PT_EPARSE, "a signed note with over %d signatures",
                           NOTE_SIGNATURES_MAX);
        if (!found || !parse_line(&out->lines[out->line_count], line))
            return pt_fail(err, PT_EPARSE, "signature line %zu of a note is malformed",
                           out->line_count + 1);
        out->line_count++;
    }
    return out->line_count > 0 ? PT_OK : pt_fail(err, PT_EPARSE, "a note without a signature");
}

/* ---- verifying ---- */

/* The message of a cosignature, C2SP tlog-cosignature. */
static bool cosigned_message(struct buf *out, uint64_t time_s, struct span text)
{
    return buf_printf(out, "cosignature/v1\ntime %" PRIu64 "\n", time_s) &&
           buf_add(out, text.p, text.n);
}

static uint64_t load_u64be(const uint8_t *p)
{
    uint64_t v = 0;

    for (size_t i = 0; i < TIME_BYTES; i++)
        v = v << 8 | p[i];
    return v;
}

/* libsodium refuses non-canonical S, non-canonical and small-order points. */
static bool line_verifies(uint64_t *time_s, const struct note_line *line, const struct note_key *k,
                          struct span text)
{
    uint8_t raw[PAYLOAD_BYTES];
    struct buf m = {0};
    size_t n;

    *time_s = 0;
    if (!base64_parse(raw, sizeof raw, &n, line->base64))
        return false;
    if (k->kind == NOTE_ED25519)
        return n == ID_BYTES + 64 &&
               crypto_sign_verify_detached(raw + ID_BYTES, text.p, text.n, k->public_key.b) == 0;
    if (n != PAYLOAD_BYTES)
        return false;
    *time_s = load_u64be(raw + ID_BYTES);
    bool good =
        cosigned_message(&m, *time_s, text) &&
        crypto_sign_verify_detached(raw + ID_BYTES + TIME_BYTES, m.p, m.n, k->public_key.b) == 0;
    buf_free(&m);
    return good;
}

static bool is_of(const struct note_line *line, const struct note_key *k)
{
    return text_eq(line->name, k->name) &&
           span_eq_vartime(span_of(line->id, ID_BYTES), span_of(k->id, ID_BYTES));
}

enum pt_code note_verify(struct note_seal *seals, const struct note *n, const struct note_key *keys,
                         size_t count, struct pt_err *err)
{
    bool any = false;

    memset(seals, 0, count * sizeof *seals);
    for (size_t i = 0; i < n->line_count * count; i++) {
        const struct note_line *line = &n->lines[i / count];
        const struct note_key *k = &keys[i % count];
        struct note_seal *seal = &seals[i % count];
        uint64_t time_s;
        if (!is_of(line, k))
            continue;
        if (!line_verifies(&time_s, line, k, n->text)) {
            memset(seals, 0, count * sizeof *seals);
            return pt_fail(err, PT_EDENIED,
                           "the signature of %s does not belong to this note: it was changed, or "
                           "signed by somebody else",
                           k->name);
        }
        seal->good = true;
        seal->time_s = time_s > seal->time_s ? time_s : seal->time_s;
        any = true;
    }
    return any ? PT_OK : pt_fail(err, PT_EDENIED, "the note is not signed by a known key");
}

/* ---- writing ---- */

enum pt_code note_begin(struct buf *out, struct span text, struct pt_err *err)
{
    if (!text_ok(text))
        return pt_fail(err, PT_EPARSE,
                       "a note's text is lines of UTF-8, without control characters");
    return buf_add(out, text.p, text.n) && buf_u8(out, '\n') ? PT_OK : no_memory(err);
}

static enum pt_code add_line(struct buf *out, const struct note_key *key, struct span payload,
                             struct pt_err *err)
{
    if (!buf_printf(out, "%s%s ", DASH, key->name) || !base64_print(out, payload) ||
        !buf_u8(out, '\n'))
        return no_memory(err);
    return PT_OK;
}

enum pt_code note_sign(struct buf *out, const struct note_key *key, const struct sign_key *k,
                       struct span text, struct pt_err *err)
{
    uint8_t raw[ID_BYTES + 64];

    if (key->kind != NOTE_ED25519 || !text_ok(text) || begins(text, "cosignature/"))
        return pt_fail(err, PT_EBUG, "a text that no note may hold, or a key of another kind");
    memcpy(raw, key->id, ID_BYTES);
    crypto_sign_detached(raw + ID_BYTES, NULL, text.p, text.n, k->b);
    return add_line(out, key, span_of(raw, sizeof raw), err);
}

enum pt_code note_cosign(struct buf *out, const struct note_key *key, const struct sign_key *k,
                         struct span text, uint64_t time_s, struct pt_err *err)
{
    uint8_t raw[PAYLOAD_BYTES];
    struct buf m = {0};

    if (key->kind != NOTE_COSIGNATURE || !text_ok(text))
        return pt_fail(err, PT_EBUG, "a text that no note may hold, or a key of another kind");
    if (!cosigned_message(&m, time_s, text)) {
        buf_free(&m);
        return no_memory(err);
    }
    memcpy(raw, key->id, ID_BYTES);
    for (size_t i = 0; i < TIME_BYTES; i++)
        raw[ID_BYTES + i] = (uint8_t)(time_s >> (8 * (TIME_BYTES - 1 - i)));
    crypto_sign_detached(raw + ID_BYTES + TIME_BYTES, NULL, m.p, m.n, k->b);
    buf_free(&m);
    return add_line(out, key, span_of(raw, sizeof raw), err);
}
