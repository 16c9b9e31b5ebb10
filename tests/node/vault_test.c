#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "node/fileio.h"
#include "node/vault_format.h"
#include "tests/vault_fixture.h"

struct world {
    char dir[64];
    struct fixture f;
    struct key32 key;
    struct vault_place place;
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);

    if (w == NULL)
        return -1;
    snprintf(w->dir, sizeof w->dir, "%s/patto-vault-XXXXXX", P_tmpdir);
    fixture_init(&w->f);
    memset(w->key.b, 7, sizeof w->key.b);
    w->place = (struct vault_place){w->dir, &w->key, &w->f.policy, 0};
    *state = w;
    return mkdtemp(w->dir) == NULL ? -1 : 0;
}

/* Names in the folder that begin with `prefix` ("" is all of them); removes them if told to. */
static size_t names(const struct world *w, const char *prefix, char last[FILEIO_PATH_MAX],
                    bool and_remove)
{
    struct pt_err err;
    size_t n = 0;
    DIR *d = opendir(w->dir);

    assert_non_null(d);
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        char path[FILEIO_PATH_MAX];
        if (e->d_name[0] == '.' || strncmp(e->d_name, prefix, strlen(prefix)) != 0)
            continue;
        n++;
        assert_int_equal(fileio_join(path, w->dir, e->d_name, &err), PT_OK);
        if (last != NULL)
            memcpy(last, path, sizeof path);
        if (and_remove)
            unlink(path);
    }
    closedir(d);
    return n;
}

static int teardown(void **state)
{
    struct world *w = *state;

    names(w, "", NULL, true);
    rmdir(w->dir);
    free(w);
    return 0;
}

static void assert_same_rows(const struct vault_data *a, const struct vault_data *b)
{
    size_t n = (size_t)a->count;

    assert_int_equal(a->count, b->count);
    assert_int_equal(a->column_count, b->column_count);
    assert_memory_equal(a->digests, b->digests, n * sizeof *a->digests);
    assert_memory_equal(a->columns[0].category, b->columns[0].category, 2 * n);
    assert_memory_equal(a->columns[1].set, b->columns[1].set, 16 * n);
    assert_memory_equal(a->columns[2].number, b->columns[2].number, 8 * n);
}

/* Goal: what is stored is what is loaded, over several chunks of the seal, and nothing of it is on
 * the disk in the clear. */
static void round_trip(void **state)
{
    struct world *w = *state;
    struct vault_data *d = fixture_data(&w->f, 50000, 1);
    struct vault_data *got = NULL;
    struct token *tokens = calloc(50000, sizeof *tokens);
    char path[FILEIO_PATH_MAX];
    struct buf file = {0};
    struct pt_err err = {0};

    assert_non_null(tokens);
    memcpy(tokens, d->tokens, 50000 * sizeof *tokens);
    d->stats.rows_read = 50017;
    assert_int_equal(vault_store_dataset(&w->place, d, &err), PT_OK);
    assert_int_equal(d->token_count, 0); /* those of an earlier dataset only */
    assert_int_equal(strlen(d->generation), 16);
    assert_int_equal(vault_load(&got, &w->place, &err), PT_OK);
    assert_same_rows(d, got);
    assert_int_equal(got->stats.rows_read, 50017);
    assert_int_equal(got->token_count, 0);
    assert_string_equal(got->key_period, "");
    assert_string_equal(got->generation, d->generation);

    memcpy(got->tokens, tokens, 50000 * sizeof *tokens);
    for (size_t i = 0; i < 50000; i++)
        got->has_token[i] = i % 3 != 0;
    assert_int_equal(vault_store_tokens(&w->place, got, "2026-q4", &err), PT_OK);
    vault_data_free(d);
    assert_int_equal(vault_load(&d, &w->place, &err), PT_OK);
    assert_int_equal(d->token_count, got->token_count);
    assert_int_equal(d->token_count, 33333);
    assert_memory_equal(d->has_token, got->has_token, 50000);
    assert_string_equal(d->key_period, "2026-q4");
    struct vault_counts count;
    assert_int_equal(vault_count(&count, &w->place, &err), PT_OK);
    assert_int_equal(count.customers, 50000);
    assert_int_equal(count.tokens, 33333);
    for (size_t i = 0; i < 50000; i++)
        assert_true(!d->has_token[i] || memcmp(&d->tokens[i], &tokens[i], 16) == 0);

    assert_int_equal(names(w, "dataset-", path, false), 1);
    assert_int_equal(fileio_read(&file, path, 1 << 24, &err), PT_OK);
    assert_null(memmem(file.p, file.n, d->digests[4711].b, 8));
    file.n = 0;
    assert_int_equal(names(w, "tokens-2026-q4-", path, false), 1);
    assert_int_equal(fileio_read(&file, path, 1 << 24, &err), PT_OK);
    assert_null(memmem(file.p, file.n, tokens[4711].b, 8));
    assert_null(memmem(file.p, file.n, d->digests[4711].b, 8));
    buf_free(&file);
    free(tokens);
    vault_data_free(got);
    vault_data_free(d);
}

