/* Properties of a record of what an epoch was made over, sealed by who has the key: it proves its root
 * as it was written and in no other way; whatever stands in it is a reason or rows in order.
 *
 * Input: a byte of how many leading bytes of the true record stay, then what follows them. */
#include <stdlib.h>
#include <string.h>

#include "crypto/base/text.h"
#include "node/commitment.h"
#include "node/sealed.h"
#include "tests/fuzz/fuzz_file.h"
#include "tests/vault_fixture.h"

enum { ROWS = 5, RECORD_MAX = 1 << 20 };

struct made { /* once */
    struct fixture fixture;
    struct vault_place place;
    struct digest root, context;
    struct buf plain; /* the true record */
    char path[400];
    bool done;
};
static const struct key32 KEY = {{7}};
static const struct key32 SALT = {{1}};

static void take_plain(struct made *m)
{
    struct sealed_reader *r = NULL;
    struct pt_err err = {0};

    hash_parts(&m->context, "patto/vault-committed-2", NULL, 0);
    if (sealed_open(&r, m->path, &KEY, &m->context, &err) != PT_OK)
        abort();
    size_t n = (size_t)sealed_left(r);
    if (!buf_reserve(&m->plain, n) || sealed_get(m->plain.p, n, r, &err) != PT_OK ||
        sealed_end(r, &err) != PT_OK)
        abort();
    m->plain.n = n;
    sealed_close(r);
}

static void make(struct made *m)
{
    struct pt_err err = {0};
    char hex[65];
    char name[128];

    fixture_init(&m->fixture);
    m->place = (struct vault_place){.dir = fuzz_dir(), .key = &KEY, .policy = &m->fixture.policy};
    struct vault_data *d = fixture_data(&m->fixture, ROWS, 7);
    const struct commitment_of of = {d, &SALT, NULL};
    if (commitment_make(&m->root, &m->place, &of, &err) != PT_OK)
        abort();
    vault_data_free(d);
    text_hex(hex, m->root.b, sizeof m->root.b);
    snprintf(name, sizeof name, "committed-%s.vault", hex);
    fuzz_path(m->path, sizeof m->path, name);
    take_plain(m);
    m->done = true;
}

static void seal(const struct made *m, struct span plain)
{
    struct sealed_writer *w = NULL;
    struct pt_err err = {0};

    if (sealed_create(&w, m->path, &KEY, &m->context, &err) != PT_OK ||
        sealed_put(w, plain, &err) != PT_OK || sealed_commit(w, &err) != PT_OK)
        abort();
    sealed_drop(w);
}

static enum pt_code read_record(const struct made *m, struct pt_err *err)
{
    struct commitment_reader *r = NULL;
    struct commitment_row row;
    struct token last = {0};
    bool more = true;
    bool begun = false;
    enum pt_code rc = commitment_open(&r, &m->place, &m->root, err);

    while (rc == PT_OK && more) {
        rc = commitment_next(&row, &more, r, err);
        if (rc != PT_OK || !more)
            break;
        if (begun && memcmp(&last, &row.token, sizeof last) >= 0)
            __builtin_trap();
        begun = true;
        last = row.token;
    }
    if (rc == PT_OK)
        rc = commitment_end(r, err);
    commitment_close(r);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct made m;
    struct buf plain = {0};
    struct pt_err err = {0};

    if (!m.done)
        make(&m);
    if (size < 2 || size > RECORD_MAX)
        return 0;
    size_t keep = ((size_t)data[0] << 8 | data[1]) % (m.plain.n + 1);
    if (!buf_add(&plain, m.plain.p, keep) || !buf_add(&plain, data + 2, size - 2))
        abort();
    bool same = span_eq_vartime(buf_span(&plain), buf_span(&m.plain));
    seal(&m, buf_span(&plain));
    enum pt_code rc = read_record(&m, &err);
    if ((rc == PT_OK) != same || (rc != PT_OK && err.msg[0] == '\0'))
        __builtin_trap();
    buf_free(&plain);
    return 0;
}
