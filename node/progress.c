#include "node/progress.h"

#include <inttypes.h>
#include <unistd.h>

enum { QUIET_MS = 1000, REDRAW_MS = 100, BAR_CELLS = 30 };

void progress_begin(struct progress *p, FILE *out, const char *what, uint64_t total, int64_t now_ms)
{
    bool terminal = out != NULL && isatty(fileno(out)) == 1;

    *p = (struct progress){.out = terminal ? out : NULL,
                           .what = what,
                           .total = total,
                           .began_ms = now_ms,
                           .drawn_ms = now_ms};
}

void progress_at(struct progress *p, uint64_t done, int64_t now_ms)
{
    char bar[BAR_CELLS + 1];

    if (p->out == NULL || now_ms - p->began_ms < QUIET_MS || now_ms - p->drawn_ms < REDRAW_MS)
        return;
    p->drawn_ms = now_ms;
    p->shown = true;
    if (p->total == 0) {
        fprintf(p->out, "\r\033[K%s  %" PRIu64, p->what, done);
        fflush(p->out);
        return;
    }
    double share = done >= p->total ? 1.0 : (double)done / (double)p->total;
    int full = (int)(share * BAR_CELLS);
    for (int i = 0; i < BAR_CELLS; i++)
        bar[i] = i < full ? '#' : '.';
    bar[BAR_CELLS] = '\0';
    fprintf(p->out, "\r\033[K%s  [%s] %3d %%", p->what, bar, (int)(share * 100));
    if (share > 0.02)
        fprintf(p->out, "  %.0f s left",
                (double)(now_ms - p->began_ms) / 1000.0 * (1.0 - share) / share);
    fflush(p->out);
}

void progress_end(struct progress *p)
{
    if (p->out != NULL && p->shown) {
        fputs("\r\033[K", p->out);
        fflush(p->out);
    }
    p->out = NULL;
}
