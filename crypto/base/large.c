#include "crypto/base/large.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { LARGE_PAGE = 1 << 21, SMALL_ALIGN = 64 };

void *large_new(size_t n)
{
    const size_t align = n < LARGE_PAGE ? SMALL_ALIGN : LARGE_PAGE;

    if (n > SIZE_MAX - LARGE_PAGE)
        return NULL;
    void *p = aligned_alloc(align, (n + align - 1) / align * align);
#ifdef MADV_HUGEPAGE
    if (p != NULL && align == LARGE_PAGE)
        (void)madvise(p, n, MADV_HUGEPAGE); /* advice only */
#endif
    return p;
}
