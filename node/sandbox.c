#include "node/sandbox.h"

#include "crypto/base/span.h"
#include "crypto/base/text.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* By what needs them, words; a name that this machine's kernel interface lacks is passed over. Both
 * the old and the new form of a call are here: which one libc takes depends on its version. */
static const char *const ALLOWED[] = {
    /* files: SQLite, the home, the settings of the resolver and of OpenSSL */
    "access chdir chmod close close_range creat dup dup2 dup3 faccessat faccessat2 fallocate",
    "fchdir fchmod fchmodat fchown fcntl fdatasync flock fstat fstatfs fsync ftruncate getcwd",
    "getdents getdents64 link linkat lseek lstat mkdir mkdirat newfstatat open openat pread64",
    "preadv pwrite64 pwritev read readlink readlinkat readv rename renameat renameat2 rmdir stat",
    "statfs statx symlink symlinkat sync_file_range truncate umask unlink unlinkat utimensat",
    "write writev",
    /* sockets and waiting: gRPC */
    "accept accept4 bind connect epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2",
    "epoll_wait eventfd eventfd2 getpeername getsockname getsockopt listen pipe pipe2 poll ppoll",
    "pselect6 recvfrom recvmmsg recvmsg select sendmmsg sendmsg sendto setsockopt shutdown",
    "socketpair",
    /* threads, memory, time */
    "arch_prctl brk clock_getres clock_gettime clock_nanosleep exit exit_group futex getcpu",
    "getegid geteuid getgid getpid getppid getrandom getrlimit getrusage gettid gettimeofday",
    "getuid madvise membarrier mincore mlock mlock2 mremap munlock munmap nanosleep rseq",
    "restart_syscall rt_sigpending rt_sigprocmask rt_sigreturn rt_sigtimedwait sched_getaffinity",
    "sched_getparam sched_getscheduler sched_get_priority_max sched_get_priority_min sched_yield",
    "set_robust_list set_tid_address sigaltstack sysinfo time times uname",
};

/* Allowed with some values of one argument only. */
static const struct narrowed {
    const char *name;
    unsigned argument;
    enum scmp_compare compare;
    uint64_t a, b; /* of MASKED_EQ: the mask, and what must be there */
} NARROWED[] = {
    /* Threads, never processes: glibc tries clone3 first, see below. */
    {"clone", 0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD},
    {"socket", 0, SCMP_CMP_EQ, AF_UNIX, 0},
    {"socket", 0, SCMP_CMP_EQ, AF_INET, 0},
    {"socket", 0, SCMP_CMP_EQ, AF_INET6, 0},
    {"socket", 0, SCMP_CMP_EQ, AF_NETLINK, 0}, /* getaddrinfo: which addresses have we? */
    {"ioctl", 1, SCMP_CMP_EQ, FIONREAD, 0},
    {"ioctl", 1, SCMP_CMP_EQ, FIONBIO, 0},
    {"ioctl", 1, SCMP_CMP_EQ, TCGETS, 0}, /* is the log a terminal? */
    {"prctl", 0, SCMP_CMP_EQ, PR_SET_NAME, 0},
    {"prctl", 0, SCMP_CMP_EQ, PR_GET_DUMPABLE, 0},
    /* Limits are read, not set: no core dumps stays so. */
    {"prlimit64", 2, SCMP_CMP_EQ, 0, 0},
    /* The handler that tells of a violation stays in place. */
    {"rt_sigaction", 0, SCMP_CMP_NE, SIGSYS, 0},
    /* Nothing becomes code that was data; libraries of the resolver may still be loaded. */
    {"mprotect", 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0},
    {"mmap", 2, SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, 0},
    {"mmap", 2, SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, PROT_WRITE},
    {"mmap", 2, SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, PROT_EXEC},
};

static int allow(scmp_filter_ctx c, const char *name, const struct narrowed *n)
{
    int number = seccomp_syscall_resolve_name(name);

    if (number == __NR_SCMP_ERROR)
        return 0;
    if (n == NULL)
        return seccomp_rule_add(c, SCMP_ACT_ALLOW, number, 0);
    const struct scmp_arg_cmp when = {n->argument, n->compare, n->a, n->b};
    return seccomp_rule_add_array(c, SCMP_ACT_ALLOW, number, 1, &when);
}

static int allow_words(scmp_filter_ctx c, const char *words)
{
    char name[32];
    int failed = 0;

    while (failed == 0 && *words != '\0') {
        size_t n = strcspn(words, " ");
        if (!text_copy(name, sizeof name, span_of(words, n)))
            return -ENAMETOOLONG;
        failed = allow(c, name, NULL);
        words += n + (words[n] == ' ');
    }
    return failed;
}

