#include "node/snapshot.h"

#include "crypto/base/text.h"
#include "crypto/noise.h"
#include "node/commitment.h"
#include "node/forgotten.h"
#include "node/hidden.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { PAD_MEAN = 1100, PAD_SCALE = 50 }; /* PROTOCOL.md 5, batch sizes */

struct snapshot {
    atomic_uint refs;
    struct epoch_header header;
    struct digest id;
    struct vault_data *data;
    struct columns_map *map;
    struct key32 seed, noise_key; /* so the whole of it is in locked pages */
};

void dataset_free(struct dataset *d)
{
    vault_data_free(d->data);
    *d = (struct dataset){0};
}

uint32_t snapshot_key_period(const struct policy *p, int64_t now_s)
{
    int64_t period_s = (int64_t)p->key_period_days * 86400;

    return (uint32_t)(now_s / period_s);
}

struct vault_place snapshot_vault(char dir[HOME_PATH_MAX], const struct home *h)
{
    home_path(dir, h, "vault");
    return (struct vault_place){
        .dir = dir, .key = &h->keys->vault, .policy = h->policy, .me = h->self};
}

#define SEED_PREFIX "seed."

static void seed_fact(char name[80], const struct digest *hash)
{
    char hex[65];

    text_hex(hex, hash->b, sizeof hash->b);
    snprintf(name, 80, SEED_PREFIX "%s", hex);
}

enum pt_code snapshot_seed_sweep(struct store *store, const struct policy *p, int64_t now_s,
                                 struct pt_err *err)
{
    return store_epoch_forget(store, SEED_PREFIX, now_s - (int64_t)p->retention_days * 86400, err);
}

void snapshot_salt_part(struct salt_own *own, const struct key32 *seed)
{
    prf_derive(&own->share, seed, "patto/salt/share/1", NULL, 0);
    prf_derive(&own->blind, seed, "patto/salt/blind/1", NULL, 0);
}

enum pt_code snapshot_seed_new(struct salt_own *own, const struct home *h, struct store *store,
                               struct pt_err *err)
{
    PT_WIPED(key32) label = {0};
    PT_WIPED(key32) seed = {0};
    char name[80];

    key32_random(&label);
    home_epoch_seed(&seed, h, span_of(label.b, sizeof label.b));
    epoch_seed_hash(&own->seed_hash, &seed);
    snapshot_salt_part(own, &seed);
    seed_fact(name, &own->seed_hash);
    return store_fact_put(store, name, span_of(label.b, sizeof label.b), err);
}

enum pt_code snapshot_seed_find(struct key32 *out, const struct home *h, struct store *store,
                                const struct digest *hash, struct pt_err *err)
{
    struct buf label = {0};
    struct digest again;
    char name[80];
    bool found;

    seed_fact(name, hash);
    enum pt_code rc = store_fact_find(&label, &found, store, name, err);
    if (rc == PT_OK && !found)
        rc = pt_fail(err, PT_ESTATE, "the epoch's seed is not of this home: run `patto epoch`");
    if (rc == PT_OK) {
        home_epoch_seed(out, h, buf_span(&label));
        epoch_seed_hash(&again, out);
        if (memcmp(again.b, hash->b, sizeof again.b) != 0)
            rc = pt_fail(err, PT_EBADMSG, "state.db: the epoch's seed label was changed");
    }
    buf_free(&label);
    return rc;
}

/* The announced size is noise drawn once for a dataset: the same data announces the same size in
 * every epoch, so that repeating costs nothing and averages nothing away. */
static enum pt_code padded_size(uint64_t *out, const struct home *h, const struct vault_data *data,
                                struct pt_err *err)
{
    PT_WIPED(key32) key = {0};
    PT_WIPED(draw) draw = {0};
    struct prg *prg = NULL;
    uint8_t count[8];
    int64_t pad;
    enum pt_code rc;

    store_u64le(count, data->count);
    const struct span parts[] = {span_z(data->generation), span_of(count, sizeof count)};
    prf_derive(&key, &h->keys->noise, "patto/padded-size/1", parts, PT_LEN(parts));
    if ((rc = prg_new(&prg, &key)) != PT_OK)
        return pt_fail(err, rc, "padding the size of the dataset: no cipher");
    draw_init(&draw, prg, 0);
    rc = noise_laplace(&pad, &draw, PAD_SCALE, PAD_MEAN);
    prg_free(prg);
    if (rc != PT_OK)
        return pt_fail(err, rc, "padding the size of the dataset: no randomness");
    *out = data->count + (uint64_t)(PAD_MEAN + pad);
    return PT_OK;
}

