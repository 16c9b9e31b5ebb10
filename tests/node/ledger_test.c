#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/ledger.h"
#include "tests/scratch.h"

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

static const int64_t MIDNIGHT_S = 1796947200; /* 2026-12-11 00:00:00 UTC */
enum { DAY_S = 86400, PERIOD_DAYS = 90 };

/* rho: 0.2 a period, 0.01 a day, 0.25 ever. */
static struct policy caps(void)
{
    return (struct policy){.version = 1,
                           .valid_from_s = MIDNIGHT_S,
                           .valid_until_s = MIDNIGHT_S + 400 * (int64_t)DAY_S,
                           .privacy = {.budget_rho_nano = 200000000,
                                       .daily_rho_nano = 10000000,
                                       .lifetime_rho_nano = 250000000,
                                       .delta_atto = 1000000000,
                                       .budget_days = PERIOD_DAYS}};
}

/* Without the reserve, so that caps are met to the nano; the reserve has a test of its own. */
static struct ledger_charge ask(uint32_t number, const char *recipient, uint64_t rho_nano)
{
    struct ledger_charge c = {.recipient = recipient,
                              .kind = "overlap",
                              .rho_nano = rho_nano,
                              .question = span_z("kind=overlap\n"),
                              .upkeep = true};

    store_u32le(c.question_id.b, number);
    return c;
}

static struct store *open_store(void **state)
{
    struct pt_err err = {0};
    struct store *s = NULL;

    if (store_open(&s, scratch_path(state, "state.db"), STORE_WRITE, &err) != PT_OK)
        fail_msg("%s", err.msg);
    return s;
}

static enum pt_code charge_at(struct ledger_result *out, struct store *s, struct ledger_charge c,
                              int64_t now_s)
{
    const struct policy p = caps();
    struct pt_err err = {0};
    enum pt_code rc = ledger_charge(out, s, &p, &c, now_s, &err);

    assert_int_equal(rc, err.code);
    return rc;
}

static uint64_t ever(struct store *s, const char *recipient)
{
    struct pt_err err = {0};
    uint64_t sum;

    assert_int_equal(store_charge_sum(&sum, s, recipient, INT64_MIN, &err), PT_OK);
    return sum;
}

/* Goal: the same question spends once, also after a restart, and says where it was recorded. */
static void same_question_spends_once(void **state)
{
    struct store *s = open_store(state);
    struct ledger_result first;
    struct ledger_result again;

    assert_int_equal(charge_at(&first, s, ask(1, "b", 1000000), MIDNIGHT_S), PT_OK);
    assert_false(first.already_paid);
    assert_int_equal(first.charged_nano, 1000000);
    assert_int_equal(first.left_nano, 9000000); /* of the day */
    assert_int_equal(first.event.sequence, 1);
    store_close(s);
    s = open_store(state);
    assert_int_equal(charge_at(&again, s, ask(1, "b", 1000000), MIDNIGHT_S + 5), PT_OK);
    assert_true(again.already_paid);
    assert_int_equal(again.charged_nano, 0);
    assert_int_equal(again.left_nano, 9000000);
    assert_int_equal(again.event.sequence, 1);
    assert_memory_equal(again.event.hash.b, first.event.hash.b, sizeof first.event.hash.b);
    assert_int_equal(ever(s, "b"), 1000000);
    store_close(s);
}

/* Goal: an id that comes back with another price or recipient is our mistake, and free of charge
 * for nobody. */
static void id_names_one_question(void **state)
{
    struct store *s = open_store(state);
    struct ledger_result r;
    struct ledger_charge other = ask(1, "b", 1000000);

    assert_int_equal(charge_at(&r, s, ask(1, "b", 1000000), MIDNIGHT_S), PT_OK);
    assert_int_equal(charge_at(&r, s, ask(1, "b", 1000001), MIDNIGHT_S), PT_EBUG);
    assert_int_equal(charge_at(&r, s, ask(1, "c", 1000000), MIDNIGHT_S), PT_EBUG);
    other.kind = "reach";
    assert_int_equal(charge_at(&r, s, other, MIDNIGHT_S), PT_EBUG);
    assert_int_equal(ever(s, "b"), 1000000);
    assert_int_equal(ever(s, "c"), 0);
    store_close(s);
}

