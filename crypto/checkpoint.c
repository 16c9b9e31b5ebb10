#include "crypto/checkpoint.h"

#include <inttypes.h>

#include "crypto/base/text.h"
#include "crypto/base64.h"

/* Decimal, no leading zero, at most 2^63 - 1. */
static bool parse_size(uint64_t *out, struct span line)
{
    return text_u64(line, out) && (line.n == 1 || line.p[0] != '0') && *out <= INT64_MAX;
}

enum pt_code checkpoint_parse(struct checkpoint *out, struct span text, struct pt_err *err)
{
    struct checkpoint c = {0};
    struct span rest = text;
    bool ended[3];
    struct span origin = text_cut(&rest, '\n', &ended[0]);
    struct span size = text_cut(&rest, '\n', &ended[1]);
    struct span root = text_cut(&rest, '\n', &ended[2]);

    *out = (struct checkpoint){0};
    if (!ended[0] || !ended[1] || !ended[2])
        return pt_fail(err, PT_EPARSE, "not a checkpoint: expected three lines");
    if (rest.n != 0)
        return pt_fail(err, PT_EPARSE, "a checkpoint with more than three lines");
    if (!note_name_ok(origin) || !text_copy(c.origin, sizeof c.origin, origin))
        return pt_fail(err, PT_EPARSE, "a checkpoint whose first line is no log's name");
    if (!parse_size(&c.size, size))
        return pt_fail(err, PT_EPARSE, "a checkpoint whose second line is no size");
    if (!base64_parse_exactly(c.root.b, sizeof c.root.b, root))
        return pt_fail(err, PT_EPARSE, "a checkpoint whose third line is no hash");
    *out = c;
    return PT_OK;
}

enum pt_code checkpoint_print(struct buf *out, const struct checkpoint *c, struct pt_err *err)
{
    if (buf_printf(out, "%s\n%" PRIu64 "\n", c->origin, c->size) &&
        base64_print(out, span_of(c->root.b, sizeof c->root.b)) && buf_u8(out, '\n'))
        return PT_OK;
    return pt_fail(err, PT_ENOMEM, "no memory for a checkpoint");
}

enum pt_code checkpoint_sign(struct buf *note, const struct checkpoint *c, const struct sign_key *k,
                             struct pt_err *err)
{
    struct sign_public public_key;
    struct note_key key;
    struct buf text = {0};
    enum pt_code rc;

    *note = (struct buf){0};
    sign_key_public(&public_key, k);
    if ((rc = note_key_make(&key, span_z(c->origin), NOTE_ED25519, &public_key, err)) == PT_OK &&
        (rc = checkpoint_print(&text, c, err)) == PT_OK &&
        (rc = note_begin(note, buf_span(&text), err)) == PT_OK)
        rc = note_sign(note, &key, k, buf_span(&text), err);
    buf_free(&text);
    if (rc != PT_OK)
        buf_free(note);
    return rc;
}

/* The log's key first, then the witnesses'. */
static enum pt_code verify(struct note_seal *seals, const struct note *n,
                           const struct checkpoint_trust *trust, struct pt_err *err)
{
    struct note_key keys[NOTE_KEYS_MAX];
    struct note_seal all[NOTE_KEYS_MAX];

    if (trust->witness_count > NOTE_KEYS_MAX - 1)
        return pt_fail(err, PT_EBUG, "over %d witnesses", NOTE_KEYS_MAX - 1);
    keys[0] = *trust->log;
    for (size_t i = 0; i < trust->witness_count; i++)
        keys[i + 1] = trust->witnesses[i];
    if (note_verify(all, n, keys, trust->witness_count + 1, err) != PT_OK)
        return err->code;
    if (!all[0].good)
        return pt_fail(err, PT_EDENIED, "the checkpoint is not signed by its log, %s",
                       trust->log->name);
    if (seals != NULL)
        memcpy(seals, all + 1, trust->witness_count * sizeof *seals);
    return PT_OK;
}

enum pt_code checkpoint_open(struct checkpoint *out, struct note_seal *seals, struct span note,
                             const struct checkpoint_trust *trust, struct pt_err *err)
{
    struct checkpoint c;
    struct note n;

    *out = (struct checkpoint){0};
    if (seals != NULL)
        memset(seals, 0, trust->witness_count * sizeof *seals);
    if (note_parse(&n, note, err) != PT_OK || checkpoint_parse(&c, n.text, err) != PT_OK)
        return err->code;
    if (!text_eq(span_z(c.origin), trust->log->name))
        return pt_fail(err, PT_EDENIED, "a checkpoint of another log, %s, instead of %s", c.origin,
                       trust->log->name);
    if (verify(seals, &n, trust, err) != PT_OK)
        return err->code;
    *out = c;
    return PT_OK;
}
