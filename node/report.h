/* report.h - one answer as a table for people, JSON for programs, CSV for spreadsheets.
 * All three hold the same cells. Writes to a buf; who prints it is the caller. */
#ifndef PT_REPORT_H
#define PT_REPORT_H

#include "proto/answer.h"

enum report_format { REPORT_TABLE, REPORT_JSON, REPORT_CSV };

struct report_style {
    enum report_format format;
    bool colour;  /* table: see report_wants_colour() */
    bool bars;    /* table: bars beside single figures, for a terminal */
    bool unicode; /* bars in eighths of blocks; else ASCII */
    bool line;    /* JSON: one line */
};
/* Is fd a terminal, and NO_COLOR unset or empty? */
bool report_wants_colour(int fd);

/* Append the answer.
 *   table  at most 80 columns: wide tables are cut into blocks; numbers with thousands
 *          separators and +- half width; "below minimum" or "refused" spelled out
 *   JSON   {"question","policy","epoch","charged_rho","left_rho","cells":[{"row","column",
 *          "status","value","half_width","reason"}], ...}; affinity's cells add index, index_low,
 *          index_high, profile's, absent's and journey's share, share_half_width, surprise's found, missing,
 *          missing_half_width, expected, value's mean, mean_low, mean_high, mean_reason and the same of sum;
 *          what is not shown is null. slots: of a look "1/16", "1/4" or "1", else null.
 *          Measures (answer.h) are cells too: row "ratio, times", column what is measured
 *   CSV    RFC 4180, a line a cell, CRLF; what is not shown is empty
 * PT_ENOMEM. */
PT_MUST_USE enum pt_code report_write(struct buf *out, const struct answer *a,
                                      const struct report_style *style, struct pt_err *err);

#endif