static void commitment_salt_of(struct key32 *out, const struct home *h,
                               const struct vault_data *data)
{
    const struct span parts[] = {span_z(data->generation), span_z(data->key_period)};

    prf_derive(out, &h->keys->epoch, "patto/commitment-salt/1", parts, PT_LEN(parts));
}

enum pt_code snapshot_commitment(struct digest *out, const struct home *h,
                                 const struct vault_data *data, struct pt_err *err)
{
    PT_WIPED(key32) salt = {0};

    commitment_salt_of(&salt, h, data);
    const struct commitment_of of = {.data = data, .salt = &salt};
    return commitment_root(out, &of, err);
}

enum pt_code dataset_record(const struct dataset *d, const struct home *h,
                            const struct parallel *parallel, struct pt_err *err)
{
    PT_WIPED(key32) salt = {0};
    char dir[HOME_PATH_MAX];
    struct vault_place place = snapshot_vault(dir, h);

    commitment_salt_of(&salt, h, d->data);
    const struct commitment_of of = {.data = d->data, .salt = &salt, .parallel = parallel};
    return commitment_record(&place, &d->commitment, &of, err);
}

enum pt_code snapshot_recorded(const struct home *h, const struct epoch_header *header,
                               struct pt_err *err)
{
    char dir[HOME_PATH_MAX];
    struct vault_place place = snapshot_vault(dir, h);
    int at = epoch_find(header, h->policy->partners[h->self].name);

    if (at >= 0 && commitment_recorded(&place, &header->participants[at].dataset))
        return PT_OK;
    return pt_fail(err, PT_ESTATE, "another epoch was agreed at the same time: try again");
}

enum pt_code snapshot_record_sweep(const struct home *h, struct store *store, int64_t now_s,
                                   struct pt_err *err)
{
    char dir[HOME_PATH_MAX];
    struct vault_place place = snapshot_vault(dir, h);

    return commitment_sweep(place.dir, store, now_s - (int64_t)h->policy->retention_days * 86400,
                            err);
}

/* A forget that was cut short has people on the list and in the data: they are in no epoch. */
static enum pt_code check_forgotten(const struct vault_place *place, const struct vault_data *data,
                                    struct pt_err *err)
{
    struct forgotten f;
    enum pt_code rc = forgotten_load(&f, place, err);

    if (rc == PT_OK && forgotten_any(data, &f))
        rc = pt_fail(err, PT_ESTATE,
                     "people who are to be removed are still among the customers: `patto forget` "
                     "was cut short; stop the node and run it again, or ingest again");
    forgotten_free(&f);
    return rc;
}

enum pt_code dataset_load(struct dataset *out, const struct home *h, uint32_t key_period,
                          const struct dataset_how *how, struct pt_err *err)
{
    PT_WIPED(key32) salt = {0};
    char dir[HOME_PATH_MAX];
    char period[VAULT_PERIOD_MAX + 1];
    struct vault_place place = snapshot_vault(dir, h);
    enum pt_code rc;

    *out = (struct dataset){0};
    snprintf(period, sizeof period, "%" PRIu32, key_period);
    if ((rc = vault_load(&out->data, &place, err)) != PT_OK)
        return rc;
    if ((rc = check_forgotten(&place, out->data, err)) != PT_OK) {
        dataset_free(out);
        return rc;
    }
    if (strcmp(out->data->key_period, period) != 0 || out->data->token_count < out->data->count)
        rc = pt_fail(err, PT_ESTATE,
                     "not every customer has a token of this key period: run `patto tokenise`");
    else if ((rc = padded_size(&out->padded_size, h, out->data, err)) == PT_OK) {
        const struct commitment_of of = {
            .data = out->data, .salt = &salt, .parallel = how->parallel};
        commitment_salt_of(&salt, h, out->data);
        rc = how->record ? commitment_make(&out->commitment, &place, &of, err)
                         : commitment_root(&out->commitment, &of, err);
    }
    if (rc != PT_OK)
        dataset_free(out);
    return rc;
}