/* Goal: after a re-ingest, customers who remain keep their tokens, new ones have none, and nothing
 * of the old dataset is left. Method: take away and add rows of known digests. */
static void tokens_are_carried_over(void **state)
{
    struct world *w = *state;
    struct vault_data *old = fixture_data(&w->f, 1000, 2);
    struct vault_data *half = NULL;
    struct vault_data *got = NULL;
    struct pt_err err = {0};
    char path[FILEIO_PATH_MAX];

    assert_int_equal(vault_store_dataset(&w->place, old, &err), PT_OK);
    for (size_t i = 0; i < 1000; i++) {
        old->has_token[i] = i < 900;
        old->tokens[i].b[0] = (uint8_t)i;
        old->tokens[i].b[1] = (uint8_t)(i >> 8);
    }
    assert_int_equal(vault_store_tokens(&w->place, old, "p1", &err), PT_OK);

    assert_int_equal(vault_data_new(&half, &w->f.partner, 500, &err), PT_OK);
    for (size_t i = 0; i < 500; i++) {
        half->digests[i] = old->digests[2 * i];
        if (i % 5 == 0) /* a digest that the old data did not have, still in order */
            half->digests[i].b[31] ^= 1;
    }
    assert_int_equal(vault_store_dataset(&w->place, half, &err), PT_OK);
    assert_string_equal(half->key_period, "p1");
    assert_int_equal(half->token_count, 360); /* 450 of 500 had one, a fifth changed */
    assert_int_equal(vault_load(&got, &w->place, &err), PT_OK);
    for (size_t i = 0; i < 500; i++) {
        bool want = i % 5 != 0 && 2 * i < 900;
        assert_int_equal(got->has_token[i], want);
        if (want)
            assert_memory_equal(&got->tokens[i], &old->tokens[2 * i], 16);
    }
    assert_int_equal(names(w, "", NULL, false), 3); /* dataset, tokens, current */

    /* The run that was busy with the old dataset is told, and changes nothing. */
    assert_int_equal(vault_store_tokens(&w->place, old, "p1", &err), PT_ESTATE);
    assert_non_null(strstr(err.msg, "ingested again"));
    /* A new key period takes the place of the old. */
    vault_forget_tokens(got);
    assert_int_equal(vault_store_tokens(&w->place, got, "p2", &err), PT_OK);
    assert_int_equal(names(w, "tokens-p1-", path, false), 0);
    assert_int_equal(names(w, "tokens-p2-", path, false), 1);
    assert_int_equal(vault_store_tokens(&w->place, got, "../p", &err), PT_EBUG);
    vault_data_free(old);
    vault_data_free(half);
    vault_data_free(got);
}

