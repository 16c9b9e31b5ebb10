/* Properties of a state.db in whose rows anything stands: what is read is a row within its bounds or a
 * reason; a changed event, its salt or its entry is noticed; nothing is written for it.
 *
 * Input: up to four changes: a byte of which column, one of which row, one of its type, one of how
 * many bytes, these. The database is ours otherwise: SQLite's own reading of files is not the subject. */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "node/ledger.h"
#include "tests/fuzz/fuzz_file.h"

enum { CHANGES_MAX = 4, NOW_S = 1780315200 };

static const struct column {
    const char *table, *name;
    bool chained; /* under the hash chain or the log */
} COLUMNS[] = {
    {"events", "sequence", true},       {"events", "at_s", true},
    {"events", "kind", true},           {"events", "fields", true},
    {"events", "hash", true},           {"leaves", "salt", true},
    {"leaves", "entry", true},          {"charges", "question_id", false},
    {"charges", "recipient", false},    {"charges", "kind", false},
    {"charges", "epoch", false},        {"charges", "rho_nano", false},
    {"charges", "charged_at_s", false}, {"charges", "policy", false},
    {"charges", "question", false},     {"charges", "event", false},
    {"epochs", "number", false},        {"epochs", "id", false},
    {"epochs", "header", false},        {"epochs", "signatures", false},
    {"epochs", "created_s", false},     {"columns", "peer", false},
    {"columns", "sent", false},         {"columns", "name", false},
    {"columns", "digest", false},       {"quotas", "day", false},
    {"quotas", "taken", false},         {"runs", "record_count", false},
    {"runs", "chunk_count", false},     {"runs", "chunks_done", false},
    {"answers", "json", false},         {"facts", "value", false},
    {"heads", "size", false},           {"heads", "root", false},
    {"heads", "signed_s", false},
};

static const struct digest ID = {{1}};
static const struct store_column COLUMN = {.epoch = {{2}}, .peer = "drinkco", .name = "all"};

static void must(enum pt_code rc)
{
    if (rc != PT_OK)
        abort();
}

/* Once: a store with a row or two of everything. */
static void fill(struct store *s)
{
    struct pt_err err = {0};
    struct store_place place;
    struct store_epoch epoch = {.number = 3, .id = {{2}}, .created_s = NOW_S};
    const struct store_head head = {.size = 2, .root = {{5}}, .signed_s = NOW_S};
    const struct store_quota quota = {"evaluations", "drinkco", 5, 1000};
    const struct store_run run = {ID, "drinkco", 10, 3, 1};
    struct store_charge charge = {.question_id = ID,
                                  .recipient = "drinkco",
                                  .kind = "overlap",
                                  .rho_nano = 500000,
                                  .charged_at_s = NOW_S};
    uint64_t used;

    must(store_event(&place, s, "charge", "peer=drinkco rho_nano=500000", NOW_S, &err));
    charge.event = place;
    must(store_charge_insert(s, &charge, span_z("patto-question-1\n"), &err));
    must(store_event(&place, s, "answered", "question=01 peer=drinkco", NOW_S + 1, &err));
    if (!buf_printf(&epoch.header, "header") || !buf_printf(&epoch.signatures, "signatures"))
        abort();
    must(store_epoch_activate(s, &epoch, &err));
    store_epoch_free(&epoch);
    must(store_column_bind(s, &COLUMN, &ID, &err));
    must(store_quota_take(&used, s, &quota, NOW_S, &err));
    must(store_run_put(s, &run, NOW_S, &err));
    must(store_answer_put(s, &ID, span_z("{}"), NOW_S, &err));
    must(store_fact_put(s, "asked.drinkco", span_z("700"), &err));
    must(store_head_add(s, &head, &err));
}