enum pt_code snapshot_new(struct snapshot **out, const struct home *h, struct store *store,
                          const struct epoch_header *header, struct dataset *d, struct pt_err *err)
{
    const struct policy_partner *me = &h->policy->partners[h->self];
    int at = epoch_find(header, me->name);
    struct snapshot *s = NULL;
    enum pt_code rc;

    *out = NULL;
    if (at < 0 || memcmp(header->participants[at].dataset.b, d->commitment.b, 32) != 0)
        return pt_fail(err, PT_ESTATE,
                       "epoch %" PRIu64 " was made over other data than is here now: "
                       "run `patto epoch` for a new one",
                       header->number);
    if ((s = hidden_locked_new(sizeof *s)) == NULL)
        return pt_fail(err, PT_ENOMEM, "epoch %" PRIu64 ": no memory", header->number);
    s->header = *header;
    if ((rc = epoch_header_id(&s->id, header, err)) != PT_OK ||
        (rc = snapshot_seed_find(&s->seed, h, store, &header->participants[at].seed_hash, err)) !=
            PT_OK)
        goto fail;
    prf_derive(&s->noise_key, &s->seed, "patto/noise/1", NULL, 0);
    const struct columns_in in = {.data = d->data,
                                  .me = me,
                                  .partner = h->self,
                                  .salt = header->salt,
                                  .m = header->slot_count};
    if ((rc = columns_place(&s->map, &in, err)) != PT_OK)
        goto fail;
    s->data = d->data;
    d->data = NULL;
    atomic_init(&s->refs, 1);
    *out = s;
    return PT_OK;
fail:
    hidden_free(s);
    return rc;
}

/* Header and signatures as stored, checked again: a home that was tampered with has no epoch. */
enum pt_code snapshot_read_back(struct salt_result *out, const struct policy *p,
                                const struct store_epoch *e, struct pt_err *err)
{
    *out = (struct salt_result){0};
    enum pt_code rc = epoch_header_parse(&out->header, buf_span(&e->header), err);

    if (rc != PT_OK)
        return rc;
    /* The policy first: its partners' keys are what the signatures are checked with. */
    if (memcmp(out->header.policy_hash.b, p->hash.b, 32) != 0)
        return pt_fail(err, PT_ESTATE,
                       "epoch %" PRIu64 " was made under another policy: run `patto epoch`",
                       out->header.number);
    if (e->signatures.n != out->header.participant_count * sizeof out->signatures[0].b)
        return pt_fail(err, PT_EBADMSG, "state.db: epoch %" PRIu64 " lacks signatures", e->number);
    for (size_t i = 0; i < out->header.participant_count; i++)
        memcpy(out->signatures[i].b, e->signatures.p + 64 * i, 64);
    return salt_result_check(out, p, err);
}

enum pt_code snapshot_load(struct snapshot **out, const struct home *h, struct store *store,
                           const struct parallel *parallel, struct pt_err *err)
{
    struct store_epoch epoch = {0};
    struct salt_result agreed;
    struct dataset data = {0};
    const struct dataset_how how = {.parallel = parallel};
    bool found;
    enum pt_code rc;

    *out = NULL;
    if ((rc = store_epoch_active(&epoch, &found, store, err)) != PT_OK || !found)
        goto out;
    if ((rc = snapshot_read_back(&agreed, h->policy, &epoch, err)) != PT_OK)
        goto out;
    if ((rc = dataset_load(&data, h, agreed.header.key_period, &how, err)) == PT_OK)
        rc = snapshot_new(out, h, store, &agreed.header, &data, err);
out:
    dataset_free(&data);
    store_epoch_free(&epoch);
    return rc;
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
    if (s != NULL)
        atomic_fetch_add(&s->refs, 1);
    return s;
}

bool snapshot_unref(struct snapshot *s)
{
    if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1)
        return false;
    columns_free(s->map);
    vault_data_free(s->data);
    hidden_free(s);
    return true;
}

const struct epoch_header *snapshot_header(const struct snapshot *s)
{
    return &s->header;
}

const struct digest *snapshot_id(const struct snapshot *s)
{
    return &s->id;
}

const struct vault_data *snapshot_data(const struct snapshot *s)
{
    return s->data;
}

const struct columns_map *snapshot_map(const struct snapshot *s)
{
    return s->map;
}

const struct key32 *snapshot_seed(const struct snapshot *s)
{
    return &s->seed;
}

const struct key32 *snapshot_noise_key(const struct snapshot *s)
{
    return &s->noise_key;
}

enum pt_code snapshot_keep(struct store *store, const struct salt_result *r, int64_t now_s,
                           struct pt_err *err)
{
    struct store_epoch epoch = {.number = r->header.number, .created_s = now_s};
    enum pt_code rc;

    if ((rc = epoch_header_print(&epoch.header, &r->header, err)) != PT_OK ||
        (rc = epoch_header_id(&epoch.id, &r->header, err)) != PT_OK)
        goto out;
    for (size_t i = 0; i < r->header.participant_count; i++)
        if (!buf_add(&epoch.signatures, r->signatures[i].b, sizeof r->signatures[i].b)) {
            rc = pt_fail(err, PT_ENOMEM, "keeping the epoch: no memory");
            goto out;
        }
    rc = store_epoch_activate(store, &epoch, err);
out:
    store_epoch_free(&epoch);
    return rc;
}
