#include "node/forgotten.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/text.h"
#include "node/fileio.h"
#include "node/sealed.h"

_Static_assert(sizeof(struct forgotten_person) == 96, "the file's layout");
#define NUMBER_FACT "forgotten.number"

static void wipe_people(struct forgotten_person *p, size_t count)
{
    if (p != NULL)
        explicit_bzero(p, count * sizeof *p);
    free(p);
}

void forgotten_free(struct forgotten *f)
{
    wipe_people(f->people, f->count);
    *f = (struct forgotten){0};
}

/* ---- the file ---- */

static enum pt_code path_of(char out[FILEIO_PATH_MAX], const struct vault_place *at,
                            struct pt_err *err)
{
    return fileio_join(out, at->dir, "forgotten.vault", err);
}

static void context_of(struct digest *out, const struct vault_place *at)
{
    const struct span parts[] = {span_z(at->policy->federation),
                                 span_z(at->policy->partners[at->me].name)};
    hash_parts(out, "patto/vault-forgotten-1", parts, PT_LEN(parts));
}

struct head { /* as it lies on disk */
    uint64_t number, count;
    uint32_t identifier, rules;
};

static bool ascending(const struct forgotten *f)
{
    for (size_t i = 1; i < f->count; i++)
        if (memcmp(&f->people[i - 1].digest, &f->people[i].digest, sizeof(struct digest)) >= 0)
            return false;
    return true;
}

static enum pt_code read_people(struct forgotten *f, struct sealed_reader *r, uint64_t count,
                                struct pt_err *err)
{
    enum pt_code rc;

    if (count > DIGESTSET_MAX || count > sealed_left(r) / sizeof *f->people)
        return pt_fail(err, PT_EBADMSG, "it was cut short");
    f->people = calloc((size_t)count + 1, sizeof *f->people);
    if (f->people == NULL)
        return pt_fail(err, PT_ENOMEM, "not enough memory");
    f->count = (size_t)count;
    if ((rc = sealed_get(f->people, f->count * sizeof *f->people, r, err)) != PT_OK ||
        (rc = sealed_end(r, err)) != PT_OK)
        return rc;
    for (size_t i = 0; i < f->count; i++)
        f->people[i].key_period[sizeof f->people[i].key_period - 1] = '\0';
    return ascending(f) ? PT_OK : pt_fail(err, PT_EBADMSG, "it is not as patto writes it");
}

enum pt_code forgotten_load(struct forgotten *out, const struct vault_place *place,
                            struct pt_err *err)
{
    char path[FILEIO_PATH_MAX];
    struct digest context;
    struct sealed_reader *r = NULL;
    struct head head = {0};
    enum pt_code rc;

    *out = (struct forgotten){0};
    context_of(&context, place);
    if ((rc = path_of(path, place, err)) != PT_OK || !fileio_exists(path))
        return rc;
    if ((rc = sealed_open(&r, path, place->key, &context, err)) != PT_OK ||
        (rc = sealed_get(&head, sizeof head, r, err)) != PT_OK)
        goto out;
    if (head.count > 0 && (head.identifier != (uint32_t)place->policy->identifier ||
                           head.rules != (uint32_t)place->policy->rules)) {
        rc = pt_fail(err, PT_ESTATE,
                     "the policy now has other identifiers or rules than those by which people "
                     "were removed, so they would not be recognised: make the list anew with "
                     "`patto forget --rebuild FILE`, FILE naming all of them");
        goto out;
    }
    out->number = head.number;
    rc = read_people(out, r, head.count, err);
out:
    sealed_close(r);
    if (rc != PT_OK)
        forgotten_free(out);
    return rc == PT_OK ? PT_OK : pt_wrap(err, "%s (people who were removed)", path);
}

enum pt_code forgotten_store(struct forgotten *f, const struct vault_place *place,
                             int64_t tokens_since_s, struct pt_err *err)
{
    char path[FILEIO_PATH_MAX];
    struct digest context;
    struct sealed_writer *w = NULL;
    const struct head head = {.number = f->number + 1,
                              .count = f->count,
                              .identifier = (uint32_t)place->policy->identifier,
                              .rules = (uint32_t)place->policy->rules};
    enum pt_code rc;

    for (size_t i = 0; i < f->count; i++) {
        struct forgotten_person *p = &f->people[i];
        if (p->removed_s >= tokens_since_s)
            continue;
        explicit_bzero(&p->token, sizeof p->token);
        memset(p->key_period, 0, sizeof p->key_period);
    }
    context_of(&context, place);
    if ((rc = path_of(path, place, err)) != PT_OK ||
        (rc = sealed_create(&w, path, place->key, &context, err)) != PT_OK)
        return rc;
    if ((rc = sealed_put(w, span_of(&head, sizeof head), err)) == PT_OK &&
        (rc = sealed_put(w, span_of(f->people, f->count * sizeof *f->people), err)) == PT_OK)
        rc = sealed_commit(w, err);
    sealed_drop(w);
    if (rc == PT_OK)
        f->number = head.number;
    return rc;
}

