/* Goal: after sandbox_enter() a process computes and writes as before, and starts nothing, traces
 * nothing and opens no other kind of socket. Method: a child for each deed; its exit status says
 * what became of it. */
#include "node/sandbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FINE = 0, WRONG = 7, NO_FILTER = 8 };

static int do_exec(void)
{
    execl("/bin/true", "true", (char *)NULL);
    return WRONG;
}

static int do_fork(void)
{
    return fork() < 0 ? WRONG : FINE;
}

static int do_trace(void)
{
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? FINE : WRONG;
}

static int do_raw_socket(void)
{
    return socket(AF_PACKET, SOCK_RAW, 0) >= 0 ? FINE : WRONG;
}

static int do_code(void)
{
    void *p =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p != MAP_FAILED ? FINE : WRONG;
}

static int do_data_to_code(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p != MAP_FAILED && mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0 ? FINE : WRONG;
}

static int do_undo(void)
{
    return signal(SIGSYS, SIG_IGN) != SIG_ERR ? FINE : WRONG;
}

static int do_kill_others(void)
{
    return kill(getppid(), 0) == 0 ? FINE : WRONG;
}

static void *say_fine(void *arg)
{
    *(int *)arg = FINE;
    return NULL;
}

static int do_thread(void)
{
    pthread_t t;
    int said = WRONG;

    if (pthread_create(&t, NULL, say_fine, &said) != 0)
        return WRONG;
    pthread_join(t, NULL);
    return said;
}

static int do_files(void)
{
    char name[] = "/tmp/patto-sandbox-XXXXXX";
    int fd = mkstemp(name);
    bool good = fd >= 0 && write(fd, "x", 1) == 1 && fsync(fd) == 0 && unlink(name) == 0;

    return good ? FINE : WRONG;
}

static int do_socket(void)
{
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    return fd >= 0 || errno == EAFNOSUPPORT ? FINE : WRONG;
}

static int do_look(void)
{
    struct sandbox_state s;

    sandbox_look(&s, (long)getpid());
    return s.known && s.no_new_privileges && s.filtered ? FINE : WRONG;
}

static int status_of(int (*deed)(void))
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        struct pt_err err;
        int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
        (void)dup2(fd, STDERR_FILENO); /* what the handler says is for operators */
        _exit(sandbox_enter(&err) != PT_OK ? NO_FILTER : deed());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_not_equal(WEXITSTATUS(status), NO_FILTER);
    return WEXITSTATUS(status);
}

static void what_a_node_needs_it_may(void **state)
{
    (void)state;
    assert_int_equal(status_of(do_thread), FINE);
    assert_int_equal(status_of(do_files), FINE);
    assert_int_equal(status_of(do_socket), FINE);
    assert_int_equal(status_of(do_look), FINE);
}

static void all_else_ends_it(void **state)
{
    static int (*const DEEDS[])(void) = {do_exec, do_fork,         do_trace, do_raw_socket,
                                         do_code, do_data_to_code, do_undo,  do_kill_others};

    (void)state;
    for (size_t i = 0; i < sizeof DEEDS / sizeof DEEDS[0]; i++)
        assert_int_equal(status_of(DEEDS[i]), SANDBOX_STATUS);
}

/* Goal: this process, which gave nothing up, is told from one that did; one that is not there too. */
static void looking_tells_them_apart(void **state)
{
    struct sandbox_state s;

    (void)state;
    sandbox_look(&s, (long)getpid());
    assert_true(s.known && !s.filtered);
    sandbox_look(&s, 0x7fffffff);
    assert_false(s.known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_node_needs_it_may),
        cmocka_unit_test(all_else_ends_it),
        cmocka_unit_test(looking_tells_them_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