static int allow_all(scmp_filter_ctx c)
{
    int failed = 0;

    for (size_t i = 0; failed == 0 && i < PT_LEN(ALLOWED); i++)
        failed = allow_words(c, ALLOWED[i]);
    for (size_t i = 0; failed == 0 && i < PT_LEN(NARROWED); i++)
        failed = allow(c, NARROWED[i].name, &NARROWED[i]);
    return failed;
}

/* The flags of clone3 are behind a pointer, where a filter cannot look: glibc takes clone then. An
 * abort may still kill this process, and no other. */
static int allow_rest(scmp_filter_ctx c)
{
    struct scmp_arg_cmp ours = {0, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0};
    int clone3 = seccomp_syscall_resolve_name("clone3");
    int failed = seccomp_rule_add_array(c, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &ours);

    if (failed == 0 && clone3 != __NR_SCMP_ERROR)
        failed = seccomp_rule_add(c, SCMP_ACT_ERRNO(ENOSYS), clone3, 0);
    return failed;
}

/* Only what may be called from a handler. The process is not to be trusted any more: no exit code
 * of ours runs. */
static void tell_and_end(int signal, siginfo_t *info, void *context)
{
    static const char BEFORE[] = "patto: system call ";
    static const char AFTER[] =
        " is not among those that a node needs: the process ends here. If nobody attacked it, this "
        "is a mistake in patto: please report it with this line\n";
    char digits[12];
    size_t at = sizeof digits;
    unsigned number = (unsigned)info->si_syscall;

    (void)signal;
    (void)context;
    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0 && at > 0);
    if (write(STDERR_FILENO, BEFORE, sizeof BEFORE - 1) < 0 ||
        write(STDERR_FILENO, digits + at, sizeof digits - at) < 0 ||
        write(STDERR_FILENO, AFTER, sizeof AFTER - 1) < 0)
        _exit(SANDBOX_STATUS);
    _exit(SANDBOX_STATUS);
}

static int load(void)
{
    scmp_filter_ctx c = seccomp_init(SCMP_ACT_TRAP);
    int failed = c == NULL ? -ENOMEM : seccomp_attr_set(c, SCMP_FLTATR_CTL_TSYNC, 1);

    if (failed == 0 && (failed = allow_all(c)) == 0 && (failed = allow_rest(c)) == 0)
        failed = seccomp_load(c);
    seccomp_release(c);
    return failed;
}

enum pt_code sandbox_enter(struct pt_err *err)
{
    struct sigaction told = {.sa_sigaction = tell_and_end, .sa_flags = SA_SIGINFO};

    sigemptyset(&told.sa_mask);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || sigaction(SIGSYS, &told, NULL) != 0)
        return pt_fail(err, PT_EDENIED, "privileges cannot be given up: %s", strerror(errno));
    int failed = load();
    if (failed == 0)
        return PT_OK;
    return pt_fail(
        err, PT_EDENIED,
        "this kernel takes no filter of system calls (seccomp: %s). Run where it does; a "
        "container's profile may forbid it. `patto serve --without-filter` runs all the "
        "same, and then nothing holds whoever takes the process over but the user it "
        "runs as",
        strerror(-failed));
}

/* "Seccomp:\t2" of /proc/PID/status: does the field have that value? */
static bool field_is(const char *line, const char *name, const char *value)
{
    size_t n = strlen(name);

    if (strncmp(line, name, n) != 0 || line[n] != ':')
        return false;
    line += n + 1 + strspn(line + n + 1, " \t");
    return strncmp(line, value, strlen(value)) == 0 && strchr(" \t\n", line[strlen(value)]) != NULL;
}

static FILE *open_of(long pid, const char *name)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%ld/%s", pid, name);
    return fopen(path, "re");
}

void sandbox_look(struct sandbox_state *out, long pid)
{
    char line[256];
    bool limits = false;

    *out = (struct sandbox_state){0};
    FILE *f = open_of(pid, "status");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        out->known = true;
        out->no_new_privileges |= field_is(line, "NoNewPrivs", "1");
        out->filtered |= field_is(line, "Seccomp", "2");
    }
    if (f != NULL)
        fclose(f);
    f = open_of(pid, "limits");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "Max core file size ", 19) == 0) {
            limits = true;
            const char *soft = line + 19 + strspn(line + 19, " ");
            out->no_core = strncmp(soft, "0 ", 2) == 0;
        }
    if (f != NULL)
        fclose(f);
    out->known = out->known && limits;
}
