/* large.h - memory for what is read and written as a whole: in large pages where the system has them, for
 * entering thousands of small ones costs more than what is done there. */
#ifndef PT_BASE_LARGE_H
#define PT_BASE_LARGE_H

#include <stddef.h>

/* n > 0 bytes, at least 64-byte aligned, of undefined content. NULL: no memory. Free with free(). */
void *large_new(size_t n);

#endif
