/* tile.h - where a log's hashes and entries stand as files (C2SP tlog-tiles).
 *
 * A tile of level L holds up to 256 roots of complete subtrees of 256^L leaves; entries stand in
 * bundles of 256. Geometry and names only: whoever reads files is above. */
#ifndef PT_TILE_H
#define PT_TILE_H

#include "crypto/prf.h"

enum {
    TILE_WIDTH = 256,
    TILE_HEIGHT = 8,    /* levels of the tree within a tile */
    TILE_LEVEL_MAX = 7, /* of tiles: 2^63 leaves end below it */
    TILE_ENTRIES = -1,  /* as a level: the bundles of entries */
    TILE_PATH_MAX = 64,
    TILE_BYTES_MAX = TILE_WIDTH * (2 + UINT16_MAX),
};

struct tile {
    int level;      /* 0..TILE_LEVEL_MAX, or TILE_ENTRIES */
    uint64_t index; /* from 0 */
    unsigned width; /* 1..TILE_WIDTH; below it the tile is partial */
};

/* "tile/0/x001/234" or "tile/entries/000.p/17"; NUL-terminated. */
void tile_path(char out[TILE_PATH_MAX], const struct tile *t);
/* What tile_path() prints, and nothing else. */
bool tile_parse(struct tile *out, struct span path);
/* How many subtrees (or entries) the tiles of a level hold together in a tree of size leaves. */
uint64_t tile_level_count(int level, uint64_t size);
/* The width of the tile of that index in a tree of size leaves; 0: there is none. */
unsigned tile_width(int level, uint64_t index, uint64_t size);

/* One entry at the end of a bundle. False: over 65535 bytes, or memory ends. */
PT_MUST_USE bool tile_entry_add(struct buf *bundle, struct span entry);
/* The next entry of a bundle; r->bad when it is cut. Ask rd_done() for the end. */
struct span tile_entry_next(struct rd *r);

#endif