static void copy_file(const char *from, const char *to)
{
    struct buf b = {0};
    struct pt_err err;

    assert_int_equal(fileio_read(&b, from, 1 << 24, &err), PT_OK);
    assert_int_equal(fileio_write(to, buf_span(&b), &err), PT_OK);
    buf_free(&b);
}

/* Goal: a writer killed at any step leaves the old data in force, and its leftovers go.
 * Method: put back on the disk what each step of a replacement would have left behind. */
static void killed_ingest_leaves_the_old(void **state)
{
    struct world *w = *state;
    struct vault_data *old = fixture_data(&w->f, 100, 3);
    struct vault_data *new = fixture_data(&w->f, 200, 4);
    struct vault_data *got = NULL;
    struct pt_err err = {0};
    char current[FILEIO_PATH_MAX];
    char kept[FILEIO_PATH_MAX];
    char old_file[FILEIO_PATH_MAX];
    char old_kept[FILEIO_PATH_MAX];

    assert_int_equal(fileio_join(current, w->dir, "current", &err), PT_OK);
    assert_int_equal(fileio_join(kept, w->dir, "kept-current", &err), PT_OK);
    assert_int_equal(fileio_join(old_kept, w->dir, "kept-dataset", &err), PT_OK);
    assert_int_equal(vault_store_dataset(&w->place, old, &err), PT_OK);
    assert_int_equal(names(w, "dataset-", old_file, false), 1);
    copy_file(current, kept);
    copy_file(old_file, old_kept);
    assert_int_equal(vault_store_dataset(&w->place, new, &err), PT_OK);

    /* Killed before `current` was swapped: both datasets and a temporary lie there. */
    copy_file(kept, current);
    copy_file(old_kept, old_file);
    char temp[FILEIO_PATH_MAX];
    assert_int_equal(fileio_join(temp, w->dir, "tokens-x.vault.Ab12Cd.tmp", &err), PT_OK);
    copy_file(kept, temp);
    assert_int_equal(names(w, "dataset-", NULL, false), 2);
    assert_int_equal(vault_load(&got, &w->place, &err), PT_OK);
    assert_same_rows(got, old);
    assert_int_equal(vault_sweep(w->dir, &err), PT_OK);
    assert_int_equal(names(w, "dataset-", NULL, false), 1);
    assert_false(fileio_exists(temp));
    assert_true(fileio_exists(old_file));
    /* A `current` that makes no sense removes nothing, and ingesting again mends it. */
    assert_int_equal(fileio_write(current, span_z("patto-vault 1\ndataset xyz\n"), &err), PT_OK);
    assert_int_equal(vault_sweep(w->dir, &err), PT_EBADMSG);
    assert_true(fileio_exists(old_file));
    vault_data_free(got);
    assert_int_equal(vault_load(&got, &w->place, &err), PT_EBADMSG);
    assert_null(got);
    assert_int_equal(vault_store_dataset(&w->place, new, &err), PT_OK);
    assert_int_equal(vault_load(&got, &w->place, &err), PT_OK);
    vault_data_free(got);
    vault_data_free(old);
    vault_data_free(new);
}

static void store_until_killed(const struct vault_place *place, struct vault_data *a,
                               struct vault_data *b)
{
    struct pt_err err = {0};

    while (vault_store_dataset(place, b, &err) == PT_OK &&
           vault_store_dataset(place, a, &err) == PT_OK)
        ;
    _exit(1);
}

/* A disk that fills up, played by the file size limit of this process. */
static void full_disk_leaves_the_old(void **state)
{
    struct world *w = *state;
    struct vault_data *old = fixture_data(&w->f, 10, 3);
    struct vault_data *new = fixture_data(&w->f, 5000, 4);
    struct vault_data *got = NULL;
    struct rlimit was;
    struct pt_err err = {0};

    assert_int_equal(vault_store_dataset(&w->place, old, &err), PT_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){100000, was.rlim_max}), 0);
    enum pt_code rc = vault_store_dataset(&w->place, new, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_equal(rc, PT_EIO);
    assert_int_equal(names(w, "", NULL, false), 2); /* nothing half-written stays */
    assert_int_equal(vault_load(&got, &w->place, &err), PT_OK);
    assert_same_rows(got, old);
    vault_data_free(got);
    vault_data_free(old);
    vault_data_free(new);
}

