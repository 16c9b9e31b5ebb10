/* columns_made.h - what this process knows of own columns that it has encrypted already, so that a table's
 * columns are not made again at each question: the last 1024. Any thread.
 *
 * A name is a keyed digest of epoch, partner and column name, of which the values are a function: what
 * is found is what would be made. After a restart nothing is known, and they are made once more. */
#ifndef PT_COLUMNS_MADE_H
#define PT_COLUMNS_MADE_H

#include "crypto/prf.h"

#include <stdbool.h>

struct column_made {      /* secret */
    struct digest digest; /* of the ciphertext */
    struct digest values; /* epoch_values_digest() */
    uint64_t energy,
        size; /* own_columns_packed(), of a question that looks at slots below slot_end */
    uint64_t slot_end;
};
PT_SECRET_TYPE(column_made);

struct columns_made;                         /* NULL is fine everywhere: nothing is remembered */
struct columns_made *columns_made_new(void); /* NULL: no memory */
void columns_made_free(struct columns_made *m);
bool columns_made_find(struct column_made *out, struct columns_made *m, const struct digest *name);
/* In place of what has that name, if anything has. */
void columns_made_keep(struct columns_made *m, const struct digest *name,
                       const struct column_made *column);

#endif
