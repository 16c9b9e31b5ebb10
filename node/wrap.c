#include "node/wrap.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

static int columns_of(const char *p, size_t n)
{
    int columns = 0;

    for (size_t i = 0; i < n; i++)
        columns += ((unsigned char)p[i] & 0xC0) != 0x80;
    return columns;
}

/* Bytes of the next word; of a list "a|b|c" that is wider than a line, as many as fit. */
static size_t next_word(const char *text, int room)
{
    size_t n = strcspn(text, " ");
    size_t fits = 0;

    if (columns_of(text, n) <= room)
        return n;
    for (size_t i = 0; i < n && columns_of(text, i + 1) <= room; i++)
        if (text[i] == '|')
            fits = i + 1;
    return fits > 0 ? fits : n;
}

void wrap_words(struct wrap *w, const char *text)
{
    for (text += strspn(text, " "); *text != '\0'; text += strspn(text, " ")) {
        size_t n = next_word(text, WRAP_COLUMNS - w->indent);
        int wide = columns_of(text, n);
        bool first = w->at <= w->indent;
        if (!first && w->at + 1 + wide > WRAP_COLUMNS) {
            wrap_end(w);
            first = true;
        }
        if (w->at < w->indent)
            w->at += fprintf(w->out, "%*s", w->indent - w->at, "");
        w->at += fprintf(w->out, "%s", first ? "" : " ") + wide;
        fwrite(text, 1, n, w->out);
        text += n;
    }
}

void wrap_printf(struct wrap *w, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    wrap_words(w, text);
}

void wrap_end(struct wrap *w)
{
    fputc('\n', w->out);
    w->at = 0;
}
