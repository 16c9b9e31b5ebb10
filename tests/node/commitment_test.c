/* Goal: the commitment of PROTOCOL.md 3 covers each row's token, person and values, and a record
 * proves what its root was made of, or nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/commitment.h"
#include "node/fileio.h"
#include "node/pool.h"
#include "node/sealed.h"
#include "tests/scratch.h"
#include "tests/vault_fixture.h"

static const int64_t NOON_S = 1796990400;
static const struct key32 SALT = {.b = {1}};

static struct digest root_of(const struct vault_data *d, const struct key32 *salt)
{
    struct digest root;
    struct pt_err err = {0};

    assert_int_equal(commitment_root(&root, &(struct commitment_of){d, salt, NULL}, &err), PT_OK);
    return root;
}

struct world {
    struct fixture f;
    struct key32 key;
    struct vault_place place;
    struct vault_data *data;
    struct digest root;
};

static bool same(struct digest a, struct digest b)
{
    return memcmp(a.b, b.b, sizeof a.b) == 0;
}

static enum pt_code record(const struct world *w, const struct digest *root,
                           const struct key32 *salt, struct pt_err *err)
{
    return commitment_record(&w->place, root, &(struct commitment_of){w->data, salt, NULL}, err);
}

/* Goal: one change of each kind changes the root, and it is a function of nothing else. */
static void follows_every_row(void **state)
{
    struct fixture f;
    const struct key32 other_salt = {.b = {2}};

    (void)state;
    fixture_init(&f);
    struct vault_data *d = fixture_data(&f, 5, 7);
    const struct digest first = root_of(d, &SALT);
    assert_false(same(root_of(d, &other_salt), first));
    d->columns[FIXTURE_SEGMENT].category[2] = VAULT_NONE;
    assert_false(same(root_of(d, &SALT), first));
    d->columns[FIXTURE_SEGMENT].category[2] = 2;
    d->columns[FIXTURE_SET].set[2 * 4 + 1] ^= 1;
    assert_false(same(root_of(d, &SALT), first));
    d->columns[FIXTURE_SET].set[2 * 4 + 1] ^= 1;
    d->columns[FIXTURE_SPEND].number[0] = 1;
    assert_false(same(root_of(d, &SALT), first));
    d->columns[FIXTURE_SPEND].number[0] = 0;
    assert_true(same(root_of(d, &SALT), first));
    d->digests[1].b[31] ^= 1;
    assert_false(same(root_of(d, &SALT), first));
    d->digests[1].b[31] ^= 1;
    d->tokens[1].b[15] ^= 1;
    assert_false(same(root_of(d, &SALT), first));
    d->tokens[1].b[15] ^= 1;
    d->has_token[3] = 0;
    assert_false(same(root_of(d, &SALT), first));
    d->has_token[3] = 1;
    assert_true(same(root_of(d, &SALT), first));
    vault_data_free(d);
}

/* Method: an independent root of one row from the definition. */
static void is_as_defined(void **state)
{
    struct fixture f;
    struct key32 tag;
    struct key32 hidden;
    struct key32 leaf;
    struct digest want;
    uint8_t values[26];
    uint8_t entry[33] = {0};

    (void)state;
    fixture_init(&f);
    struct vault_data *d = fixture_data(&f, 5, 7);
    for (size_t i = 0; i < 5; i++)
        d->has_token[i] = i == 4;
    memcpy(values, &d->columns[FIXTURE_SEGMENT].category[4], 2);
    memcpy(values + 2, &d->columns[FIXTURE_SET].set[8], 16);
    memcpy(values + 18, &d->columns[FIXTURE_SPEND].number[4], 8);
    const struct span token = span_of(&d->tokens[4], 16);
    const struct span person = span_of(d->digests[4].b, 32);
    prf_derive(&tag, &SALT, "patto/dataset-person", &person, 1);
    prf_derive(&hidden, &SALT, "patto/dataset-values",
               (const struct span[]){token, span_of(values, sizeof values)}, 2);
    prf_derive(&leaf, &SALT, "patto/dataset-leaf/2",
               (const struct span[]){token, span_of(tag.b, 32), span_of(hidden.b, 32)}, 3);
    memcpy(entry + 1, leaf.b, 32);
    crypto_hash_sha256(want.b, entry, sizeof entry);
    assert_true(same(root_of(d, &SALT), want));
    vault_data_free(d);
}