/* Killed for real: a child stores two datasets in turn and is killed, wherever it is. */
static void kill_at_any_instant(void **state)
{
    struct world *w = *state;
    struct vault_data *a = fixture_data(&w->f, 3000, 8);
    struct vault_data *b = fixture_data(&w->f, 4000, 9);
    struct vault_data *got = NULL;
    struct pt_err err = {0};

    assert_int_equal(vault_store_dataset(&w->place, a, &err), PT_OK);
    for (int round = 0; round < 25; round++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            store_until_killed(&w->place, a, b);
        usleep((useconds_t)(1000 + 1731 * round));
        kill(child, SIGKILL);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status)); /* and did not end by itself, with an error */
        assert_int_equal(vault_load(&got, &w->place, &err), PT_OK);
        assert_same_rows(got, got->count == 3000 ? a : b);
        vault_data_free(got);
        assert_int_equal(vault_sweep(w->dir, &err), PT_OK);
        assert_int_equal(names(w, "", NULL, false), 2); /* dataset, current */
    }
    vault_data_free(a);
    vault_data_free(b);
}

/* Goal: another key, federation, schema or a changed byte is never read as data. */
static void bound_to_key_policy_and_bytes(void **state)
{
    struct world *w = *state;
    struct vault_data *d = fixture_data(&w->f, 1000, 5);
    struct vault_data *got = NULL;
    struct key32 other = w->key;
    struct vault_place place = w->place;
    struct vault_counts count;
    char path[FILEIO_PATH_MAX];
    struct buf file = {0};
    struct pt_err err = {0};

    assert_int_equal(vault_count(&count, &w->place, &err), PT_ESTATE);
    assert_int_equal(vault_load(&got, &w->place, &err), PT_ESTATE);
    assert_non_null(strstr(err.msg, "patto ingest"));
    assert_int_equal(vault_store_dataset(&w->place, d, &err), PT_OK);
    other.b[31] ^= 1;
    place.key = &other;
    assert_int_equal(vault_load(&got, &place, &err), PT_EBADMSG);
    assert_null(got);
    assert_int_equal(vault_count(&count, &place, &err), PT_EBADMSG);
    assert_int_equal(count.customers, 0);

    memcpy(w->f.segments[1], "renamed", 8);
    assert_int_equal(vault_count(&count, &w->place, &err), PT_ESTATE);
    assert_int_equal(vault_load(&got, &w->place, &err), PT_ESTATE);
    assert_non_null(strstr(err.msg, "run patto ingest again"));
    memcpy(w->f.segments[1], "segment1", 9);
    w->f.attributes[FIXTURE_SPEND].max = 501;
    assert_int_equal(vault_load(&got, &w->place, &err), PT_ESTATE);
    w->f.attributes[FIXTURE_SPEND].max = 500;
    w->f.policy.rules = RULES_META;
    assert_int_equal(vault_load(&got, &w->place, &err), PT_ESTATE);
    w->f.policy.rules = RULES_UID2;
    w->f.attributes[FIXTURE_SET].max_per_person = 9; /* sets are stored whole: no new ingest */
    assert_int_equal(vault_load(&got, &w->place, &err), PT_OK);
    vault_data_free(got);

    assert_int_equal(names(w, "dataset-", path, false), 1);
    assert_int_equal(fileio_read(&file, path, 1 << 24, &err), PT_OK);
    for (size_t cut = 0; cut < 6; cut++) {
        static const size_t KEEP[] = {0, 10, 24, 40, 1000};
        struct span part = {file.p, cut < 5 ? KEEP[cut] : file.n - 1};
        assert_int_equal(fileio_write(path, part, &err), PT_OK);
        assert_int_equal(vault_load(&got, &w->place, &err), PT_EBADMSG);
        assert_null(got);
    }
    for (size_t at = 0; at < file.n; at += file.n / 7) {
        file.p[at] ^= 0x40;
        assert_int_equal(fileio_write(path, buf_span(&file), &err), PT_OK);
        assert_int_equal(vault_load(&got, &w->place, &err), PT_EBADMSG);
        file.p[at] ^= 0x40;
    }
    assert_true(buf_u8(&file, 0));
    assert_int_equal(fileio_write(path, buf_span(&file), &err), PT_OK);
    assert_int_equal(vault_load(&got, &w->place, &err), PT_EBADMSG);
    unlink(path);
    assert_int_equal(vault_load(&got, &w->place, &err), PT_EIO);
    buf_free(&file);
    vault_data_free(d);
}