/* Every type may stand everywhere, and nothing guards it. */
static void loosen(const char *path)
{
    static const char sql[] =
        "DROP TRIGGER events_kept; DROP TRIGGER events_fixed; DROP TRIGGER charges_kept;"
        "DROP TRIGGER charges_fixed; DROP TRIGGER leaves_kept; DROP TRIGGER leaves_fixed;"
        "DROP TRIGGER heads_kept; DROP TRIGGER heads_fixed; PRAGMA writable_schema = ON;"
        "UPDATE sqlite_schema SET sql = replace(sql, ') STRICT', ')') WHERE type = 'table';"
        "PRAGMA writable_schema = OFF;";
    sqlite3 *db = NULL;

    if (sqlite3_open(path, &db) != SQLITE_OK ||
        sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        abort();
    sqlite3_close(db);
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

static const struct buf *template(const char *path)
{
    static struct buf whole;
    struct store *s = NULL;
    struct pt_err err = {0};

    if (whole.n > 0)
        return &whole;
    must(store_open(&s, path, STORE_WRITE, &err));
    fill(s);
    store_close(s);
    loosen(path);
    read_file(&whole, path);
    return &whole;
}

/* ---- changes ---- */

static void bind(sqlite3_stmt *q, int type, struct span value)
{
    uint8_t number[8] = {0};

    memcpy(number, value.p, value.n < sizeof number ? value.n : sizeof number);
    if (type == 0)
        sqlite3_bind_int64(q, 1, (sqlite3_int64)load_u64le(number));
    else if (type == 1)
        sqlite3_bind_text(q, 1, (const char *)value.p, (int)value.n, SQLITE_STATIC);
    else if (type == 2)
        sqlite3_bind_blob(q, 1, value.p, (int)value.n, SQLITE_STATIC);
    else if (type == 3)
        sqlite3_bind_double(q, 1, (double)load_u64le(number));
    else if (type == 4)
        sqlite3_bind_null(q, 1);
    else /* much of it */
        sqlite3_bind_zeroblob(q, 1, 1 << 21);
}

static int own_type(const char *column)
{
    static const char *const texts[] = {"kind", "fields"};
    static const char *const numbers[] = {"sequence", "at_s"};

    for (size_t i = 0; i < PT_LEN(texts); i++) {
        if (strcmp(column, texts[i]) == 0)
            return 1;
        if (strcmp(column, numbers[i]) == 0)
            return 0;
    }
    return 2; /* blobs */
}

struct forging {
    bool tried; /* a second time could make it as it was */
    bool done;  /* an event, its salt or its entry says something else of the same type now */
};

static void change(sqlite3 *db, struct rd *r, struct forging *f)
{
    const struct column *c = &COLUMNS[rd_u8(r) % PT_LEN(COLUMNS)];
    unsigned row = rd_u8(r) % 2;
    int type = rd_u8(r) % 6;
    struct span value = rd_take(r, rd_u8(r));
    sqlite3_stmt *q = NULL;
    char sql[256];

    snprintf(sql, sizeof sql,
             "UPDATE %s SET %s = ?1 WHERE rowid = (SELECT rowid FROM %s LIMIT 1 OFFSET %u)"
             " AND %s IS NOT ?1 RETURNING typeof(?1)",
             c->table, c->name, c->table, row, c->name);
    if (r->bad || (f->tried && c->chained) ||
        sqlite3_prepare_v2(db, sql, -1, &q, NULL) != SQLITE_OK) {
        sqlite3_finalize(q);
        return;
    }
    bind(q, type, value);
    bool done = sqlite3_step(q) == SQLITE_ROW;
    sqlite3_finalize(q);
    f->tried = f->tried || c->chained;
    f->done = f->done || (done && c->chained && type == own_type(c->name));
}

/* ---- reading ---- */

static void look(enum pt_code rc, const struct pt_err *err)
{
    if (rc != PT_OK && err->msg[0] == '\0')
        __builtin_trap();
}

static void read_events(struct store *s, bool forged)
{
    static struct store_event_row row;
    const struct store_event_like like = {"charge", "peer=drinkco", "rho_nano=500000"};
    struct digest entries[8];
    struct store_place head;
    struct store_head signed_head;
    struct pt_err err = {0};
    bool found = true;
    uint64_t after = 0;
    size_t n;

    enum pt_code rc = store_event_verify(&head, s, &err);
    look(rc, &err);
    if (rc == PT_OK && forged)
        __builtin_trap();
    for (int i = 0; i < 4 && found; i++) {
        rc = store_event_next(&row, &found, s, after, &err);
        look(rc, &err);
        if (rc != PT_OK)
            break;
        if (found && row.sequence <= after)
            __builtin_trap();
        after = row.sequence;
    }
    look(store_event_find(&row, &found, s, &like, &err), &err);
    look(store_event_head(&head, s, &err), &err);
    rc = store_entries(entries, &n, PT_LEN(entries), s, 0, &err);
    look(rc, &err);
    if (rc == PT_OK && n > PT_LEN(entries))
        __builtin_trap();
    look(store_head_last(&signed_head, &found, s, &err), &err);
    look(store_head_next(&signed_head, &found, s, 0, &err), &err);
}

static void read_charges(struct store *s)
{
    static char names[STORE_RECIPIENTS_MAX][POLICY_NAME_MAX + 1];
    struct store_kind kinds[STORE_KINDS_MAX];
    struct store_charge charge;
    uint64_t days[7] = {0};
    const struct store_days week = {NOW_S - NOW_S % 86400, days, 7};
    struct pt_err err = {0};
    uint64_t nano;
    size_t n;
    bool found;

    look(store_charge_find(&charge, &found, s, &ID, &err), &err);
    if (store_charge_sum(&nano, s, "drinkco", INT64_MIN, &err) != PT_OK && nano != 0)
        __builtin_trap(); /* a sum that failed is none */
    look(store_charge_recipients(names, &n, s, &err), &err);
    look(store_charge_kinds(kinds, &n, s, "drinkco", &err), &err);
    look(store_charge_days(&week, s, NULL, &err), &err);
    look(ledger_asked(&nano, s, "drinkco", &err), &err);
}

static void read_others(struct store *s)
{
    struct store_epoch epoch = {0};
    struct store_run run;
    struct digest digest;
    struct buf bytes = {0};
    struct pt_err err = {0};
    bool found;

    look(store_epoch_active(&epoch, &found, s, &err), &err);
    store_epoch_free(&epoch);
    look(store_epoch_numbered(&epoch, &found, s, 3, &err), &err);
    store_epoch_free(&epoch);
    look(store_epoch_holds(&found, s, &ID, NOW_S, &err), &err);
    look(store_column_find(&digest, &found, s, &COLUMN, &err), &err);
    look(store_run_find(&run, &found, s, &ID, "drinkco", &err), &err);
    look(store_answer_find(&bytes, &found, s, &ID, &err), &err);
    buf_free(&bytes);
    look(store_fact_find(&bytes, &found, s, "asked.drinkco", &err), &err);
    buf_free(&bytes);
}

static void remove_files(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char name[400];

    for (size_t i = 0; i < PT_LEN(ends); i++) {
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rd r = {.in = {data, size}};
    struct store *s = NULL;
    struct pt_err err = {0};
    sqlite3 *db = NULL;
    struct forging forging = {0};
    char path[300];

    fuzz_path(path, sizeof path, "state.db");
    const struct buf *whole = template(path);
    remove_files(path);
    fuzz_write(path, buf_span(whole));
    if (sqlite3_open(path, &db) != SQLITE_OK ||
        sqlite3_exec(db, "PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF", NULL,
                     NULL, NULL) != SQLITE_OK)
        abort();
    for (int i = 0; i < CHANGES_MAX && !r.bad; i++)
        change(db, &r, &forging);
    sqlite3_close(db);
    if (store_open(&s, path, STORE_READ, &err) != PT_OK) {
        look(PT_EIO, &err);
        return 0;
    }
    read_events(s, forging.done);
    read_charges(s);
    read_others(s);
    store_close(s);
    return 0;
}
