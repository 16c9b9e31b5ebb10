#include "node/logdir.h"

#include "crypto/note.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENTRY_BYTES = 32, CHECKPOINT_MAX = NOTE_BYTES_MAX };

static enum pt_code no_memory(struct pt_err *err)
{
    return pt_fail(err, PT_ENOMEM, "no memory for a tile of the log");
}

/* What the file of a tile holds. */
static enum pt_code content(struct buf *out, const struct logdir_tree *t, const struct tile *tile,
                            struct pt_err *err)
{
    uint64_t first = tile->index * TILE_WIDTH;

    out->n = 0;
    if (tile->level != TILE_ENTRIES) {
        struct span hashes =
            merkle_levels_at(t->levels, TILE_HEIGHT * (unsigned)tile->level, first, tile->width);
        return buf_add(out, hashes.p, hashes.n) ? PT_OK : no_memory(err);
    }
    for (uint64_t i = first; i < first + tile->width; i++)
        if (!tile_entry_add(out, span_of(t->entries.p + i * ENTRY_BYTES, ENTRY_BYTES)))
            return no_memory(err);
    return PT_OK;
}

/* Every folder of path below dir. */
static enum pt_code make_folders(const char *dir, const char *path, struct pt_err *err)
{
    char at[FILEIO_PATH_MAX];

    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return pt_fail(err, PT_EIO, "making folder %s: %s", dir, strerror(errno));
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        char part[TILE_PATH_MAX];
        snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        if (fileio_join(at, dir, part, err) != PT_OK)
            return err->code;
        if (mkdir(at, 0700) != 0 && errno != EEXIST)
            return pt_fail(err, PT_EIO, "making folder %s: %s", at, strerror(errno));
    }
    return PT_OK;
}

/* The partial tiles of one that is full now: whoever asks for them takes the full one. */
static void drop_partial(const char *dir, const struct tile *full)
{
    char path[TILE_PATH_MAX];
    char at[FILEIO_PATH_MAX];
    struct pt_err ignored;
    struct tile t = *full;

    for (t.width = 1; t.width < TILE_WIDTH; t.width++) {
        tile_path(path, &t);
        if (fileio_join(at, dir, path, &ignored) == PT_OK)
            (void)unlink(at);
    }
    *strrchr(at, '/') = '\0';
    (void)rmdir(at);
}

static enum pt_code write_tile(const char *dir, const struct logdir_tree *t,
                               const struct tile *tile, struct pt_err *err)
{
    char path[TILE_PATH_MAX];
    char at[FILEIO_PATH_MAX];
    struct buf bytes = {0};
    enum pt_code rc;

    tile_path(path, tile);
    if ((rc = fileio_join(at, dir, path, err)) == PT_OK &&
        (rc = make_folders(dir, path, err)) == PT_OK &&
        (rc = content(&bytes, t, tile, err)) == PT_OK)
        rc = fileio_write(at, buf_span(&bytes), err);
    buf_free(&bytes);
    if (rc == PT_OK && tile->width == TILE_WIDTH)
        drop_partial(dir, tile);
    return rc;
}

static enum pt_code write_level(const char *dir, const struct logdir_tree *t, int level,
                                struct merkle_range range, struct pt_err *err)
{
    struct tile tile = {.level = level, .index = tile_level_count(level, range.old) / TILE_WIDTH};
    enum pt_code rc = PT_OK;

    for (; rc == PT_OK; tile.index++) {
        tile.width = tile_width(level, tile.index, range.size);
        if (tile.width == 0)
            break;
        if (tile.width != tile_width(level, tile.index, range.old))
            rc = write_tile(dir, t, &tile, err);
    }
    return rc;
}

enum pt_code logdir_write(const char *dir, const struct logdir_tree *t, struct merkle_range range,
                          struct pt_err *err)
{
    enum pt_code rc = PT_OK;

