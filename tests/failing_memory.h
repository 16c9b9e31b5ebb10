/* failing_memory.h - memory that ends at a chosen call, in a program linked with MEMORY_ENDS of the
 * Makefile: the linker sends our own objects' calls here, other libraries' not. Include it once. */
#ifndef PT_TESTS_FAILING_MEMORY_H
#define PT_TESTS_FAILING_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

/* Test state: the seam has no other way in. */
static size_t memory_left = SIZE_MAX; /* calls that still succeed */
static bool memory_once;              /* only the next one fails, those after it succeed */
static bool memory_failed;            /* some call has failed */

static bool memory_ends(void)
{
    if (memory_left == SIZE_MAX)
        return false;
    if (memory_left > 0) {
        memory_left--;
        return false;
    }
    memory_failed = true;
    if (memory_once)
        memory_left = SIZE_MAX;
    return true;
}

static inline void memory_end_after(size_t calls, bool once)
{
    memory_left = calls;
    memory_once = once;
    memory_failed = false;
}

static inline void memory_is_enough(void)
{
    memory_left = SIZE_MAX;
}

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's names */
#define MEMORY_CALL(name, args, ...)                                                               \
    void *__real_##name args;                                                                      \
    void *__wrap_##name args;                                                                      \
    void *__wrap_##name args                                                                       \
    {                                                                                              \
        return memory_ends() ? NULL : __real_##name(__VA_ARGS__);                                  \
    }
MEMORY_CALL(malloc, (size_t n), n)
MEMORY_CALL(calloc, (size_t count, size_t n), count, n)
MEMORY_CALL(realloc, (void *p, size_t n), p, n)
MEMORY_CALL(aligned_alloc, (size_t align, size_t n), align, n)
MEMORY_CALL(strdup, (const char *s), s)
MEMORY_CALL(sodium_malloc, (size_t n), n)
#undef MEMORY_CALL
void *__real_mmap(void *at, size_t n, int prot, int flags, int fd, off_t from);
void *__wrap_mmap(void *at, size_t n, int prot, int flags, int fd, off_t from);
void *__wrap_mmap(void *at, size_t n, int prot, int flags, int fd, off_t from)
{
    return memory_ends() ? MAP_FAILED : __real_mmap(at, n, prot, flags, fd, from);
}
/* NOLINTEND(bugprone-reserved-identifier) */

#endif
