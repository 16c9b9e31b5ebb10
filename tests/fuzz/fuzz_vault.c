/* Properties of a vault whose files say anything, sealed by who has the key: customers and tokens come
 * whole, and as many as vault_count() says, or there is a reason; the true files are read.
 *
 * Input: a byte of what is changed (1 `current`, 2 the dataset, 4 the tokens), two of how many leading
 * bytes of the true one stay, then what follows them. */
#include <stdlib.h>
#include <string.h>

#include "node/sealed.h"
#include "node/vaultdir.h"
#include "tests/fuzz/fuzz_file.h"
#include "tests/vault_fixture.h"

enum { ROWS = 5, CURRENT = 1, DATASET = 2, TOKENS = 4, HEAD = 3 };

struct file { /* as it truly is */
    char path[400];
    struct digest context;
    struct buf plain;
};
struct made { /* once */
    struct fixture fixture;
    struct vault_place place;
    struct file dataset, tokens;
    char current[400];
    struct buf says; /* `current` */
    bool done;
};
static const struct key32 KEY = {{7}};

static void take_plain(struct file *f)
{
    struct sealed_reader *r = NULL;
    struct pt_err err = {0};

    if (sealed_open(&r, f->path, &KEY, &f->context, &err) != PT_OK)
        abort(); /* another context than node/vault.c's */
    size_t n = (size_t)sealed_left(r);
    if (!buf_reserve(&f->plain, n) || sealed_get(f->plain.p, n, r, &err) != PT_OK ||
        sealed_end(r, &err) != PT_OK)
        abort();
    f->plain.n = n;
    sealed_close(r);
}

/* As node/vault.c binds them. */
static void find_files(struct made *m, const struct vaultdir *c)
{
    const struct span dataset[] = {span_of(&c->schema, sizeof c->schema), span_z(c->generation)};
    const struct span tokens[] = {span_z(m->fixture.policy.federation),
                                  span_z(m->fixture.partner.name), span_z("email"),
                                  span_z(c->key_period), span_z(c->generation)};
    char name[160];

    hash_parts(&m->dataset.context, "patto/vault-dataset-2", dataset, PT_LEN(dataset));
    hash_parts(&m->tokens.context, "patto/vault-tokens-1", tokens, PT_LEN(tokens));
    snprintf(name, sizeof name, "dataset-%s.vault", c->generation);
    fuzz_path(m->dataset.path, sizeof m->dataset.path, name);
    snprintf(name, sizeof name, "tokens-%s-%s.vault", c->key_period, c->generation);
    fuzz_path(m->tokens.path, sizeof m->tokens.path, name);
    fuzz_path(m->current, sizeof m->current, "current");
    take_plain(&m->dataset);
    take_plain(&m->tokens);
    if (!buf_printf(&m->says, "patto-vault 1\ndataset %s\nschema ", c->generation))
        abort();
    for (size_t i = 0; i < sizeof c->schema.b; i++)
        if (!buf_printf(&m->says, "%02x", c->schema.b[i]))
            abort();
    if (!buf_printf(&m->says, "\ntokens %s\n", c->key_period))
        abort();
}

static void make(struct made *m)
{
    struct pt_err err = {0};
    struct vaultdir c;
    bool there = false;

    fixture_init(&m->fixture);
    m->place = (struct vault_place){.dir = fuzz_dir(), .key = &KEY, .policy = &m->fixture.policy};
    struct vault_data *d = fixture_data(&m->fixture, ROWS, 7);
    memset(d->has_token, 0, ROWS);
    d->token_count = 0;
    if (vault_store_dataset(&m->place, d, &err) != PT_OK)
        abort();
    memset(d->has_token, 1, ROWS);
    if (vault_store_tokens(&m->place, d, "7", &err) != PT_OK ||
        vaultdir_read(&c, &there, m->place.dir, &err) != PT_OK || !there)
        abort();
    vault_data_free(d);
    find_files(m, &c);
    m->done = true;
}

static void seal(const struct file *f, struct span plain)
{
    struct sealed_writer *w = NULL;
    struct pt_err err = {0};

    if (sealed_create(&w, f->path, &KEY, &f->context, &err) != PT_OK ||
        sealed_put(w, plain, &err) != PT_OK || sealed_commit(w, &err) != PT_OK)
        abort();
    sealed_drop(w);
}

/* The first `keep` of what it truly is, then rest. True: that is it. */
static bool mixed(struct buf *out, const struct buf *truly, size_t keep, struct span rest)
{
    keep %= truly->n + 1;
    *out = (struct buf){0};
    if (!buf_add(out, truly->p, keep) || !buf_add(out, rest.p, rest.n))
        abort();
    return span_eq_vartime(buf_span(out), buf_span(truly));
}

static void check(const struct made *m, bool truly)
{
    struct vault_data *d = NULL;
    struct vault_counts counts;
    struct pt_err err = {0};

    if (vault_load(&d, &m->place, &err) != PT_OK) {
        if (err.msg[0] == '\0' || d != NULL || truly)
            __builtin_trap();
        return;
    }
    uint64_t tokens = 0;
    for (uint64_t i = 0; i < d->count; i++)
        tokens += d->has_token[i] != 0;
    if (tokens != d->token_count || vault_count(&counts, &m->place, &err) != PT_OK ||
        counts.customers != d->count || (truly && tokens != ROWS))
        __builtin_trap();
    vault_data_free(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct made m;
    struct buf now;
    bool truly = true;

    if (!m.done)
        make(&m);
    if (size < HEAD)
        return 0;
    size_t keep = (size_t)data[1] << 8 | data[2];
    const struct span rest = span_of(data + HEAD, size - HEAD);
    const struct span nothing = {0};
    const int what = data[0];
    truly = mixed(&now, &m.says, what & CURRENT ? keep : m.says.n, what & CURRENT ? rest : nothing);
    fuzz_write(m.current, buf_span(&now));
    buf_free(&now);
    truly = mixed(&now, &m.dataset.plain, what & DATASET ? keep : m.dataset.plain.n,
                  what & DATASET ? rest : nothing) &&
            truly;
    seal(&m.dataset, buf_span(&now));
    buf_free(&now);
    truly = mixed(&now, &m.tokens.plain, what & TOKENS ? keep : m.tokens.plain.n,
                  what & TOKENS ? rest : nothing) &&
            truly;
    seal(&m.tokens, buf_span(&now));
    buf_free(&now);
    check(&m, truly);
    return 0;
}
