/* columns_view.h - the placed records of some slots alone, for who goes through an epoch's slots window by window:
 * the attributes that are looked at lie side by side, in the order of slots. */
#ifndef PT_COLUMNS_VIEW_H
#define PT_COLUMNS_VIEW_H

#include "node/columns.h"

struct columns_view;     /* secret */
struct columns_view_in { /* borrowed until columns_view_free() */
    const struct columns_map *map;
    const struct question
        *question; /* only what its selectors look at on the map's partner is there */
};
PT_MUST_USE enum pt_code columns_view_new(struct columns_view **out,
                                          const struct columns_view_in *in, struct pt_err *err);
void columns_view_free(struct columns_view *v); /* wipes; NULL is fine */

/* To slots [first, first + slots): first is a multiple of COLUMNS_BUCKET, and so is slots, or they end where the map
 * does; else PT_EBUG. PT_ENOMEM. */
PT_MUST_USE enum pt_code columns_view_move(struct columns_view *v, uint64_t first, size_t slots,
                                           struct pt_err *err);
/* A map of these slots alone, numbered from 0: columns_slots() is their number, and a vector over it is that
 * part of the whole map's. Until the next move. Threads may share it. */
const struct columns_map *columns_view_map(const struct columns_view *v);

#endif
