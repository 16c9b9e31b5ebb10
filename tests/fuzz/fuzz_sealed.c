/* Properties of sealed files, with the key at hand: untouched they read as they were written, in
 * pieces of any size; changed in any byte, cut, longer or under another context they never read to
 * their end, and what was handed over before is what was written. Bytes that nobody sealed give nothing.
 *
 * Input: a byte of what is done to the file, one of the pieces read, three where and how, then what is
 * sealed (repeated to more than a chunk when the second bit says so), or the file itself. */
#include <stdlib.h>
#include <string.h>

#include "node/sealed.h"
#include "tests/fuzz/fuzz_file.h"

enum {
    NOTHING,
    CHANGE,
    CUT,
    LONGER,
    CONTEXT,
    RAW,
    WHAT_COUNT,
    HEAD = 5,
    LARGE = SEAL_CHUNK_MAX + 77
};

static const struct key32 KEY = {{7}};

static void seal(const char *path, struct span plain)
{
    static const struct digest context = {{1}};
    struct sealed_writer *w = NULL;
    struct pt_err err = {0};

    if (sealed_create(&w, path, &KEY, &context, &err) != PT_OK ||
        sealed_put(w, plain, &err) != PT_OK || sealed_commit(w, &err) != PT_OK)
        abort();
    sealed_drop(w);
}

static void read_file(struct buf *out, const char *path)
{
    uint8_t chunk[4096];
    size_t n;
    FILE *f = fopen(path, "rb");

    if (f == NULL)
        abort();
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        if (!buf_add(out, chunk, n))
            abort();
    fclose(f);
}

/* True: it is another file now. */
static bool tamper(struct buf *file, int what, const uint8_t head[HEAD])
{
    if (file->p == NULL || file->n == 0)
        abort(); /* a seal has a header */
    size_t at = ((size_t)head[2] << 8 | head[3]) * 17 % file->n;

    if (what == CHANGE) {
        file->p[at] ^= head[4];
        return head[4] != 0;
    }
    if (what == CUT)
        file->n = at;
    if (what == LONGER && !buf_u8(file, head[4]))
        abort();
    return what == CUT || what == LONGER;
}

/* PT_OK only when all of it came, and its end. got: as much of plain as did. */
static enum pt_code take_all(const char *path, struct span plain, size_t step, bool elsewhere,
                             size_t *got)
{
    const struct digest context = {{elsewhere ? 2 : 1}};
    struct sealed_reader *r = NULL;
    struct pt_err err = {0};
    uint8_t *piece = malloc(step);
    enum pt_code rc = sealed_open(&r, path, &KEY, &context, &err);

    if (piece == NULL)
        abort();
    for (*got = 0; rc == PT_OK && *got < plain.n;) {
        size_t n = plain.n - *got < step ? plain.n - *got : step;
        rc = sealed_get(piece, n, r, &err);
        if (rc == PT_OK && memcmp(piece, plain.p + *got, n) != 0)
            __builtin_trap();
        *got += rc == PT_OK ? n : 0;
    }
    if (rc == PT_OK)
        rc = sealed_end(r, &err);
    if (rc != PT_OK && err.msg[0] == '\0')
        __builtin_trap();
    sealed_close(r);
    free(piece);
    return rc;
}

static void nobody_sealed_it(const char *path, struct span bytes)
{
    static const struct digest context = {{1}};
    struct sealed_reader *r = NULL;
    struct pt_err err = {0};
    uint8_t one;

    fuzz_write(path, bytes);
    if (sealed_open(&r, path, &KEY, &context, &err) == PT_OK) {
        if (sealed_get(&one, 1, r, &err) == PT_OK || one != 0)
            __builtin_trap();
        sealed_close(r);
    }
    if (err.msg[0] == '\0')
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf plain = {0};
    struct buf file = {0};
    char path[300];
    size_t got;

    if (size < HEAD + 1)
        return 0;
    int what = data[0] % WHAT_COUNT;
    size_t step = 1 + (size_t)data[1] * (data[1] > 128 ? 4096 : 3);
    const struct span rest = span_of(data + HEAD, size - HEAD);
    fuzz_path(path, sizeof path, "x.vault");
    if (what == RAW) {
        nobody_sealed_it(path, rest);
        return 0;
    }
    bool large = (data[0] & 0xc0) == 0xc0;
    for (bool more = true; more; more = large && plain.n < LARGE)
        if (!buf_add(&plain, rest.p, rest.n))
            abort();
    step = large && step < 4096 ? 4096 + step : step;
    seal(path, buf_span(&plain));
    read_file(&file, path);
    bool other = tamper(&file, what, data);
    fuzz_write(path, buf_span(&file));
    enum pt_code rc = take_all(path, buf_span(&plain), step, what == CONTEXT, &got);
    if ((rc == PT_OK) != (!other && what != CONTEXT))
        __builtin_trap();
    buf_free(&plain);
    buf_free(&file);
    return 0;
}