/* ---- the number ---- */

static enum pt_code noted(uint64_t *out, struct store *s, struct pt_err *err)
{
    struct buf value = {0};
    bool found;
    enum pt_code rc = store_fact_find(&value, &found, s, NUMBER_FACT, err);

    *out = 0;
    if (rc == PT_OK && found && !text_u64(buf_span(&value), out))
        rc = pt_fail(err, PT_EIO, "state.db: \"" NUMBER_FACT "\" is not as patto writes it");
    buf_free(&value);
    return rc;
}

enum pt_code forgotten_check(const struct forgotten *f, struct store *s, struct pt_err *err)
{
    uint64_t newest;
    enum pt_code rc = noted(&newest, s, err);

    if (rc != PT_OK || f->number >= newest)
        return rc;
    return pt_fail(err, PT_ESTATE,
                   "vault/forgotten.vault is %s than this node wrote, and people who were removed "
                   "would come back: restore the newest copy, or make the list anew with `patto "
                   "forget --rebuild FILE`, FILE naming all of them",
                   f->number == 0 ? "gone, or older" : "an older copy");
}

enum pt_code forgotten_rebuild(struct forgotten *out, struct store *s, struct pt_err *err)
{
    *out = (struct forgotten){0};
    return noted(&out->number, s, err);
}

enum pt_code forgotten_note(const struct forgotten *f, struct store *s, struct pt_err *err)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, f->number);
    return store_fact_put(s, NUMBER_FACT, span_z(text), err);
}

/* ---- the list ---- */

static int by_digest(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct digest)); /* the first member of both */
}

const struct forgotten_person *forgotten_find(const struct forgotten *f, const struct digest *d)
{
    return f->count == 0 ? NULL : bsearch(d, f->people, f->count, sizeof *f->people, by_digest);
}

/* What data knows of p's token. */
static void take_token(struct forgotten_person *p, const struct vault_data *data)
{
    if (data == NULL || data->count == 0)
        return;
    const struct digest *at =
        bsearch(&p->digest, data->digests, (size_t)data->count, sizeof *data->digests, by_digest);
    if (at == NULL || !data->has_token[at - data->digests])
        return;
    p->token = data->tokens[at - data->digests];
    memset(p->key_period, 0, sizeof p->key_period);
    memcpy(p->key_period, data->key_period, sizeof data->key_period);
}

enum pt_code forgotten_add(struct forgotten *f, const struct digestset *who,
                           const struct vault_data *data, int64_t now_s, struct pt_err *err)
{
    size_t room = f->count + who->count;
    struct forgotten_person *people = calloc(room + 1, sizeof *people);
    size_t n = 0;

    if (people == NULL)
        return pt_fail(err, PT_ENOMEM, "people to be removed: not enough memory");
    for (size_t i = 0; i < f->count; i++)
        people[n++] = f->people[i];
    for (size_t i = 0; i < who->count; i++)
        if (forgotten_find(f, &who->digests[i]) == NULL)
            people[n++] = (struct forgotten_person){.digest = who->digests[i]};
    qsort(people, n, sizeof *people, by_digest);
    for (size_t i = 0; i < n; i++) {
        if (!digestset_has(who, &people[i].digest))
            continue;
        people[i].removed_s = now_s;
        take_token(&people[i], data);
    }
    wipe_people(f->people, f->count);
    f->people = people;
    f->count = n;
    return PT_OK;
}

size_t forgotten_undo(struct forgotten *f, const struct digestset *who)
{
    size_t was = f->count;
    size_t n = 0;

    for (size_t i = 0; i < was; i++)
        if (!digestset_has(who, &f->people[i].digest))
            f->people[n++] = f->people[i];
    if (was > n)
        explicit_bzero(&f->people[n], (was - n) * sizeof *f->people);
    f->count = n;
    return was - n;
}

uint64_t forgotten_remove(struct vault_data *data, const struct forgotten *f)
{
    uint64_t kept = 0;
    uint64_t was = data->count;

    for (uint64_t row = 0; row < was; row++)
        if (forgotten_find(f, &data->digests[row]) == NULL)
            vault_move_row(data, kept++, row);
    vault_cut(data, kept);
    return was - kept;
}

bool forgotten_any(const struct vault_data *data, const struct forgotten *f)
{
    if (data->count == 0)
        return false;
    for (size_t i = 0; i < f->count; i++)
        if (bsearch(&f->people[i].digest, data->digests, (size_t)data->count, sizeof *data->digests,
                    by_digest) != NULL)
            return true;
    return false;
}
