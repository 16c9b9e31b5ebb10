#include "proto/reply_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/text.h"

/* ---- layout ---- */

static const struct policy_attribute *asked(const struct policy *p, uint16_t partner,
                                            uint16_t attribute)
{
    return &p->partners[partner].attributes[attribute];
}

size_t reply_column_count(const struct policy *p, const struct question *q)
{
    return question_has_axes(q->kind) ? 1 + asked(p, q->asker, q->rows)->value_count : 1;
}

size_t reply_counter_count(const struct policy *p, const struct question *q)
{
    if (q->kind != QUESTION_CROSSTAB && q->kind != QUESTION_VALUE)
        return 0;
    const struct policy_attribute *a = asked(p, q->asker, q->rows);
    return a->max_per_person < a->value_count ? a->max_per_person : 0;
}

size_t reply_row_count(const struct policy *p, const struct question *q)
{
    if (q->kind == QUESTION_VALUE)
        return REPLY_VALUE_ROWS;
    return q->kind == QUESTION_CROSSTAB ? 1 + asked(p, q->with, q->columns)->value_count : 1;
}

size_t reply_limb_count(const struct question *q)
{
    return q->kind == QUESTION_VALUE ? REPLY_LIMBS : 1;
}

size_t reply_row_values(const struct question *q, uint64_t slot_count)
{
    return reply_limb_count(q) * (size_t)slot_count;
}

size_t reply_group_count(size_t column_count)
{
    return (column_count + RLWE_COLUMNS_MAX - 1) / RLWE_COLUMNS_MAX;
}

uint64_t reply_slots(const struct question *q, uint64_t slot_count)
{
    uint64_t n = q->slots == QUESTION_SLOTS_SIXTEENTH ? slot_count / 16
                 : q->slots == QUESTION_SLOTS_QUARTER ? slot_count / 4
                                                      : slot_count;

    n = n < RLWE_DEGREE ? RLWE_DEGREE : n;
    return n < slot_count ? n : slot_count;
}

size_t reply_group_size(size_t column_count, size_t g)
{
    size_t left = column_count - g * RLWE_COLUMNS_MAX;

    return left < RLWE_COLUMNS_MAX ? left : RLWE_COLUMNS_MAX;
}

size_t reply_row_bytes(const struct rlwe *c, size_t column_count)
{
    size_t n = 0;

    for (size_t g = 0; g < reply_group_count(column_count); g++)
        n += inner_reply_bytes(c, reply_group_size(column_count, g));
    return n;
}

/* The asker's own filters, as the canonical text of the question has them: sorted, unique. */
static bool add_own_filters(struct buf *out, const char *asker, struct span text)
{
    char prefix[POLICY_NAME_MAX + 9];
    bool more = true;
    bool good = true;

    snprintf(prefix, sizeof prefix, "where=%s.", asker);
    size_t n = strlen(prefix);
    while (more && good) {
        struct span line = text_cut(&text, '\n', &more);
        if (line.n > n && span_eq_vartime(span_of(line.p, n), span_z(prefix)))
            good = buf_u8(out, '\n') && buf_add(out, line.p, line.n);
    }
    return good;
}

enum pt_code reply_column_name(struct buf *out, const struct policy *p, const struct question *q,
                               size_t index, struct pt_err *err)
{
    struct buf text = {0};
    size_t was = out->n;
    bool good;
    enum pt_code rc;

    const size_t table = reply_column_count(p, q);
    if (index >= table + reply_counter_count(p, q))
        return pt_fail(err, PT_EBUG, "column %zu of %zu", index, table);
    if ((rc = question_print(&text, p, q, err)) != PT_OK)
        return rc;
    if (index == 0) {
        good = buf_printf(out, "all");
    } else {
        const struct policy_attribute *a = asked(p, q->asker, q->rows);
        good = index < table ? buf_printf(out, "%s=%s", a->name, a->values[index - 1])
                             : buf_printf(out, "%s>%zu", a->name, index - table);
    }
    good = good && add_own_filters(out, p->partners[q->asker].name, buf_span(&text));
    buf_free(&text);
    if (good)
        return PT_OK;
    out->n = was;
    return pt_fail(err, PT_ENOMEM, "no memory for the name of column %zu", index);
}

#define COLUMN_DIGEST "patto/column/2"
void reply_column_digest(struct digest *out, struct span bytes)
{
    blake2b_tree_digest(out, COLUMN_DIGEST, bytes);
}

void reply_column_digest_end(struct digest *out, struct blake2b_tree *h)
{
    blake2b_tree_digest_end(out, COLUMN_DIGEST, h);
}

/* ---- what an answer depends on ---- */

enum pt_code reply_key(struct digest *out, const struct reply_in *in, struct pt_err *err)
{
    const struct epoch_header *h = in->pair.header;
    struct digest epoch;
    struct buf text = {0};
    enum pt_code rc;

    *out = (struct digest){0};
    if ((rc = epoch_header_id(&epoch, h, err)) != PT_OK ||
        (rc = question_print(&text, in->policy, in->question, err)) != PT_OK)
        goto out;
    struct span parts[] = {
        span_of(epoch.b, sizeof epoch.b),
        span_z(h->participants[in->pair.recipient].name),
        span_z(h->participants[in->pair.evaluator].name),
        buf_span(&text),
        span_of(in->column_digests, in->column_count * sizeof *in->column_digests),
        span_of(h->participants[in->pair.evaluator].dataset.b, sizeof(struct digest)),
        span_of(in->policy->hash.b, sizeof in->policy->hash.b),
    };
    hash_parts(out, "patto/reply/key/1", parts, PT_LEN(parts));
out:
    buf_free(&text);
    return rc;
}

void reply_price(struct budget_price *out, const struct reply_in *in)
{
    budget_price(out, in->policy, in->question, rlwe_delta(in->rlwe));
}

void reply_free(struct reply *r)
{
    for (size_t i = 0; r->rows != NULL && i < r->row_count; i++)
        buf_free(&r->rows[i]);
    free(r->rows);
    free(r->sizes);
    *r = (struct reply){0};
}

/* ---- recipient ---- */

static enum pt_code open_row(double *values, const struct reply_open_in *in, struct span row,
                             struct pt_err *err)
{
    double delta = rlwe_delta(in->rlwe);
    int64_t raw[RLWE_COLUMNS_MAX];
    struct rd r = {.in = row};

    for (size_t g = 0; g < reply_group_count(in->column_count); g++) {
        size_t first = g * RLWE_COLUMNS_MAX;
        size_t n = reply_group_size(in->column_count, g);
        struct span part = rd_take(&r, inner_reply_bytes(in->rlwe, n));
        if (r.bad || inner_open(raw, in->rlwe, part, in->keys + first, n) != PT_OK)
            return pt_fail(err, PT_EBADMSG,
                           "a reply is cut, or holds a coefficient that is not below q");
        for (size_t j = 0; j < n; j++)
            values[first + j] = (double)raw[j] / delta;
    }
    return rd_done(&r) ? PT_OK
                       : pt_fail(err, PT_EBADMSG, "a reply is %zu bytes too long", r.in.n - r.at);
}

enum pt_code reply_open(double *values, const struct reply_open_in *in, struct pt_err *err)
{
    for (size_t i = 0; i < in->row_count; i++)
        if (open_row(values + i * in->column_count, in, in->rows[i], err) != PT_OK) {
            memset(values, 0, in->row_count * in->column_count * sizeof *values);
            return pt_wrap(err, "row %zu of %zu", i, in->row_count);
        }
    return PT_OK;
}
