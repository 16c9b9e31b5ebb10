/* An ingest of many rows: what passes through the disk, and what stays in memory. */
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/fileio.h"
#include "tests/ingest_fixture.h"
#include "tests/policy_fixture.h"

#define MAP                                                                                        \
    "patto-map: 1\nform: wide\nidentifier: {column: email}\nattributes:\n"                         \
    "  segment: {column: status}\n"                                                                \
    "  buys: {column: basket, separator: \"|\"}\n"                                                 \
    "  spend: {column: revenue}\n"

static char dir[] = P_tmpdir "/patto-ingest-XXXXXX";
static char csv_path[FILEIO_PATH_MAX];
static struct policy *policy;
static size_t segment, buys, spend; /* where the policy has them */

static int setup(void **state)
{
    struct pt_err err;

    (void)state;
    policy = fixture_policy(2);
    segment = (size_t)policy_find_attribute(&policy->partners[0], "segment");
    buys = (size_t)policy_find_attribute(&policy->partners[0], "buys");
    spend = (size_t)policy_find_attribute(&policy->partners[0], "spend");
    return mkdtemp(dir) == NULL || fileio_join(csv_path, dir, "customers.csv", &err) != PT_OK;
}

static int teardown(void **state)
{
    (void)state;
    policy_free(policy);
    unlink(csv_path);
    return rmdir(dir); /* fails when ingest left something */
}

static void write_people(uint64_t people, uint64_t rows_each)
{
    FILE *f = fopen(csv_path, "w");

    assert_non_null(f);
    fputs("email,status,basket,revenue\n", f);
    for (uint64_t round = 0; round < rows_each; round++)
        for (uint64_t i = 0; i < people; i++)
            fprintf(f, "c%" PRIu64 "@example.com,%s,%s,%" PRIu64 "\n", i,
                    (round + i) % 3 == 0 ? "new" : "", round % 2 == 0 ? "dairy" : "fruit|meat",
                    round % 4);
    assert_int_equal(fclose(f), 0);
}

/* Goal: a person's rows merge in the order of the file when there are so many that they were on the
 * disk meanwhile. Method: 20 people of 2,000 rows, seven times what a part holds in memory. */
static void many_rows_of_one_person_merge(void **state)
{
    struct policy_attribute *a = &policy->partners[0].attributes[spend];
    const enum attribute_combine was = a->combine;
    const struct ingest_in in = {.path = csv_path, .policy = policy, .spool_dir = dir};
    struct run r;

    (void)state;
    a->combine = COMBINE_LAST;
    write_people(20, 2000);
    ingest_run_with(&r, &in, MAP);
    a->combine = was;
    assert_good(&r);
    assert_int_equal(r.report.rows, 40000);
    assert_int_equal(r.data->count, 20);
    for (size_t i = 0; i < 20; i++) {
        char name[40];
        snprintf(name, sizeof name, "c%zu@example.com", i);
        const size_t row = row_of(r.data, name);
        assert_int_equal(r.data->columns[segment].category[row], 0);
        assert_int_equal(r.data->columns[buys].set[row], 1 << 0 | 1 << 1 | 1 << 4);
        assert_true(r.data->columns[spend].number[row] == 1999 % 4);
        assert_true(i == 0 || memcmp(&r.data->digests[i - 1], &r.data->digests[i], 32) < 0);
    }
    vault_data_free(r.data);
}

static enum pt_code pass_over(void *context, struct vault_data *rows, struct pt_err *err)
{
    (void)context, (void)rows, (void)err;
    return PT_OK;
}

static bool ingests(uint64_t people)
{
    static struct ingest_report report;
    const struct map_for to = {policy, 0, dir};
    struct map *map = NULL;
    struct pt_err err;

    if (map_parse(&map, span_z(MAP), &to, &err) != PT_OK)
        return false;
    const struct ingest_in in = {
        .path = csv_path, .map = map, .policy = policy, .spool_dir = dir, .take = pass_over};
    const bool good = ingest_run(&report, &in, &err) == PT_OK && report.customers == people;
    map_free(map);
    return good;
}

/* The most memory, in KiB, that a process of its own had while it ingested so many people. */
static long peak_of(uint64_t people)
{
    struct rusage u;
    int status;

    write_people(people, 1);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(ingests(people) ? 0 : 1);
    assert_int_equal(wait4(child, &status, 0, &u), child);
    assert_int_equal(status, 0);
    return u.ru_maxrss;
}

/* AddressSanitizer keeps what was freed. */
#ifdef __has_feature
enum { SANITIZED = __has_feature(address_sanitizer) };
#elif defined __SANITIZE_ADDRESS__
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

/* Goal: memory does not grow with the customers, once each part holds as much as it can: ten bytes each
 * would be too much, where a row of this policy has 51. */
static void memory_is_flat(void **state)
{
    (void)state;
    const long few = peak_of(400000);
    const long many = peak_of(900000);
    if (!SANITIZED && many - few > 500000 * 10 / 1024)
        fail_msg("%ld KiB for 400,000 customers, %ld for 900,000", few, many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_rows_of_one_person_merge),
        cmocka_unit_test(memory_is_flat),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