    for (int level = TILE_ENTRIES; rc == PT_OK && level <= TILE_LEVEL_MAX; level++)
        if (tile_level_count(level, range.size) > 0)
            rc = write_level(dir, t, level, range, err);
    return rc;
}

/* ---- checking ---- */

/* A partial tile may have given way to the full one, which begins alike. */
static enum pt_code read_tile(struct buf *out, size_t *extra, const char *dir, struct tile tile,
                              struct pt_err *err)
{
    char path[TILE_PATH_MAX];
    char at[FILEIO_PATH_MAX];

    out->n = 0;
    *extra = 0;
    tile_path(path, &tile);
    if (fileio_join(at, dir, path, err) != PT_OK)
        return err->code;
    if (!fileio_exists(at) && tile.width < TILE_WIDTH) {
        tile.width = TILE_WIDTH;
        *extra = TILE_BYTES_MAX;
        tile_path(path, &tile);
        if (fileio_join(at, dir, path, err) != PT_OK)
            return err->code;
    }
    return fileio_read(out, at, TILE_BYTES_MAX, err);
}

/* The first place at which they differ; the length of want when its beginning is all there. */
static size_t difference(struct span want, struct span got)
{
    size_t i = 0;

    while (i < want.n && i < got.n && want.p[i] == got.p[i])
        i++;
    return i;
}

static enum pt_code check_tile(const char *dir, const struct logdir_tree *t,
                               const struct tile *tile, struct pt_err *err)
{
    size_t one = tile->level == TILE_ENTRIES ? ENTRY_BYTES + 2 : sizeof(struct digest);
    unsigned scale = tile->level > 0 ? TILE_HEIGHT * (unsigned)tile->level : 0;
    char path[TILE_PATH_MAX];
    struct buf want = {0};
    struct buf got = {0};
    struct pt_err missing;
    size_t extra;
    enum pt_code rc = content(&want, t, tile, err);

    tile_path(path, tile);
    if (rc == PT_OK && read_tile(&got, &extra, dir, *tile, &missing) != PT_OK)
        rc = pt_fail(err, PT_EBADMSG, "log/%s: %s", path, missing.msg);
    if (rc == PT_OK) {
        size_t at = difference(buf_span(&want), buf_span(&got));
        uint64_t event = (tile->index * TILE_WIDTH + at / one) << scale;
        if (at < want.n || got.n - want.n > extra)
            rc = pt_fail(err, PT_EBADMSG,
                         "log/%s was changed or cut: it differs from what state.db holds at event "
                         "%" PRIu64,
                         path, event + 1);
    }
    buf_free(&want);
    buf_free(&got);
    return rc;
}

enum pt_code logdir_check(const char *dir, const struct logdir_tree *t, uint64_t size,
                          struct pt_err *err)
{
    enum pt_code rc = PT_OK;

    for (int level = TILE_ENTRIES; level <= TILE_LEVEL_MAX; level++) {
        struct tile tile = {.level = level};
        for (; rc == PT_OK; tile.index++) {
            tile.width = tile_width(level, tile.index, size);
            if (tile.width == 0)
                break;
            rc = check_tile(dir, t, &tile, err);
        }
    }
    return rc;
}

/* ---- the checkpoint ---- */

enum pt_code logdir_read_checkpoint(struct buf *out, bool *found, const char *dir,
                                    struct pt_err *err)
{
    char at[FILEIO_PATH_MAX];

    *out = (struct buf){0};
    *found = false;
    if (fileio_join(at, dir, "checkpoint", err) != PT_OK)
        return err->code;
    if (!fileio_exists(at))
        return PT_OK;
    enum pt_code rc = fileio_read(out, at, CHECKPOINT_MAX, err);
    *found = rc == PT_OK;
    return rc;
}

enum pt_code logdir_write_checkpoint(const char *dir, struct span note, struct pt_err *err)
{
    char at[FILEIO_PATH_MAX];

    if (fileio_join(at, dir, "checkpoint", err) != PT_OK)
        return err->code;
    return fileio_write(at, note, err);
}