/* Goal: each cap stops at its bound to the nano, and frees exactly when its time is over.
 * Method: rows of (seconds after the start, rho, expected); the caps are those of caps(). */
static void caps_hold(void **state)
{
    static const struct {
        int64_t at_s;
        uint64_t rho_nano;
        enum pt_code want;
    } ROWS[] = {
        {0, 10000001, PT_EDENIED},  /* over a day's worth at once */
        {0, 10000000, PT_OK},       /* exactly a day's */
        {DAY_S - 1, 1, PT_EDENIED}, /* the day is not over */
        {DAY_S, 9999999, PT_OK},    /* a new day */
        {DAY_S + 1, 2, PT_EDENIED}, /* one nano too many */
        {DAY_S + 1, 1, PT_OK},
    };
    struct store *s = open_store(state);
    struct ledger_result r;
    uint32_t id = 0;

    for (size_t i = 0; i < PT_LEN(ROWS); i++) {
        if (charge_at(&r, s, ask(id++, "b", ROWS[i].rho_nano), MIDNIGHT_S + ROWS[i].at_s) !=
            ROWS[i].want)
            fail_msg("row %zu", i);
        /* A refusal shows no numbers and leaves nothing. */
        if (ROWS[i].want != PT_OK)
            assert_int_equal(r.left_nano, 0);
    }
    assert_int_equal(ever(s, "b"), 20000000);
    /* 18 more days use up the period: 0.2 in all. */
    for (int64_t day = 2; day < 20; day++)
        assert_int_equal(charge_at(&r, s, ask(id++, "b", 10000000), MIDNIGHT_S + day * DAY_S),
                         PT_OK);
    assert_int_equal(r.left_nano, 0);
    store_close(s);
    s = open_store(state); /* caps outlive the process */
    const int64_t next_s = MIDNIGHT_S + (int64_t)PERIOD_DAYS * DAY_S;
    assert_int_equal(charge_at(&r, s, ask(id++, "b", 1), next_s - 1), PT_EDENIED);
    assert_int_equal(charge_at(&r, s, ask(id++, "b", 10000000), next_s), PT_OK);
    /* Nothing rolls over, and the lifetime cap of 0.25 is met after four more days. */
    for (int64_t day = 1; day < 5; day++)
        assert_int_equal(charge_at(&r, s, ask(id++, "b", 10000000), next_s + day * DAY_S), PT_OK);
    assert_int_equal(charge_at(&r, s, ask(id++, "b", 1), next_s + 6 * DAY_S), PT_EDENIED);
    assert_int_equal(ever(s, "b"), 250000000);
    /* Another recipient has a budget of its own. */
    assert_int_equal(charge_at(&r, s, ask(id++, "c", 10000000), next_s + 6 * DAY_S), PT_OK);
    store_close(s);
}

static struct ledger_charge question(uint32_t number, uint64_t rho_nano)
{
    struct ledger_charge c = ask(number, "b", rho_nano);

    c.upkeep = false;
    return c;
}

/* Goal: a partner that has asked all it may does not block tokens and epochs with it; what is
 * charged is charged, and when not even a size fits the refusal says until when. */