/* It points into itself. */
static void world_init(struct world *w, void **state)
{
    *w = (struct world){.key = {.b = {7}}};
    fixture_init(&w->f);
    w->f.policy.retention_days = 30;
    w->place = (struct vault_place){.dir = *state, .key = &w->key, .policy = &w->f.policy, .me = 0};
    w->data = fixture_data(&w->f, 20000, 3); /* over several chunks of the seal */
    w->root = root_of(w->data, &SALT);
}

/* Read a record to its end; *found when one row has the tag and token of row `look`. */
static enum pt_code read_all(const struct world *w, uint64_t look, bool *found, uint64_t *rows,
                             struct pt_err *err)
{
    struct commitment_reader *r = NULL;
    struct commitment_row row;
    struct key32 tag;
    bool more = true;
    enum pt_code rc;

    *found = false;
    *rows = 0;
    if ((rc = commitment_open(&r, &w->place, &w->root, err)) != PT_OK)
        return rc;
    assert_memory_equal(commitment_salt(r)->b, SALT.b, 32);
    commitment_tag(&tag, commitment_salt(r), &w->data->digests[look]);
    while ((rc = commitment_next(&row, &more, r, err)) == PT_OK && more) {
        *rows += 1;
        if (memcmp(row.tag.b, tag.b, 32) != 0)
            continue;
        assert_memory_equal(&row.token, &w->data->tokens[look], sizeof row.token);
        *found = true;
    }
    if (rc == PT_OK)
        rc = commitment_end(r, err);
    commitment_close(r);
    return rc;
}

static void record_proves_who_was_in(void **state)
{
    struct world w;
    struct pt_err err = {0};
    struct commitment_reader *r = NULL;
    struct buf file = {0};
    uint64_t rows;
    bool found;

    world_init(&w, state);
    assert_int_equal(commitment_open(&r, &w.place, &w.root, &err), PT_ESTATE);
    assert_non_null(strstr(err.msg, "legal.retention_days, 30"));
    w.data->has_token[77] = 0;
    w.root = root_of(w.data, &SALT);
    assert_false(commitment_recorded(&w.place, &w.root));
    assert_int_equal(record(&w, &w.root, &SALT, &err), PT_OK);
    assert_true(commitment_recorded(&w.place, &w.root));
    assert_int_equal(record(&w, &w.root, &SALT, &err), PT_OK);
    assert_int_equal(read_all(&w, 76, &found, &rows, &err), PT_OK);
    assert_true(found);
    assert_int_equal(rows, 19999);
    assert_int_equal(read_all(&w, 77, &found, &rows, &err), PT_OK);
    assert_false(found);
    /* Read to its end or not at all. */
    assert_int_equal(commitment_open(&r, &w.place, &w.root, &err), PT_OK);
    assert_int_equal(commitment_end(r, &err), PT_EBUG);
    commitment_close(r);
    /* Neither digests nor tokens lie open. */
    char name[128];
    char hex[65];
    sodium_bin2hex(hex, sizeof hex, w.root.b, 32);
    snprintf(name, sizeof name, "committed-%s.vault", hex);
    const char *path = scratch_path(state, name);
    assert_int_equal(fileio_read(&file, path, 1 << 24, &err), PT_OK);
    assert_null(memmem(file.p, file.n, &w.data->tokens[5], 16));
    file.p[file.n - 100] ^= 1;
    scratch_write(path, buf_span(&file));
    assert_int_equal(read_all(&w, 76, &found, &rows, &err), PT_EBADMSG);
    buf_free(&file);
    vault_data_free(w.data);
}

