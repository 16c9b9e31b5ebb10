/* leakage.h - the table of proto/README.md, "What each message tells", against what nodes say: read,
 * and asked about every field that a frame on the wire has. */
#ifndef PT_TESTS_LEAKAGE_H
#define PT_TESTS_LEAKAGE_H

#include <stdbool.h>

#include "crypto/base/span.h"

enum leakage {
    LEAKAGE_NONE, /* no row names it */
    LEAKAGE_UNIFORM,
    LEAKAGE_PUBLIC, /* also "signed public" */
    LEAKAGE_DERIVED,
    LEAKAGE_PAID,
    LEAKAGE_OWN, /* stays within one company */
    LEAKAGE_COUNT
};
enum { LEAKAGE_ROWS_MAX = 400, LEAKAGE_NAME_MAX = 96 };

struct leakage_row {
    char message[LEAKAGE_NAME_MAX + 1], field[LEAKAGE_NAME_MAX + 1];
    enum leakage of;
    bool met; /* for the test to set */
};
struct leakage_table {
    struct leakage_row rows[LEAKAGE_ROWS_MAX];
    size_t count;
};
/* Every row times every message and field that it names; the test fails at one that is malformed. */
void leakage_read(struct leakage_table *t);
/* The row of this field, else one of a service for planners or tools that ends in "*"; NULL: none. The
 * test fails when there are two. */
struct leakage_row *leakage_find(struct leakage_table *t, const char *message, const char *field);

/* Every field that is no message itself, of every frame ("Question", "columns.name") and of every
 * message of the other services ("planner.Answer", "cells.count.value"). */
typedef void leakage_field(void *self, const char *message, const char *field);
void leakage_wire(leakage_field *field, void *self);
/* The fields of one encoded frame, each value as it stands there: text, bytes, numbers as eight. */
typedef void leakage_value(void *self, const char *message, const char *field, struct span value);
void leakage_frame(struct span frame, leakage_value *value, void *self);

#endif
