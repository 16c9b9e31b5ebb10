/* Properties: a path that parses is the one that is printed for the same tile and stays below
 * "tile/"; entries of a bundle that is read to its end, added again, make the same bytes. The first
 * byte chooses the parser. */
#include <string.h>

#include "crypto/tile.h"

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static void try_path(struct span in)
{
    struct tile t;
    char again[TILE_PATH_MAX];

    if (!tile_parse(&t, in))
        return;
    tile_path(again, &t);
    require(span_eq_vartime(in, span_z(again)));
    require(memcmp(again, "tile/", 5) == 0 && strstr(again, "..") == NULL);
    require(t.width >= 1 && t.width <= TILE_WIDTH);
}

static void try_bundle(struct span in)
{
    struct rd r = {.in = in};
    struct buf again = {0};

    while (!r.bad && r.at < in.n) {
        struct span entry = tile_entry_next(&r);
        if (!r.bad)
            require(tile_entry_add(&again, entry));
    }
    if (rd_done(&r))
        require(span_eq_vartime(buf_span(&again), in));
    buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] % 2 == 0)
        try_path(span_of(data + 1, size - 1));
    else
        try_bundle(span_of(data + 1, size - 1));
    return 0;
}