static void questions_leave_room_for_sizes(void **state)
{
    const struct policy p = caps();
    const int64_t last_s = MIDNIGHT_S + 80 * (int64_t)DAY_S; /* two weeks begun are left */
    struct store *s = open_store(state);
    struct pt_err err = {0};
    struct ledger_result r;
    struct budget_spent spent;
    uint32_t id = 0;

    /* 0.01 a day, of which a refresh is kept; the same of the 0.2 of the period. */
    assert_int_equal(charge_at(&r, s, question(id++, 9600001), MIDNIGHT_S), PT_EDENIED);
    assert_int_equal(charge_at(&r, s, question(id++, 9600000), MIDNIGHT_S), PT_OK);
    assert_int_equal(r.left_nano, 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(charge_at(&r, s, ask(id++, "b", LEDGER_PADDING_RHO_NANO), MIDNIGHT_S),
                         PT_OK);
    for (int64_t day = 1; day < 20; day++)
        assert_int_equal(charge_at(&r, s, question(id++, 9600000), MIDNIGHT_S + day * DAY_S),
                         PT_OK);
    assert_int_equal(ever(s, "b"), 20 * 9600000 + 400000);
    assert_int_equal(charge_at(&r, s, question(id++, 6800001), last_s), PT_EDENIED);
    assert_int_equal(charge_at(&r, s, question(id++, 6800000), last_s), PT_OK);
    const struct ledger_charge more = question(id++, 1);
    assert_int_equal(ledger_charge(&r, s, &p, &more, last_s + DAY_S, &err), PT_EDENIED);
    assert_non_null(strstr(err.msg, "beside what is kept for tokens and epochs: privacy.budget"));
    assert_int_equal(ledger_spent(&spent, s, &p, "b", last_s, &err), PT_OK);
    assert_int_equal(ledger_left(&p, &spent, last_s), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(charge_at(&r, s, ask(id++, "b", LEDGER_PADDING_RHO_NANO), last_s + DAY_S),
                         PT_OK);
    assert_int_equal(ever(s, "b"), p.privacy.budget_rho_nano);
    const struct ledger_charge size = ask(id++, "b", LEDGER_PADDING_RHO_NANO);
    assert_int_equal(ledger_charge(&r, s, &p, &size, last_s + DAY_S, &err), PT_EDENIED);
    assert_non_null(strstr(err.msg, "the budget of b here is spent"));
    assert_non_null(strstr(err.msg, "try again on 2027-03-11, when the next budget period begins"));
    store_close(s);
}

/* Goal: a clock set back finds no new budget. */
static void clock_set_back(void **state)
{
    struct store *s = open_store(state);
    struct ledger_result r;

    assert_int_equal(charge_at(&r, s, ask(1, "b", 10000000), MIDNIGHT_S + DAY_S), PT_OK);
    assert_int_equal(charge_at(&r, s, ask(2, "b", 1), MIDNIGHT_S), PT_EDENIED);
    store_close(s);
}

static void records_what_was_asked(void **state)
{
    struct store *s = open_store(state);
    struct pt_err err = {0};
    struct ledger_result r;
    struct ledger_charge c = ask(7, "b", LEDGER_PADDING_RHO_NANO);
    struct store_charge row;
    struct store_place head;
    struct ledger_charge long_name = ask(8, "a-name-that-no-policy-would-ever-take", 1);
    bool found;

    c.kind = "batch";
    assert_int_equal(charge_at(&r, s, c, MIDNIGHT_S), PT_OK);
    assert_int_equal(store_charge_find(&row, &found, s, &c.question_id, &err), PT_OK);
    assert_true(found);
    assert_string_equal(row.recipient, "b");
    assert_string_equal(row.kind, "batch");
    assert_int_equal(row.rho_nano, 200000);
    assert_int_equal(row.charged_at_s, MIDNIGHT_S);
    assert_int_equal(store_event_verify(&head, s, &err), PT_OK);
    assert_memory_equal(head.hash.b, r.event.hash.b, sizeof head.hash.b);
    assert_int_equal(charge_at(&r, s, long_name, MIDNIGHT_S), PT_EBUG);
    assert_int_equal(store_event_head(&head, s, &err), PT_OK);
    assert_int_equal(head.sequence, 1); /* the failed one left no event either */
    store_close(s);
}

/* Goal: by recipient, kind and day the ledger adds up to the same, over periods and a restart, and
 * also after the clock was set back. */
static void adds_up_every_way(void **state)
{
    static const struct {
        const char *recipient, *kind;
        uint64_t rho_nano;
        int day; /* from MIDNIGHT_S on */
    } charges[] = {
        {"b", "overlap", 1000, 0},   {"b", "overlap", 2000, 0}, {"b", "reach", 4000, 3},
        {"c", "overlap", 8000, 3},   {"b", "size", 16000, 89},  {"b", "overlap", 32000, 90},
        {"c", "crosstab", 64000, 7}, {"b", "reach", 128000, 6}, /* the clock went back */
    };
    struct store *s = open_store(state);
    struct ledger_result r;
    struct pt_err err = {0};
    static char names[STORE_RECIPIENTS_MAX][POLICY_NAME_MAX + 1];
    struct store_kind kinds[STORE_KINDS_MAX];
    uint64_t nano[7] = {0};
    struct store_days days = {MIDNIGHT_S, nano, 4};
    size_t n;

    for (uint32_t i = 0; i < PT_LEN(charges); i++) {
        struct ledger_charge c = ask(i, charges[i].recipient, charges[i].rho_nano);
        c.kind = charges[i].kind;
        assert_int_equal(charge_at(&r, s, c, MIDNIGHT_S + charges[i].day * (int64_t)DAY_S + 86399),
                         PT_OK);
    }
    store_close(s);
    s = open_store(state);
    assert_int_equal(store_charge_recipients(names, &n, s, &err), PT_OK);
    assert_int_equal(n, 2);
    assert_string_equal(names[0], "b");
    assert_string_equal(names[1], "c");
    assert_int_equal(store_charge_kinds(kinds, &n, s, "b", &err), PT_OK);
    assert_int_equal(n, 3);
    assert_string_equal(kinds[0].kind, "overlap");
    assert_int_equal(kinds[0].count, 3);
    assert_int_equal(kinds[0].rho_nano, 35000);
    assert_string_equal(kinds[1].kind, "reach");
    assert_int_equal(kinds[1].rho_nano, 132000);
    assert_string_equal(kinds[2].kind, "size");
    assert_int_equal(kinds[0].rho_nano + kinds[1].rho_nano + kinds[2].rho_nano, ever(s, "b"));
    /* Four days, as if it were day 3 now: what lies later is the last one's. */
    assert_int_equal(store_charge_days(&days, s, "b", &err), PT_OK);
    assert_int_equal(nano[0], 3000);
    assert_int_equal(nano[1] + nano[2], 0);
    assert_int_equal(nano[3], 4000 + 16000 + 32000 + 128000);
    assert_int_equal(nano[4], 0);
    /* The second period, everybody: days before it are not in it. */
    memset(nano, 0, sizeof nano);
    days = (struct store_days){MIDNIGHT_S + PERIOD_DAYS * (int64_t)DAY_S, nano, 7};
    assert_int_equal(store_charge_days(&days, s, NULL, &err), PT_OK);
    assert_int_equal(nano[0], 32000);
    for (size_t i = 1; i < 7; i++)
        assert_int_equal(nano[i], 0);
    store_close(s);
}

/* Goal: what questions cost us elsewhere is a sum a partner, over a restart. */
static void own_questions_add_up(void **state)
{
    struct store *s = open_store(state);
    struct pt_err err = {0};
    uint64_t nano;

    assert_int_equal(ledger_asked(&nano, s, "b", &err), PT_OK);
    assert_int_equal(nano, 0);
    assert_int_equal(ledger_asked_add(s, "b", 700, &err), PT_OK);
    assert_int_equal(ledger_asked_add(s, "b", 0, &err), PT_OK);
    store_close(s);
    s = open_store(state);
    assert_int_equal(ledger_asked_add(s, "b", 77, &err), PT_OK);
    assert_int_equal(ledger_asked(&nano, s, "b", &err), PT_OK);
    assert_int_equal(nano, 777);
    assert_int_equal(ledger_asked(&nano, s, "c", &err), PT_OK);
    assert_int_equal(nano, 0);
    assert_int_equal(store_fact_put(s, "asked.b", span_z("many"), &err), PT_OK);
    assert_int_equal(ledger_asked(&nano, s, "b", &err), PT_EIO);
    assert_int_equal(ledger_asked_add(s, "b", 1, &err), PT_EIO);
    store_close(s);
}

/* Goal: a sum that does not fit is refused, never wrapped. */
static void sums_do_not_wrap(void **state)
{
    struct store *s = open_store(state);
    struct pt_err err = {0};
    struct store_place place;
    uint64_t sum;

    for (uint32_t i = 0; i < 2; i++) {
        struct store_charge row = {.recipient = "b", .kind = "overlap", .rho_nano = INT64_MAX};
        store_u32le(row.question_id.b, i);
        assert_int_equal(store_event(&place, s, "charge", "", MIDNIGHT_S, &err), PT_OK);
        row.event = place;
        assert_int_equal(store_charge_insert(s, &row, span_z("q"), &err), PT_OK);
    }
    assert_int_not_equal(store_charge_sum(&sum, s, "b", INT64_MIN, &err), PT_OK);
    assert_int_equal(sum, 0);
    struct store_charge huge = {.recipient = "b", .kind = "overlap", .rho_nano = UINT64_MAX};
    huge.question_id.b[5] = 1;
    huge.event = place;
    assert_int_not_equal(store_charge_insert(s, &huge, span_z("q"), &err), PT_OK);
    store_close(s);
}

/* ---- crashes: every system call by which SQLite changes a file is counted, and at the n-th the
 * process is killed, or the disk is full. SQLite lets its callers replace its system calls. */

static int until_event = -1; /* calls left; negative: never */
static bool full_disk;       /* fail instead of dying */

static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_unlink)(const char *);

static bool event_is_now(void)
{
    if (until_event < 0 || until_event-- > 0)
        return false;
    if (!full_disk)
        kill(getpid(), SIGKILL);
    until_event = 0; /* a full disk stays full */
    errno = ENOSPC;
    return true;
}

static ssize_t fake_pwrite(int fd, const void *p, size_t n, off_t at)
{
    return event_is_now() ? -1 : real_pwrite(fd, p, n, at);
}
static int fake_ftruncate(int fd, off_t n)
{
    return event_is_now() ? -1 : real_ftruncate(fd, n);
}
static int fake_unlink(const char *path)
{
    return event_is_now() ? -1 : real_unlink(path);
}

static void watch_system_calls(void)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

    if (real_pwrite != NULL)
        return;
    bool wide = vfs->xGetSystemCall(vfs, "pwrite64") != NULL;
    const char *pwrite_name = wide ? "pwrite64" : "pwrite";

    real_pwrite =
        (ssize_t(*)(int, const void *, size_t, off_t))vfs->xGetSystemCall(vfs, pwrite_name);
    real_ftruncate = (int (*)(int, off_t))vfs->xGetSystemCall(vfs, "ftruncate");
    real_unlink = (int (*)(const char *))vfs->xGetSystemCall(vfs, "unlink");
    assert_int_equal(vfs->xSetSystemCall(vfs, pwrite_name, (sqlite3_syscall_ptr)fake_pwrite),
                     SQLITE_OK);
    assert_int_equal(vfs->xSetSystemCall(vfs, "ftruncate", (sqlite3_syscall_ptr)fake_ftruncate),
                     SQLITE_OK);
    assert_int_equal(vfs->xSetSystemCall(vfs, "unlink", (sqlite3_syscall_ptr)fake_unlink),
                     SQLITE_OK);
}