/* A record that was sealed with our own key, but not as it was committed to. Rows as in memory:
 * token 16, tag 32, values 32. */
static void forge(const struct world *w, void **state, const struct commitment_row *rows,
                  uint64_t count)
{
    struct sealed_writer *out = NULL;
    struct digest context;
    struct pt_err err = {0};
    char name[128];
    char hex[65];
    uint8_t head[8];

    sodium_bin2hex(hex, sizeof hex, w->root.b, 32);
    snprintf(name, sizeof name, "committed-%s.vault", hex);
    hash_parts(&context, "patto/vault-committed-2", NULL, 0);
    store_u64le(head, count);
    assert_int_equal(sealed_create(&out, scratch_path(state, name), &w->key, &context, &err),
                     PT_OK);
    assert_int_equal(sealed_put(out, span_of(head, 8), &err), PT_OK);
    assert_int_equal(sealed_put(out, span_of(SALT.b, 32), &err), PT_OK);
    assert_int_equal(sealed_put(out, span_of(rows, count * sizeof *rows), &err), PT_OK);
    assert_int_equal(sealed_commit(out, &err), PT_OK);
    sealed_drop(out);
}

/* Goal: the owner, who has all keys, cannot show a record without a row, with another person in a
 * row, or with a row twice: the root in the signed header says otherwise. */
static void a_forged_record_proves_nothing(void **state)
{
    struct world w;
    struct commitment_reader *r = NULL;
    struct pt_err err = {0};
    static struct commitment_row rows[20000];
    struct commitment_row kept;
    uint64_t n;
    bool found;
    bool more;

    world_init(&w, state);
    assert_int_equal(record(&w, &w.root, &SALT, &err), PT_OK);
    assert_int_equal(commitment_open(&r, &w.place, &w.root, &err), PT_OK);
    for (size_t i = 0; i < PT_LEN(rows); i++)
        assert_int_equal(commitment_next(&rows[i], &more, r, &err), PT_OK);
    assert_int_equal(commitment_next(&kept, &more, r, &err), PT_OK);
    assert_false(more);
    assert_int_equal(commitment_end(r, &err), PT_OK);
    commitment_close(r);

    forge(&w, state, rows, PT_LEN(rows)); /* the control: as it was */
    assert_int_equal(read_all(&w, 1, &found, &n, &err), PT_OK);
    forge(&w, state, rows, PT_LEN(rows) - 1);
    assert_int_equal(read_all(&w, 1, &found, &n, &err), PT_EBADMSG);
    assert_non_null(strstr(err.msg, "proves nothing"));
    kept = rows[9];
    rows[9].tag.b[0] ^= 1;
    forge(&w, state, rows, PT_LEN(rows));
    assert_int_equal(read_all(&w, 1, &found, &n, &err), PT_EBADMSG);
    rows[9] = kept;
    rows[9].token.b[15] ^= 1;
    forge(&w, state, rows, PT_LEN(rows));
    assert_int_equal(read_all(&w, 1, &found, &n, &err), PT_EBADMSG);
    rows[9] = rows[8];
    forge(&w, state, rows, PT_LEN(rows));
    assert_int_equal(read_all(&w, 1, &found, &n, &err), PT_EBADMSG);
    assert_non_null(strstr(err.msg, "not in order"));
    vault_data_free(w.data);
}

/* Goal: root and record are the same with any number of threads. 70,000 rows: more than one
 * stretch. */
static void threads_do_not_show(void **state)
{
    struct world w;
    struct pool *pool = NULL;
    struct digest root;
    struct pt_err err = {0};

    world_init(&w, state);
    vault_data_free(w.data);
    w.data = fixture_data(&w.f, 70000, 3);
    w.root = root_of(w.data, &SALT);
    assert_int_equal(pool_new(&pool, 3, &err), PT_OK);
    const struct parallel parallel = pool_parallel(pool);
    const struct commitment_of of = {w.data, &SALT, &parallel};
    assert_int_equal(commitment_root(&root, &of, &err), PT_OK);
    assert_true(same(root, w.root));
    assert_int_equal(commitment_record(&w.place, &root, &of, &err), PT_OK);
    assert_true(commitment_recorded(&w.place, &root));
    pool_free(pool);
    vault_data_free(w.data);
}

