#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <seccomp.h>

#include "crypto/base/span.h"
#include "node/sandbox.h"

enum { SURVIVED = 7, NOT_ENTERED = 8, WRONG = 9 };

/* What a process that was taken over would try. */
static void run_program(void)
{
    execl("/bin/true", "true", (char *)NULL);
}
static void start_process(void)
{
    (void)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}
static void trace(void)
{
    (void)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}
static void open_raw_socket(void)
{
    (void)socket(AF_PACKET, SOCK_RAW, 0);
}
static void be_dumpable(void)
{
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}
static void raise_core_limit(void)
{
    const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_CORE, &all);
}
static void map_code(void)
{
    (void)mmap(NULL, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static void turn_data_into_code(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(p, 4096, PROT_READ | PROT_EXEC);
}
static void silence_the_handler(void)
{
    signal(SIGSYS, SIG_IGN);
}
static void kill_parent(void)
{
    kill(getppid(), SIGCONT);
}
static void mount_over(void)
{
    (void)mount("none", "/mnt", "tmpfs", 0, NULL);
}
static void become_another(void)
{
    (void)syscall(SYS_setuid, 65534);
}
static void filter_again(void)
{
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0);
}

static int status_of(void (*act)(void), char *said, size_t cap)
{
    int pipes[2];
    int status = 0;

    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct pt_err err = {0};
        dup2(pipes[1], STDERR_FILENO);
        if (sandbox_enter(&err) != PT_OK) {
            (void)!write(STDERR_FILENO, err.msg, strlen(err.msg));
            _exit(NOT_ENTERED);
        }
        act();
        _exit(SURVIVED);
    }
    close(pipes[1]);
    size_t n = 0;
    for (ssize_t got; (got = read(pipes[0], said + n, cap - 1 - n)) > 0;)
        n += (size_t)got;
    said[n] = '\0';
    close(pipes[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* Goal: each of these ends the process, and says which call it was. */
static void forbidden_calls_end_the_process(void **state)
{
    static const struct {
        void (*act)(void);
        long number;
    } CASES[] = {
        {run_program, SYS_execve}, {start_process, SYS_clone},
        {trace, SYS_ptrace},       {open_raw_socket, SYS_socket},
        {be_dumpable, SYS_prctl},  {raise_core_limit, SYS_prlimit64},
        {map_code, SYS_mmap},      {turn_data_into_code, SYS_mprotect},
        {kill_parent, SYS_kill},   {silence_the_handler, SYS_rt_sigaction},
        {mount_over, SYS_mount},   {become_another, SYS_setuid},
        {filter_again, SYS_prctl},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(CASES); i++) {
        char said[512];
        char want[64];
        int status = status_of(CASES[i].act, said, sizeof said);
        snprintf(want, sizeof want, "system call %ld is not among those", CASES[i].number);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != SANDBOX_STATUS ||
            strstr(said, want) == NULL)
            fail_msg("case %zu: status %x, said: %s", i, (unsigned)status, said);
    }
}

static void *count_up(void *arg)
{
    ++*(int *)arg;
    return NULL;
}

/* A thread, a file, memory, sockets, the state that `doctor` reads. */
static void work(void)
{
    struct sandbox_state s;
    pthread_t thread;
    int counted = 0;
    char byte = 0;
    int pair[2];

    if (pthread_create(&thread, NULL, count_up, &counted) != 0 || pthread_join(thread, NULL) != 0 ||
        counted != 1)
        _exit(WRONG);
    FILE *f = tmpfile();
    if (f == NULL || fputs("x", f) < 0 || fflush(f) != 0 || fsync(fileno(f)) != 0)
        _exit(WRONG);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 || write(pair[0], "y", 1) != 1 ||
        read(pair[1], &byte, 1) != 1 || byte != 'y')
        _exit(WRONG);
    sandbox_look(&s, getpid());
    if (!s.known || !s.no_new_privileges || !s.filtered)
        _exit(WRONG);
}

/* Goal: what a node needs goes on, and the kernel says that the filter is there. */
static void needed_calls_go_on(void **state)
{
    struct sandbox_state before;
    struct sandbox_state s;
    char said[512];

    sandbox_look(&before, getpid());
    int status = status_of(work, said, sizeof said);

    (void)state;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != SURVIVED)
        fail_msg("status %x, said: %s", (unsigned)status, said);
    sandbox_look(&s, getpid()); /* this process gave nothing up: a container may have */
    assert_true(s.known);
    assert_int_equal(s.filtered, before.filtered);
    assert_int_equal(s.no_new_privileges, before.no_new_privileges);
    sandbox_look(&s, 0x7ffffffe);
    assert_false(s.known);
}

/* A kernel, or a container's profile, that gives no filter. */
static bool refuse_filters(void)
{
    scmp_filter_ctx c = seccomp_init(SCMP_ACT_ALLOW);
    bool good = c != NULL &&
                seccomp_rule_add(c, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(seccomp), 0) == 0 &&
                seccomp_rule_add(c, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prctl), 1,
                                 SCMP_A0(SCMP_CMP_EQ, PR_SET_SECCOMP, 0)) == 0 &&
                seccomp_load(c) == 0;

    seccomp_release(c);
    return good;
}

/* Goal: where the kernel refuses, nothing goes on as if it had not, and the sentence says what to do. */
static void a_kernel_that_refuses_is_said(void **state)
{
    int status = 0;

    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct pt_err err = {0};
        if (!refuse_filters())
            _exit(NOT_ENTERED);
        bool right = sandbox_enter(&err) == PT_EDENIED && strstr(err.msg, "seccomp") != NULL &&
                     strstr(err.msg, "--without-filter") != NULL;
        _exit(right ? 0 : WRONG);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forbidden_calls_end_the_process),
        cmocka_unit_test(needed_calls_go_on),
        cmocka_unit_test(a_kernel_that_refuses_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