/* SQLite calls these directly, so they are replaced for the whole program. They are steps like the
 * others; to flush is left out, because what a killed process wrote is there all the same. */
int fdatasync(int fd)
{
    (void)fd;
    return event_is_now() ? -1 : 0;
}
int fsync(int fd)
{
    (void)fd;
    return event_is_now() ? -1 : 0;
}

enum { CHARGES = 3, STEPS_MAX = 400 };

/* In a child: open, charge CHARGES questions, report each that was acknowledged, close. */
static int charge_all(void **state, int acks_fd)
{
    struct pt_err err = {0};
    struct store *s = NULL;
    const struct policy p = caps();
    int refused = 0;

    if (store_open(&s, scratch_path(state, "state.db"), STORE_WRITE, &err) != PT_OK)
        return err.code == PT_EIO ? 1 : 2;
    for (uint32_t i = 0; i < CHARGES; i++) {
        struct ledger_result r;
        struct ledger_charge c = ask(i, "b", 1000);
        if (ledger_charge(&r, s, &p, &c, MIDNIGHT_S, &err) == PT_OK) {
            if (write(acks_fd, &i, sizeof i) != sizeof i)
                return 3;
        } else if (err.code != PT_EIO)
            return 4;
        else
            refused++;
    }
    store_close(s);
    return refused > 0 ? 1 : 0;
}