/* Goal: another dataset is not recorded under this root, and leaves nothing. */
static void records_only_its_own(void **state)
{
    struct world w;
    struct pt_err err = {0};
    const struct key32 other = {.b = {9}};

    world_init(&w, state);
    assert_int_equal(record(&w, &w.root, &other, &err), PT_EBUG);
    assert_false(commitment_recorded(&w.place, &w.root));
    /* Another root's record under this one's name is authentic, and proves nothing. */
    w.data->tokens[1].b[15] ^= 1;
    const struct digest root = root_of(w.data, &SALT);
    const struct digest *of[2] = {&root, &w.root};
    char names[2][256];
    char hex[65];
    uint64_t rows;
    bool found;
    for (size_t i = 0; i < 2; i++) {
        sodium_bin2hex(hex, sizeof hex, of[i]->b, 32);
        snprintf(names[i], sizeof names[i], "%s/committed-%s.vault", (const char *)*state, hex);
    }
    assert_int_equal(record(&w, &root, &SALT, &err), PT_OK);
    assert_int_equal(rename(names[0], names[1]), 0);
    assert_int_equal(read_all(&w, 1, &found, &rows, &err), PT_EBADMSG);
    assert_non_null(strstr(err.msg, "proves nothing"));
    vault_data_free(w.data);
}

/* Goal: records go with the epochs that the policy retains; the active one's stays, and so does
 * whatever is no record. */
static void records_go_with_their_epochs(void **state)
{
    struct world w;
    struct store *s = NULL;
    struct pt_err err = {0};
    struct digest roots[4];

    world_init(&w, state);
    assert_int_equal(store_open(&s, scratch_path(state, "state.db"), STORE_WRITE, &err), PT_OK);
    for (uint8_t i = 0; i < 4; i++) {
        const struct key32 salt = {.b = {0x50, i}};
        struct store_epoch e = {.number = i + 1U, .id = {{i, 1}}, .created_s = NOON_S + i};
        roots[i] = root_of(w.data, &salt);
        assert_int_equal(record(&w, &roots[i], &salt, &err), PT_OK);
        if (i == 3)
            continue; /* its round came to nothing */
        assert_true(buf_add(&e.header, "x", 1) && buf_add(&e.header, roots[i].b, 32));
        assert_int_equal(store_epoch_activate(s, &e, &err), PT_OK);
        store_epoch_free(&e);
    }
    scratch_write(scratch_path(state, "committed-note.vault"), span_z("x"));
    scratch_write(scratch_path(state, "tokens-1-00.vault"), span_z("x"));
    assert_int_equal(commitment_sweep(*state, s, NOON_S + 1, &err), PT_OK);
    assert_false(commitment_recorded(&w.place, &roots[0]));
    assert_true(commitment_recorded(&w.place, &roots[1]));
    assert_true(commitment_recorded(&w.place, &roots[2]));
    assert_false(commitment_recorded(&w.place, &roots[3]));
    assert_int_equal(commitment_sweep(*state, s, NOON_S + 1000, &err), PT_OK);
    assert_false(commitment_recorded(&w.place, &roots[1]));
    assert_true(commitment_recorded(&w.place, &roots[2]));
    assert_true(fileio_exists(scratch_path(state, "committed-note.vault")));
    assert_true(fileio_exists(scratch_path(state, "tokens-1-00.vault")));
    store_close(s);
    vault_data_free(w.data);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        CASE(follows_every_row),
        CASE(is_as_defined),
        CASE(record_proves_who_was_in),
        CASE(a_forged_record_proves_nothing),
        CASE(threads_do_not_show),
        CASE(records_only_its_own),
        CASE(records_go_with_their_epochs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
