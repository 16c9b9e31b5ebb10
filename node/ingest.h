/* ingest.h - from a customer file to vault data, in memory that does not grow with the file.
 *
 * Rows go through the disk, sealed (node/spool.h), into parts of neighbouring digests; then part after
 * part the rows of one person merge (node/people.h) and the customers go on, in order. What is held
 * grows with the lists of people to be left out, and with one part: a thousandth of the customers,
 * unless somebody chose the digests of a column that was hashed elsewhere.
 *
 * Counts what it could not use and names the lines, never a value. Whoever refused consent, is on
 * the suppression list or was removed is not in the result. Implements PROTOCOL.md 1; the shape of the
 * file is in node/map.h. */
#ifndef PT_INGEST_H
#define PT_INGEST_H

#include "node/forgotten.h"
#include "node/map.h"
#include "node/vault.h"

enum { INGEST_LINES_MAX = 20 };

struct ingest_lines { /* how often something happened, and where first */
    uint64_t count;
    uint64_t first[INGEST_LINES_MAX]; /* line numbers, min(count, MAX) of them */
};
struct ingest_attribute {
    uint64_t seen;               /* values that were not empty */
    struct ingest_lines outside; /* not a value of the policy, or no number */
    uint64_t dropped;            /* words left out as the map says */
    uint64_t clipped;            /* customers whose number lay outside min..max */
};
struct ingest_report { /* for the operator's own eyes: exact counts */
    uint64_t rows, customers;
    struct ingest_lines empty, malformed; /* identifiers */
    struct ingest_lines width;            /* rows with another number of fields than the header */
    uint64_t rows_refused, customers_refused;
    uint64_t rows_suppressed; /* on the list that the map names */
    uint64_t rows_forgotten;  /* removed by `patto forget` */
    struct ingest_attribute attributes[POLICY_ATTRIBUTES_MAX];
    size_t attribute_count;
    struct vault_stats stats; /* what of it is kept with the data */
};

struct ingest_in { /* all borrowed */
    const char *path;
    const struct map *map;
    const struct policy *policy;
    uint16_t me;
    const struct forgotten *forgotten; /* stay out; may be NULL */
    int64_t now_s;
    const char *spool_dir; /* room for the rows on their way */
    /* Customers, ascending by digest, more of them at each call, wiped after it. */
    enum pt_code (*take)(void *context, struct vault_data *rows, struct pt_err *err);
    /* Called a few times a megabyte, of `doing` this or that; may be NULL. */
    void (*progress)(void *context, const char *doing, uint64_t done, uint64_t total);
    void *context;
};

/* *report is filled as far as it went, on failure too.
 * PT_EPARSE: the file, with its line; no such column, naming those it has. PT_ELIMIT: a field over
 * 1 MiB, too large a share of bad values, fewer or more customers than the policy says.
 * PT_EIO, PT_ENOMEM; what take() says. What it took is good only after PT_OK. */
PT_MUST_USE enum pt_code ingest_run(struct ingest_report *report, const struct ingest_in *in,
                                    struct pt_err *err);
/* "3, 17, 20, ..." of at most `most`, into out. */
void ingest_list_lines(char *out, size_t cap, const struct ingest_lines *l, size_t most);
/* What a person wants to know after it, one fact a line. */
PT_MUST_USE enum pt_code ingest_print(struct buf *out, const struct ingest_report *report,
                                      const struct policy_partner *me, struct pt_err *err);

#endif
