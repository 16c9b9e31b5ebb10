/* progress.h - a bar on a terminal for anything that lasts over a second; nothing elsewhere. */
#ifndef PT_PROGRESS_H
#define PT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct progress {
    FILE *out;        /* NULL: silent */
    const char *what; /* "reading customers.csv"; borrowed */
    uint64_t total;   /* 0: not known */
    int64_t began_ms, drawn_ms;
    bool shown;
};

/* Silent unless out is a terminal. */
void progress_begin(struct progress *p, FILE *out, const char *what, uint64_t total,
                    int64_t now_ms);
/* Cheap: draws at most ten times a second, and only after the first second. */
void progress_at(struct progress *p, uint64_t done, int64_t now_ms);
void progress_end(struct progress *p); /* wipes the line */

#endif
