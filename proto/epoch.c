#include "proto/epoch.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "crypto/base/text.h"
#include "crypto/blake2b_tree.h"
#include "crypto/inner.h"
#include "policy/budget.h"

static const char MAGIC[] = "patto-epoch-1";

static bool is_power_of_two(uint64_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

static bool header_body(struct buf *b, const struct epoch_header *h)
{
    bool good =
        buf_field(b, span_z(MAGIC)) && buf_add(b, h->policy_hash.b, sizeof h->policy_hash.b) &&
        buf_u64le(b, h->number) && buf_u32le(b, h->key_period) && buf_u64le(b, h->slot_count) &&
        buf_add(b, h->salt.b, sizeof h->salt.b) && buf_u32le(b, (uint32_t)h->participant_count);

    for (size_t i = 0; good && i < h->participant_count; i++) {
        const struct epoch_participant *p = &h->participants[i];
        good = buf_field(b, span_z(p->name)) && buf_add(b, p->dataset.b, sizeof p->dataset.b) &&
               buf_add(b, p->seed_hash.b, sizeof p->seed_hash.b) && buf_u64le(b, p->padded_size);
    }
    return good;
}

enum pt_code epoch_header_print(struct buf *out, const struct epoch_header *h, struct pt_err *err)
{
    size_t was = out->n;

    if (header_body(out, h))
        return PT_OK;
    out->n = was;
    return pt_fail(err, PT_ENOMEM, "no memory for the header of epoch %" PRIu64, h->number);
}

static bool participants_are_good(const struct epoch_header *h)
{
    for (size_t i = 0; i < h->participant_count; i++)
        if (h->participants[i].padded_size == 0 || h->participants[i].name[0] == '\0' ||
            (i > 0 && strcmp(h->participants[i - 1].name, h->participants[i].name) >= 0))
            return false;
    return true;
}

enum pt_code epoch_header_parse(struct epoch_header *out, struct span bytes, struct pt_err *err)
{
    struct rd r = {.in = bytes};

    *out = (struct epoch_header){0};
    if (bytes.n > EPOCH_HEADER_BYTES_MAX)
        return pt_fail(err, PT_ELIMIT, "epoch header of %zu bytes, at most %d", bytes.n,
                       EPOCH_HEADER_BYTES_MAX);
    struct epoch_header h = {0};
    bool good = text_eq(rd_field(&r, sizeof MAGIC), MAGIC);
    rd_into(&r, h.policy_hash.b, sizeof h.policy_hash.b);
    h.number = rd_u64le(&r);
    h.key_period = rd_u32le(&r);
    h.slot_count = rd_u64le(&r);
    rd_into(&r, h.salt.b, sizeof h.salt.b);
    h.participant_count = rd_u32le(&r);
    if (!good || r.bad || h.participant_count < 2 || h.participant_count > POLICY_PARTNERS_MAX)
        return pt_fail(err, PT_EBADMSG,
                       "epoch header: cut, of another version, or not 2..%d parties",
                       POLICY_PARTNERS_MAX);
    for (size_t i = 0; i < h.participant_count; i++) {
        struct epoch_participant *p = &h.participants[i];
        good = text_copy(p->name, sizeof p->name, rd_field(&r, POLICY_NAME_MAX)) && good;
        rd_into(&r, p->dataset.b, sizeof p->dataset.b);
        rd_into(&r, p->seed_hash.b, sizeof p->seed_hash.b);
        p->padded_size = rd_u64le(&r);
    }
    if (!good || !rd_done(&r) || !participants_are_good(&h))
        return pt_fail(err, PT_EBADMSG, "epoch header: parties cut, unnamed or out of order");
    if (!is_power_of_two(h.slot_count) || h.slot_count > 1ULL << EPOCH_SLOTS_LOG2_MAX ||
        h.number == 0)
        return pt_fail(err, PT_EBADMSG, "epoch header: number or slots out of range");
    *out = h;
    return PT_OK;
}

enum pt_code epoch_header_id(struct digest *out, const struct epoch_header *h, struct pt_err *err)
{
    struct buf b = {0};
    enum pt_code rc = epoch_header_print(&b, h, err);
    struct span whole = buf_span(&b);

    *out = (struct digest){0};
    if (rc == PT_OK)
        hash_parts(out, "patto/epoch/id/1", &whole, 1);
    buf_free(&b);
    return rc;
}

int epoch_find(const struct epoch_header *h, const char *name)
{
    for (size_t i = 0; i < h->participant_count; i++)
        if (strcmp(h->participants[i].name, name) == 0)
            return (int)i;
    return -1;
}

enum pt_code epoch_slots(uint64_t *out, const struct policy *p, uint64_t largest_padded_size,
                         struct pt_err *err)
{
    uint64_t want;

    *out = 0;
    if (__builtin_mul_overflow(largest_padded_size, p->slots_per_customer, &want) ||
        want > 1ULL << EPOCH_SLOTS_LOG2_MAX)
        return pt_fail(err, PT_ELIMIT,
                       "%" PRIu32 " slots for each of %" PRIu64 " customers are over 2^%d; lower "
                       "match.slots_per_customer",
                       p->slots_per_customer, largest_padded_size, EPOCH_SLOTS_LOG2_MAX);
    uint64_t m = 1ULL << EPOCH_SLOTS_LOG2_MIN;
    while (m < want)
        m <<= 1;
    *out = m;
    return PT_OK;
}

void epoch_seed_hash(struct digest *out, const struct key32 *epoch_seed)
{
    struct span part = span_of(epoch_seed->b, sizeof epoch_seed->b);

    hash_parts(out, "patto/epoch/seed/1", &part, 1);
}

enum pt_code epoch_pair_of(struct epoch_pair *out, const struct epoch_header *h,
                           const char *recipient, const char *evaluator, struct pt_err *err)
{
    *out = (struct epoch_pair){
        .header = h, .recipient = epoch_find(h, recipient), .evaluator = epoch_find(h, evaluator)};
    if (out->recipient >= 0 && out->evaluator >= 0 && out->recipient != out->evaluator)
        return PT_OK;
    return pt_fail(err, PT_ESTATE, "%s is not in epoch %" PRIu64 "; run `patto epoch` with it",
                   out->recipient < 0 ? recipient : evaluator, h->number);
}

void epoch_pair_seed(struct digest *out, const struct epoch_pair *pair)
{
    const struct epoch_header *h = pair->header;
    struct span parts[] = {span_of(h->salt.b, sizeof h->salt.b),
                           span_z(h->participants[pair->recipient].name),
                           span_z(h->participants[pair->evaluator].name)};

    hash_parts(out, "patto/epoch/pair/1", parts, PT_LEN(parts));
}

static const double WIDEST = 1e9;

/* The wider of a question's two noises, in counts. */
static double sigma_of(const struct policy *p, const struct question *q)
{
    struct budget_price price;

    budget_price(&price, p, q, 1U << RLWE_DELTA_LOG2_MAX);
    return fmax(budget_sigma(price.cell), budget_sigma(price.margin));
}

/* May the pair's recipient ask for a number of the evaluator's? *sigma: the widest noise of its sums. */
static bool value_sigma(double *sigma, const struct policy *p, const struct epoch_pair *pair)
{
    const struct policy_rule *rule = &p->rule[QUESTION_VALUE];
    const struct epoch_participant *who = pair->header->participants;
    bool any = false;

    *sigma = 0;
    for (size_t i = 0; rule->present && i < rule->pair_count; i++) {
        struct attribute_ref a = rule->pairs[i].a;
        struct attribute_ref b = rule->pairs[i].b;
        const struct question q = {.kind = QUESTION_VALUE,
                                   .asker = a.partner,
                                   .rows = a.attribute,
                                   .with = b.partner,
                                   .columns = b.attribute,
                                   .rho_nano = p->privacy.table_rho_nano};
        if (strcmp(p->partners[a.partner].name, who[pair->recipient].name) != 0 ||
            strcmp(p->partners[b.partner].name, who[pair->evaluator].name) != 0)
            continue;
        *sigma = fmax(*sigma, BUDGET_NUMBER * sigma_of(p, &q));
        any = true;
    }
    return any;
}

static double table_sigma(const struct policy *p)
{
    const struct policy_rule *rule = &p->rule[QUESTION_CROSSTAB];
    double widest = 0;

    for (size_t i = 0; i < rule->pair_count; i++) {
        struct attribute_ref a = rule->pairs[i].a;
        struct attribute_ref b = rule->pairs[i].b;
        struct question q = {.kind = QUESTION_CROSSTAB,
                             .asker = a.partner,
                             .rows = a.attribute,
                             .with = b.partner,
                             .columns = b.attribute,
                             .rho_nano = p->privacy.table_rho_nano};
        struct question turned = q;
        turned.asker = b.partner;
        turned.rows = b.attribute;
        turned.with = a.partner;
        turned.columns = a.attribute;
        widest = fmax(widest, fmax(sigma_of(p, &q), sigma_of(p, &turned)));
    }
    return widest;
}

/* The widest noise of any question that the policy prices, in counts, rounded up. One ciphertext
 * serves every question of the epoch, so its delta must leave room for the widest. */
static uint64_t widest_sigma(const struct policy *p)
{
    struct question overlap = {.kind = QUESTION_OVERLAP, .rho_nano = p->privacy.count_rho_nano};
    struct question reach = {.kind = QUESTION_REACH, .rho_nano = p->privacy.reach_rho_nano};
    double widest = table_sigma(p);

    if (p->rule[QUESTION_OVERLAP].present)
        widest = fmax(widest, sigma_of(p, &overlap));
    if (p->rule[QUESTION_REACH].present)
        widest = fmax(widest, sigma_of(p, &reach));
    /* A look at a part of the slots has an eighth of the price, and sqrt(8) the noise. */
    return (uint64_t)ceil(fmin(widest * sqrt(8), WIDEST));
}

enum pt_code epoch_pair_shape(struct rlwe_shape *out, const struct policy *p,
                              const struct epoch_pair *pair, struct pt_err *err)
{
    /* inner_noise_min() of 64 columns at the smallest delta, in counts. */
    enum { SIGMA_FLOOR = 1024 };
    uint64_t sigma = widest_sigma(p);
    uint64_t size = pair->header->participants[pair->evaluator].padded_size;
    double numbers;

    *out = (struct rlwe_shape){0};
    if (sigma > 1U << 20)
        return pt_fail(err, PT_ELIMIT,
                       "privacy.cost asks for noise of %" PRIu64
                       " people: no answer would say anything",
                       sigma);
    *out = (struct rlwe_shape){.set = RLWE_P40,
                               .slot_count = pair->header->slot_count,
                               .max_abs = size,
                               .sigma_max = sigma > SIGMA_FLOOR ? sigma : SIGMA_FLOOR};
    if (!value_sigma(&numbers, p, pair))
        return PT_OK;
    /* Sums of numbers go further, and their noise is wider. Errors do not: entries of +-254 whose
     * magnitudes add up to 50 a customer have less energy than rlwe.h's +-128 in every slot. */
    uint64_t wide = (uint64_t)ceil(fmin(numbers, WIDEST));
    out->max_abs = BUDGET_NUMBER * size;
    out->sigma_max = wide > out->sigma_max ? wide : out->sigma_max;
    return PT_OK;
}

enum pt_code epoch_pair_rlwe(struct rlwe **out, const struct policy *p,
                             const struct epoch_pair *pair, struct pt_err *err)
{
    struct rlwe_shape shape;
    struct digest seed;
    enum pt_code rc;

    *out = NULL;
    if ((rc = epoch_pair_shape(&shape, p, pair, err)) != PT_OK)
        return rc;
    epoch_pair_seed(&seed, pair);
    return rlwe_new(out, &shape, &seed, err);
}

void epoch_column_seed(struct key32 *out, const struct key32 *epoch_seed,
                       const struct epoch_pair *pair, const struct epoch_column *column)
{
    struct digest seed;

    /* The pair's public seed holds the epoch's salt and both names. */
    epoch_pair_seed(&seed, pair);
    struct span parts[] = {span_of(seed.b, sizeof seed.b), column->name,
                           span_of(column->values->b, sizeof column->values->b)};
    prf_derive(out, epoch_seed, "patto/epoch/column/1", parts, PT_LEN(parts));
}

#define VALUES_DIGEST "patto/epoch/values/2"
void epoch_values_digest(struct digest *out, const int8_t *values, uint64_t slot_count)
{
    blake2b_tree_digest(out, VALUES_DIGEST, span_of(values, slot_count));
}

void epoch_values_digest_end(struct digest *out, struct blake2b_tree *h)
{
    blake2b_tree_digest_end(out, VALUES_DIGEST, h);
}