/* Run the child with the event at its n-th step. Marks acknowledged; returns the wait status. */
static int run_child(void **state, int n, bool disk_is_full, bool acknowledged[CHARGES])
{
    int fds[2];
    int status;
    uint32_t id;

    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(fds[0]);
        full_disk = disk_is_full;
        until_event = n;
        _exit(charge_all(state, fds[1]));
    }
    close(fds[1]);
    while (read(fds[0], &id, sizeof id) == sizeof id)
        acknowledged[id] = true;
    close(fds[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* After the restart: sound, chained, every acknowledged charge there, and the rest can be paid. */
static void check_after(void **state, const bool acknowledged[CHARGES])
{
    struct store *s = open_store(state);
    struct pt_err err = {0};
    struct store_place head;
    struct ledger_result r;
    uint64_t before = ever(s, "b");

    assert_int_equal(store_check(s, &err), PT_OK);
    assert_int_equal(store_event_verify(&head, s, &err), PT_OK);
    assert_int_equal(before, head.sequence * 1000); /* never one without the other */
    for (uint32_t i = 0; i < CHARGES; i++) {
        assert_int_equal(charge_at(&r, s, ask(i, "b", 1000), MIDNIGHT_S), PT_OK);
        if (acknowledged[i])
            assert_true(r.already_paid);
    }
    assert_int_equal(ever(s, "b"), CHARGES * 1000);
    store_close(s);
}

static void crash_at_every_step(void **state, bool disk_is_full)
{
    int n;

    watch_system_calls();
    for (n = 0; n < STEPS_MAX; n++) {
        bool acknowledged[CHARGES] = {false};
        int status = run_child(state, n, disk_is_full, acknowledged);
        bool untouched = WIFEXITED(status) && WEXITSTATUS(status) == 0;
        if (!untouched && disk_is_full && (!WIFEXITED(status) || WEXITSTATUS(status) != 1))
            fail_msg("step %d: the child ended with status %d", n, status);
        if (!untouched && !disk_is_full && (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL))
            fail_msg("step %d: the child ended with status %d", n, status);
        check_after(state, acknowledged);
        unlink(scratch_path(state, "state.db"));
        unlink(scratch_path(state, "state.db-wal"));
        unlink(scratch_path(state, "state.db-shm"));
        if (untouched)
            break;
    }
    /* Opening and three charges are many steps; too few would mean that nothing was watched. */
    assert_in_range(n, 20, STEPS_MAX - 1);
    print_message("%d steps\n", n);
}

/* Goal: kill -9 at every step loses no charge that was acknowledged. */
static void killed_at_every_step(void **state)
{
    crash_at_every_step(state, false);
}

/* Goal: a disk that fills up at any step makes refusals, and no more. */
static void full_at_every_step(void **state)
{
    crash_at_every_step(state, true);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        CASE(same_question_spends_once),
        CASE(id_names_one_question),
        CASE(caps_hold),
        CASE(questions_leave_room_for_sizes),
        CASE(clock_set_back),
        CASE(records_what_was_asked),
        CASE(sums_do_not_wrap),
        CASE(adds_up_every_way),
        CASE(own_questions_add_up),
        CASE(killed_at_every_step),
        CASE(full_at_every_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
