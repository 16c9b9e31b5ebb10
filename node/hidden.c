#include "node/hidden.h"

#include "crypto/base/span.h"

#include <string.h>
#include <sys/mman.h>

enum { HEAD = 64 }; /* before what we give away: its length, for hidden_free() */

void *hidden_new(size_t count, size_t bytes)
{
    size_t body;
    size_t whole;

    if (!pt_mul(count, bytes, &body) || body == 0 || !pt_add(body, HEAD, &whole))
        return NULL;
    /* All of it will be written: pages that come one by one cost several times as much. */
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
    /* cppcheck-suppress invalidFunctionArg ; -1 is what an anonymous mapping has for a file */
    uint8_t *p = mmap(NULL, whole, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    if (madvise(p, whole, MADV_DONTDUMP) != 0) {
        munmap(p, whole);
        return NULL;
    }
    memcpy(p, &whole, sizeof whole);
    return p + HEAD;
}

void *hidden_locked_new(size_t bytes)
{
    uint8_t *p = hidden_new(1, bytes);

    /* As sodium_malloc() does: where the limit is low, they may be swapped, and `doctor` says so. */
    if (p != NULL)
        (void)mlock(p - HEAD, bytes + HEAD);
    return p;
}

void hidden_free(void *p)
{
    size_t whole;

    if (p == NULL)
        return;
    uint8_t *first = (uint8_t *)p - HEAD;
    memcpy(&whole, first, sizeof whole);
    explicit_bzero(first, whole);
    munmap(first, whole);
}
