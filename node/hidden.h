/* hidden.h - memory for what must not end in a core dump: customers, their tokens, their slots.
 *
 * Pages of their own that the kernel leaves out of a core (MADV_DONTDUMP), zeroed when new, wiped
 * when freed. Customers are not locked: a dataset has gigabytes. Whoever may read the process's
 * memory can read these pages too. */
#ifndef PT_HIDDEN_H
#define PT_HIDDEN_H

#include <stddef.h>

/* count * bytes zeroed bytes, fit for any type; NULL: no memory. count and bytes are above 0. */
void *hidden_new(size_t count, size_t bytes);
/* The same for one struct with keys in it: locked too, as far as the limit of locked memory goes. */
void *hidden_locked_new(size_t bytes);
void hidden_free(void *p); /* either; NULL is fine */

#endif
