#include "crypto/tile.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "crypto/base/text.h"

enum { GROUPS_MAX = 7 }; /* of three digits: 2^63 has 19 */

void tile_path(char out[TILE_PATH_MAX], const struct tile *t)
{
    char level[8] = "entries";
    unsigned group[GROUPS_MAX];
    size_t count = 0;
    uint64_t rest = t->index;
    size_t at;

    assert(t->level >= TILE_ENTRIES && t->level <= TILE_LEVEL_MAX && t->width >= 1 &&
           t->width <= TILE_WIDTH);
    if (t->level != TILE_ENTRIES)
        snprintf(level, sizeof level, "%d", t->level);
    do {
        group[count++] = (unsigned)(rest % 1000);
        rest /= 1000;
    } while (rest > 0);
    at = (size_t)snprintf(out, TILE_PATH_MAX, "tile/%s", level);
    while (count-- > 0)
        at += (size_t)snprintf(out + at, TILE_PATH_MAX - at, "/%s%03u", count > 0 ? "x" : "",
                               group[count]);
    if (t->width < TILE_WIDTH)
        snprintf(out + at, TILE_PATH_MAX - at, ".p/%u", t->width);
}

/* One name of a path. */
static struct span next_name(struct span *path)
{
    bool found;

    return text_cut(path, '/', &found);
}

/* Only the values: whether they were written in the one right way is seen by printing them. */
static bool parse_values(struct tile *t, struct span path)
{
    struct span level;
    uint32_t number;

    if (!text_eq(next_name(&path), "tile"))
        return false;
    level = next_name(&path);
    if (text_eq(level, "entries"))
        t->level = TILE_ENTRIES;
    else if (text_u32(level, &number) && number <= TILE_LEVEL_MAX)
        t->level = (int)number;
    else
        return false;
    t->width = TILE_WIDTH;
    for (size_t i = 0; path.n > 0 && i < GROUPS_MAX; i++) {
        struct span group = next_name(&path);
        bool partial = group.n > 2 && text_eq(span_of(group.p + group.n - 2, 2), ".p");
        if (partial)
            group.n -= 2;
        if (group.n > 0 && group.p[0] == 'x')
            group = span_of(group.p + 1, group.n - 1);
        if (!text_u32(group, &number) || number > 999 || t->index > (UINT64_MAX - 999) / 1000)
            return false;
        t->index = t->index * 1000 + number;
        if (partial)
            return text_u32(path, &t->width) && t->width >= 1 && t->width < TILE_WIDTH;
    }
    return path.n == 0;
}

bool tile_parse(struct tile *out, struct span path)
{
    struct tile t = {0};
    char again[TILE_PATH_MAX];

    *out = (struct tile){0};
    if (path.n >= TILE_PATH_MAX || !parse_values(&t, path))
        return false;
    tile_path(again, &t);
    if (!text_eq(path, again))
        return false;
    *out = t;
    return true;
}

uint64_t tile_level_count(int level, uint64_t size)
{
    return level <= 0 ? size : size >> TILE_HEIGHT * level;
}

unsigned tile_width(int level, uint64_t index, uint64_t size)
{
    uint64_t count = tile_level_count(level, size);
    uint64_t whole = count / TILE_WIDTH;

    if (index < whole)
        return TILE_WIDTH;
    return index == whole ? (unsigned)(count % TILE_WIDTH) : 0;
}

bool tile_entry_add(struct buf *bundle, struct span entry)
{
    size_t before = bundle->n;

    if (entry.n <= UINT16_MAX && buf_u8(bundle, (uint8_t)(entry.n >> 8)) &&
        buf_u8(bundle, (uint8_t)entry.n) && buf_add(bundle, entry.p, entry.n))
        return true;
    bundle->n = before;
    return false;
}

struct span tile_entry_next(struct rd *r)
{
    size_t n = (size_t)rd_u8(r) << 8;

    n |= rd_u8(r);
    return rd_take(r, n);
}