/* Rows [first, first + n) of d, without tokens. */
static struct vault_data *some_rows(const struct world *w, struct vault_data *d, uint64_t first,
                                    uint64_t n)
{
    struct vault_part from[POLICY_ATTRIBUTES_MAX + 1];
    struct vault_part to[POLICY_ATTRIBUTES_MAX + 1];
    struct vault_data *rows = NULL;
    struct pt_err err;

    assert_int_equal(vault_data_new(&rows, &w->f.partner, n, &err), PT_OK);
    const size_t parts = vault_parts(from, d, first, n);
    assert_int_equal(vault_parts(to, rows, 0, n), parts);
    for (size_t i = 0; i < parts; i++)
        memcpy(to[i].p, from[i].p, from[i].n);
    return rows;
}

/* All of d, in groups of those sizes. */
static enum pt_code store_in_groups(struct vault_stored *out, const struct world *w,
                                    struct vault_data *d, const uint64_t *sizes, struct pt_err *err)
{
    struct vault_writer *writer = NULL;
    uint64_t first = 0;
    enum pt_code rc = vault_writer_new(&writer, &w->place, err);

    for (size_t i = 0; first < d->count && rc == PT_OK; i++) {
        struct vault_data *rows = some_rows(w, d, first, sizes[i]);
        rc = vault_writer_add(writer, rows, err);
        first += sizes[i];
        vault_data_free(rows);
    }
    if (rc == PT_OK)
        rc = vault_writer_commit(out, writer, &d->stats, err);
    vault_writer_drop(writer);
    return rc;
}

/* Goal: rows that come in groups are stored as those that come at once, and given the tokens of the
 * dataset before, over chunks of the seal and over the groups' borders. Method: 50,000 rows, of which
 * every second had a token, 1.2 MB of pairs; then the same with a damaged file of tokens: the
 * customers come in without any. */
