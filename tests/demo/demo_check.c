/* demo_check.c - answers beside the truth that only the demo knows.
 *
 *     demo-check TRUTH.db ANSWER.json...
 *
 * TRUTH.db is what demo-data wrote; the truth of a question is the plain SQL join of the tables
 * there. Exit status 0 only when at least 90 % of all figures shown lie within their stated 95 %
 * error bars and every one within three times that. */
#include <jansson.h>
#include <math.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SQL_MAX = 8192, MEMO_MAX = 4096 };
static const double SHARE_INSIDE = 0.90;
static const double FARTHEST = 3;

struct memo { /* readings of one table ask the same joins */
    char *sql;
    double count;
};
struct truth {
    sqlite3 *db;
    struct memo *memo;
    size_t memo_count;
    const char *asker, *with, *rows, *columns;
    char *question;
    bool repeated, is_value;
    size_t shown, inside, beyond, exact, hidden, wrong;
};

static void die(const char *what, const char *why)
{
    fprintf(stderr, "demo-check: %s: %s\n", what, why);
    exit(1);
}

/* ---- the plain join ------------------------------------------------------------------------ */

struct text {
    char p[SQL_MAX];
    size_t n;
};

/* sqlite3_vmprintf's formats: %Q quotes a text for SQL. */
static void say(struct text *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *piece = sqlite3_vmprintf(fmt, ap);
    va_end(ap);
    size_t n = piece != NULL ? strlen(piece) : 0;
    if (piece == NULL || n >= sizeof t->p - t->n)
        die("SQL", "too long");
    memcpy(t->p + t->n, piece, n + 1);
    t->n += n;
    sqlite3_free(piece);
}

/* " AND person IN (...)" for each filter of the question on this partner's customers. */
static void say_filters(struct text *t, const struct truth *w, const char *partner)
{
    char line[512];
    size_t n = strlen(partner);

    for (const char *p = w->question; p != NULL; p = strchr(p, '\n')) {
        p += *p == '\n';
        snprintf(line, sizeof line, "%.*s", (int)strcspn(p, "\n"), p);
        if (strncmp(line, "where=", 6) != 0 || strncmp(line + 6, partner, n) != 0 ||
            line[6 + n] != '.')
            continue;
        char *attribute = line + 6 + n + 1;
        char *op = attribute + strcspn(attribute, "<>=");
        char sign = *op;
        *op = '\0';
        const char *value = op + (sign == '=' ? 1 : 2);
        say(t, " AND person IN (SELECT person FROM fact WHERE partner=%Q AND attribute=%Q", partner,
            attribute);
        if (sign == '=')
            say(t, " AND value=%Q)", value);
        else
            say(t, " AND value%c=%s)", sign, value);
    }
}

/* People of one side: its customers who pass its filters and, if asked, have a value. */
static void say_side(struct text *t, const struct truth *w, const char *partner,
                     const char *attribute, const char *value)
{
    say(t, "SELECT person FROM customer WHERE partner=%Q", partner);
    say_filters(t, w, partner);
    if (value != NULL && strcmp(value, "(all)") != 0)
        say(t,
            " AND person IN (SELECT person FROM fact WHERE partner=%Q AND attribute=%Q AND "
            "value=%Q)",
            partner, attribute, value);
}

/* The first figure of a SELECT, asked once. */
static double figure(struct truth *w, const char *sql)
{
    sqlite3_stmt *s = NULL;

    for (size_t i = 0; i < w->memo_count; i++)
        if (strcmp(w->memo[i].sql, sql) == 0)
            return w->memo[i].count;
    if (sqlite3_prepare_v2(w->db, sql, -1, &s, NULL) != SQLITE_OK || sqlite3_step(s) != SQLITE_ROW)
        die(sql, sqlite3_errmsg(w->db));
    double n = sqlite3_column_double(s, 0);
    sqlite3_finalize(s);
    if (w->memo_count < MEMO_MAX)
        w->memo[w->memo_count++] = (struct memo){strdup(sql), n};
    return n;
}

static double side(struct truth *w, const char *partner)
{
    struct text t = {0};
    say(&t, "SELECT count(*) FROM (");
    say_side(&t, w, partner, NULL, NULL);
    say(&t, ")");
    return figure(w, t.p);
}

static double joint(struct truth *w, const char *row, const char *column)
{
    struct text t = {0};
    say(&t, "SELECT count(*) FROM (");
    say_side(&t, w, w->asker, w->rows, row);
    say(&t, " INTERSECT ");
    say_side(&t, w, w->with, w->columns, column);
    say(&t, ")");
    return figure(w, t.p);
}

/* A figure of the other side's number, of those in common who have it, in a row of the asker's. */
static double number_truth(struct truth *w, const char *what, const char *row)
{
    struct text t = {0};
    say(&t,
        "SELECT %s(CAST(value AS REAL)) FROM fact WHERE partner=%Q AND attribute=%Q AND person IN "
        "(",
        what, w->with, w->columns);
    say_side(&t, w, w->asker, w->rows, row);
    say(&t, " INTERSECT ");
    say_side(&t, w, w->with, NULL, NULL);
    say(&t, ")");
    return figure(w, t.p);
}

