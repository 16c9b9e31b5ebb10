#include "crypto/tlog_proof.h"

#include <inttypes.h>

#include "crypto/base/text.h"
#include "crypto/base64.h"

static const char HEADER[] = "c2sp.org/tlog-proof@v1";

void tlog_proof_free(struct tlog_proof *p)
{
    buf_free(&p->extra);
    *p = (struct tlog_proof){0};
}

/* One line with its end; an empty one when the text is at its end or the line is not ended. */
static struct span next_line(struct span *s, bool *ended)
{
    return text_cut(s, '\n', ended);
}

static bool take_prefix(struct span *line, const char *prefix)
{
    struct span w = span_z(prefix);

    if (line->n < w.n || !span_eq_vartime(span_of(line->p, w.n), w))
        return false;
    *line = span_of(line->p + w.n, line->n - w.n);
    return true;
}

static bool parse_extra(struct tlog_proof *out, struct span base64)
{
    size_t cap = base64.n / 4 * 3;

    out->has_extra = true;
    return base64.n <= base64_length(TLOG_EXTRA_MAX) && buf_reserve(&out->extra, cap + 1) &&
           base64_parse(out->extra.p, cap, &out->extra.n, base64) && out->extra.n <= TLOG_EXTRA_MAX;
}

static bool parse_index(uint64_t *out, struct span digits)
{
    return text_u64(digits, out) && (digits.n == 1 || digits.p[0] != '0') && *out <= INT64_MAX;
}

static bool parse_path(struct merkle_proof *out, struct span *text)
{
    bool ended;

    for (;;) {
        struct span line = next_line(text, &ended);
        if (!ended)
            return false;
        if (line.n == 0)
            return true;
        if (out->count == MERKLE_PROOF_MAX ||
            !base64_parse_exactly(out->hash[out->count].b, sizeof out->hash[0].b, line))
            return false;
        out->count++;
    }
}

static const char *parse(struct tlog_proof *out, struct span text)
{
    bool ended;
    struct span line = next_line(&text, &ended);

    if (!ended || !text_eq(line, HEADER))
        return "not a transparency log proof: the first line is not c2sp.org/tlog-proof@v1";
    line = next_line(&text, &ended);
    if (take_prefix(&line, "extra ")) {
        if (!ended || !parse_extra(out, line))
            return "a proof whose extra line is malformed";
        line = next_line(&text, &ended);
    }
    if (!ended || !take_prefix(&line, "index ") || !parse_index(&out->index, line))
        return "a proof without an index";
    if (!parse_path(&out->path, &text))
        return "a proof whose hashes are malformed";
    out->checkpoint = text;
    return text.n > 0 ? NULL : "a proof without a checkpoint";
}

enum pt_code tlog_proof_parse(struct tlog_proof *out, struct span text, struct pt_err *err)
{
    const char *wrong;

    *out = (struct tlog_proof){0};
    if (text.n > TLOG_PROOF_BYTES_MAX)
        return pt_fail(err, PT_EPARSE, "a proof of over %d bytes", TLOG_PROOF_BYTES_MAX);
    if ((wrong = parse(out, text)) == NULL)
        return PT_OK;
    tlog_proof_free(out);
    return pt_fail(err, PT_EPARSE, "%s", wrong);
}

static bool print(struct buf *out, const struct tlog_proof *p)
{
    if (!buf_printf(out, "%s\n", HEADER))
        return false;
    if (p->has_extra && (!buf_printf(out, "extra ") || !base64_print(out, buf_span(&p->extra)) ||
                         !buf_u8(out, '\n')))
        return false;
    if (!buf_printf(out, "index %" PRIu64 "\n", p->index))
        return false;
    for (size_t i = 0; i < p->path.count; i++)
        if (!base64_print(out, span_of(p->path.hash[i].b, sizeof p->path.hash[i].b)) ||
            !buf_u8(out, '\n'))
            return false;
    return buf_u8(out, '\n') && buf_add(out, p->checkpoint.p, p->checkpoint.n);
}

enum pt_code tlog_proof_print(struct buf *out, const struct tlog_proof *p, struct pt_err *err)
{
    *out = (struct buf){0};
    if (p->extra.n > TLOG_EXTRA_MAX)
        return pt_fail(err, PT_ELIMIT, "a proof with over %d bytes beside it", TLOG_EXTRA_MAX);
    if (print(out, p))
        return PT_OK;
    buf_free(out);
    return pt_fail(err, PT_ENOMEM, "no memory for a proof");
}

enum pt_code tlog_proof_verify(struct checkpoint *out, struct note_seal *seals,
                               const struct tlog_proof *p, const struct digest *leaf,
                               const struct tlog_trust *trust, struct pt_err *err)
{
    struct checkpoint c;
    size_t good = 0;

    *out = (struct checkpoint){0};
    if (checkpoint_open(&c, seals, p->checkpoint, &trust->keys, err) != PT_OK)
        return err->code;
    for (size_t i = 0; i < trust->keys.witness_count; i++)
        good += seals[i].good;
    if (good < trust->quorum)
        return pt_fail(err, PT_EDENIED,
                       "the checkpoint has %zu cosignatures of known witnesses, "
                       "not %zu",
                       good, trust->quorum);
    const struct merkle_spot at = {.index = p->index, .size = c.size};
    if (!merkle_inclusion_ok(&p->path, leaf, at, &c.root))
        return pt_fail(err, PT_EDENIED, "the entry is not in the log at place %" PRIu64, p->index);
    *out = c;
    return PT_OK;
}