static void rows_come_in_groups(void **state)
{
    static const uint64_t SIZES[] = {1, 20000, 3, 29995, 1};
    struct world *w = *state;
    struct vault_data *d = fixture_data(&w->f, 50000, 11);
    struct vault_data *got = NULL;
    struct vault_stored stored;
    char path[FILEIO_PATH_MAX];
    struct buf file = {0};
    struct pt_err err = {0};
    struct token *tokens = calloc(50000, sizeof *tokens);

    assert_non_null(tokens);
    memcpy(tokens, d->tokens, 50000 * sizeof *tokens);
    assert_int_equal(vault_store_dataset(&w->place, d, &err), PT_OK);
    memcpy(d->tokens, tokens, 50000 * sizeof *tokens);
    for (size_t i = 0; i < 50000; i++)
        d->has_token[i] = i % 2 == 0;
    assert_int_equal(vault_store_tokens(&w->place, d, "p7", &err), PT_OK);

    d->stats.rows_read = 123;
    assert_int_equal(store_in_groups(&stored, w, d, SIZES, &err), PT_OK);
    assert_int_equal(stored.customers, 50000);
    assert_int_equal(stored.tokens, 25000);
    assert_string_equal(stored.key_period, "p7");
    assert_int_equal(vault_load(&got, &w->place, &err), PT_OK);
    assert_same_rows(d, got);
    assert_string_equal(got->generation, stored.generation);
    assert_int_equal(got->stats.rows_read, 123);
    assert_int_equal(got->token_count, 25000);
    for (size_t i = 0; i < 50000; i++) {
        assert_int_equal(got->has_token[i], i % 2 == 0);
        assert_true(i % 2 != 0 || memcmp(&got->tokens[i], &tokens[i], sizeof *tokens) == 0);
    }
    vault_data_free(got);
    assert_int_equal(names(w, "", NULL, false), 3); /* dataset, tokens, current */

    assert_int_equal(names(w, "tokens-", path, false), 1);
    assert_int_equal(fileio_read(&file, path, 1 << 24, &err), PT_OK);
    file.p[file.n - 20] ^= 1; /* in the last chunk: most have been carried by then */
    assert_int_equal(fileio_write(path, buf_span(&file), &err), PT_OK);
    assert_int_equal(store_in_groups(&stored, w, d, SIZES, &err), PT_OK);
    assert_int_equal(stored.tokens, 0);
    assert_string_equal(stored.key_period, "");
    assert_int_equal(vault_load(&got, &w->place, &err), PT_OK);
    assert_same_rows(d, got);
    assert_int_equal(got->token_count, 0);
    assert_int_equal(names(w, "", NULL, false), 2);
    buf_free(&file);
    free(tokens);
    vault_data_free(got);
    vault_data_free(d);
}

/* Groups that overlap, and one that is given up: what was in force stays. */
static void groups_that_do_not_ascend(void **state)
{
    struct world *w = *state;
    struct vault_data *d = fixture_data(&w->f, 100, 12);
    struct vault_data *got = NULL;
    struct vault_data *rows = some_rows(w, d, 40, 20);
    struct vault_writer *writer = NULL;
    struct pt_err err = {0};

    assert_int_equal(vault_store_dataset(&w->place, d, &err), PT_OK);
    assert_int_equal(vault_writer_new(&writer, &w->place, &err), PT_OK);
    assert_int_equal(vault_writer_add(writer, rows, &err), PT_OK);
    assert_int_equal(vault_writer_add(writer, rows, &err), PT_EBUG);
    vault_data_free(rows);
    rows = some_rows(w, d, 30, 11);
    assert_int_equal(vault_writer_add(writer, rows, &err), PT_EBUG);
    vault_writer_drop(writer);
    assert_int_equal(names(w, "", NULL, false), 2);
    assert_int_equal(vault_load(&got, &w->place, &err), PT_OK);
    assert_same_rows(d, got);
    vault_data_free(rows);
    vault_data_free(got);
    vault_data_free(d);
}

static void refuses_what_is_wrong_with_the_rows(void **state)
{
    struct world *w = *state;
    struct vault_data *d = fixture_data(&w->f, 10, 6);
    struct pt_err err = {0};
    struct vault_place nowhere = w->place;

    nowhere.dir = "absent-folder";
    assert_int_equal(vault_store_dataset(&nowhere, d, &err), PT_EIO);
    d->digests[4] = d->digests[5];
    assert_int_equal(vault_store_dataset(&w->place, d, &err), PT_EBUG);
    vault_data_free(d);
    assert_int_equal(vault_data_new(&d, &w->f.partner, VAULT_ROWS_MAX + UINT64_C(1), &err),
                     PT_ELIMIT);
    assert_null(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(tokens_are_carried_over, setup, teardown),
        cmocka_unit_test_setup_teardown(killed_ingest_leaves_the_old, setup, teardown),
        cmocka_unit_test_setup_teardown(full_disk_leaves_the_old, setup, teardown),
        cmocka_unit_test_setup_teardown(kill_at_any_instant, setup, teardown),
        cmocka_unit_test_setup_teardown(bound_to_key_policy_and_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(rows_come_in_groups, setup, teardown),
        cmocka_unit_test_setup_teardown(groups_that_do_not_ascend, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_what_is_wrong_with_the_rows, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