/* ---- an answer ----------------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    return json_is_string(v) ? json_string_value(v) : NULL;
}

static double number_of(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

static void judge(struct truth *w, const json_t *cell, const char *what, double value,
                  double half_width, double truth)
{
    double off = fabs(value - truth);
    const char *verdict = "inside";

    if (!isfinite(value) || !isfinite(half_width))
        die(what, "a figure that is shown is no number");
    if (half_width ==
        0) { /* exact, or so by definition: right or wrong, and no proof of error bars */
        w->exact++;
        verdict = off < 1e-9 ? "exact" : "WRONG";
        w->wrong += !(off < 1e-9);
    } else if (off <= half_width) {
        w->shown++;
        w->inside++;
    } else if (off <= FARTHEST * half_width) {
        verdict = "outside";
        w->shown++;
    } else {
        verdict = "FAR OUTSIDE";
        w->shown++;
        w->beyond++;
    }
    double digits = strcmp(what, "share") == 0 ? 100 : 1;
    printf("  %-9s %-22s %-7s %10.1f +- %-8.1f truth %10.1f  %s\n", text_of(cell, "row"),
           text_of(cell, "column"), what, digits * value, digits * half_width, digits * truth,
           verdict);
}

static double size_truth(struct truth *w, const char *row, const char *column)
{
    if (strcmp(row, "overlap") == 0)
        return joint(w, NULL, NULL);
    if (strcmp(row, "audience") == 0)
        return side(w, column);
    if (strcmp(row, "adds") == 0)
        return side(w, column) - joint(w, NULL, NULL);
    if (strcmp(row, "reach") == 0)
        return side(w, w->asker) + side(w, w->with) - joint(w, NULL, NULL);
    die(row, "no such figure");
    return 0;
}

/* people false: a reading of a table that is checked as a crosstab already; count it once. */
static void check_count(struct truth *w, const json_t *cell, bool people)
{
    const char *row = text_of(cell, "row");
    const char *column = text_of(cell, "column");
    const char *status = text_of(cell, "status");
    const json_t *value = json_object_get(cell, "value");

    if (row == NULL || column == NULL || status == NULL)
        die("answer", "a cell without row, column or status");
    if (strcmp(status, "value") != 0) {
        w->hidden++;
        w->wrong += !json_is_null(value); /* what is suppressed has no value */
        return;
    }
    if (!people)
        return;
    double truth = w->is_value       ? number_truth(w, "count", row)
                   : w->rows == NULL ? size_truth(w, row, column)
                                     : joint(w, row, column);
    judge(w, cell, "people", number_of(cell, "value"), number_of(cell, "half_width"), truth);
}

static void check_derived(struct truth *w, const json_t *cell)
{
    const char *row = text_of(cell, "row");
    const char *column = text_of(cell, "column");

    if (json_is_number(json_object_get(cell, "mean"))) {
        static const char *const WHAT[][4] = {{"mean", "avg", "mean_low", "mean_high"},
                                              {"sum", "sum", "sum_low", "sum_high"}};
        for (size_t i = 0; i < 2; i++) {
            double low = number_of(cell, WHAT[i][2]);
            double high = number_of(cell, WHAT[i][3]);
            judge(w, cell, WHAT[i][0], (low + high) / 2, (high - low) / 2,
                  number_truth(w, WHAT[i][1], row));
        }
    }
    if (json_is_number(json_object_get(cell, "index"))) {
        double low = number_of(cell, "index_low");
        double high = number_of(cell, "index_high");
        double expected = joint(w, row, NULL) * joint(w, NULL, column) / joint(w, NULL, NULL);
        judge(w, cell, "index", (low + high) / 2, (high - low) / 2,
              100 * joint(w, row, column) / expected);
    }
    if (json_is_number(json_object_get(cell, "share")))
        judge(w, cell, "share", number_of(cell, "share"), number_of(cell, "share_half_width"),
              joint(w, row, column) / joint(w, row, NULL));
}

static void check_answer(struct truth *w, const char *path)
{
    json_error_t error;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    size_t i;
    json_t *cell;

    if (root == NULL)
        die(path, error.text);
    w->asker = text_of(root, "asker");
    w->with = text_of(root, "with");
    w->rows = text_of(root, "rows");
    w->columns = text_of(root, "columns");
    const char *kind = text_of(root, "kind");
    const char *question = text_of(root, "question");
    json_t *cells = json_object_get(root, "cells");
    if (w->asker == NULL || w->with == NULL || kind == NULL || question == NULL ||
        json_array_size(cells) == 0)
        die(path, "not an answer");
    w->is_value = strcmp(kind, "value") == 0;
    w->question = strdup(question);
    w->repeated = json_is_true(json_object_get(root, "repeated"));
    printf("%s of %s with %s%s%s%s%s, rho %.6f\n", kind, w->asker, w->with, w->rows ? ": " : "",
           w->rows ? w->rows : "", w->columns ? " by " : "", w->columns ? w->columns : "",
           number_of(root, "charged_rho"));
    json_array_foreach(cells, i, cell)
    {
        check_count(w, cell, !w->repeated);
        check_derived(w, cell);
    }
    free(w->question);
    json_decref(root);
}

int main(int argc, char **argv)
{
    static struct memo memo[MEMO_MAX];
    struct truth w = {.memo = memo};

    if (argc < 3) {
        fprintf(stderr, "usage: demo-check TRUTH.db ANSWER.json...\n");
        return 2;
    }
    if (sqlite3_open_v2(argv[1], &w.db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
        die(argv[1], sqlite3_errmsg(w.db));
    for (int i = 2; i < argc; i++)
        check_answer(&w, argv[i]);
    sqlite3_close(w.db);
    double share = w.shown > 0 ? (double)w.inside / (double)w.shown : 0;
    printf(
        "\n%zu figures shown, %zu (%.1f %%) within their 95 %% error bars, %zu beyond three times "
        "that; %zu exact ones; %zu cells suppressed or refused\n",
        w.shown, w.inside, 100 * share, w.beyond, w.exact, w.hidden);
    if (w.wrong > 0)
        printf("%zu cells are wrong: suppressed with a value, or exact and not true\n", w.wrong);
    return share >= SHARE_INSIDE && w.beyond == 0 && w.wrong == 0 ? 0 : 1;
}
