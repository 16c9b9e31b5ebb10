/* columns_made.h - the digests of own columns that this process has encrypted already, so that a
 * table's columns are not encrypted again at each question: the last 1024. Any thread.
 *
 * A name is a keyed digest of all that a ciphertext is a function of (own_columns.c), so that what is
 * found is what would be made. After a restart nothing is known, and they are encrypted once more. */
#ifndef PT_COLUMNS_MADE_H
#define PT_COLUMNS_MADE_H

#include "crypto/prf.h"

#include <stdbool.h>

struct columns_made;                         /* NULL is fine everywhere: nothing is remembered */
struct columns_made *columns_made_new(void); /* NULL: no memory */
void columns_made_free(struct columns_made *m);
bool columns_made_find(struct digest *out, struct columns_made *m, const struct digest *name);
void columns_made_keep(struct columns_made *m, const struct digest *name,
                       const struct digest *digest);

#endif
