#include "node/table.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static const char ELLIPSIS[] = "\xe2\x80\xa6";
static const char PLUS_MINUS[] = " \xc2\xb1 ";
enum { PLUS_MINUS_PLACES = 3, GAP = 2 };

/* Bytes and places of the first character of text. Unprintable and stray bytes take a place each:
 * a table that is slightly off beats one that hides a byte. */
static size_t first_character(const char *text, size_t *places)
{
    wchar_t c;
    mbstate_t state = {0};
    size_t bytes = mbrtowc(&c, text, strlen(text), &state);
    if (bytes == 0 || bytes == (size_t)-1 || bytes == (size_t)-2) {
        *places = 1;
        return 1;
    }
    int width = wcwidth(c);
    *places = width < 0 ? 1 : (size_t)width;
    return bytes;
}

/* Widths need to know that text is UTF-8, whatever the user's locale. The C library's own UTF-8
 * locale is used for this thread, for the call only. */
static locale_t utf8_enter(locale_t *mine)
{
    *mine = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    return uselocale(*mine); /* (locale_t)0 changes nothing */
}

static void utf8_leave(locale_t before, locale_t mine)
{
    uselocale(before);
    if (mine != (locale_t)0)
        freelocale(mine);
}

static size_t width_of(const char *text)
{
    size_t sum = 0;
    while (*text != '\0') {
        size_t places;
        text += first_character(text, &places);
        sum += places;
    }
    return sum;
}

size_t table_text_width(const char *text)
{
    locale_t mine;
    locale_t before = utf8_enter(&mine);
    size_t sum = width_of(text);
    utf8_leave(before, mine);
    return sum;
}

static size_t at_most(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool spaces(struct buf *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!buf_u8(out, ' '))
            return false;
    return true;
}

/* Everything here appends, and a lack of memory is false: table_write() says it in words. */

/* The first `width` places of text, the last of them an ellipsis. */
static bool put_cut(struct buf *out, const char *text, size_t width)
{
    size_t used = 0;
    for (;;) {
        size_t places;
        size_t bytes = first_character(text, &places);
        if (used + places >= width)
            break;
        if (!buf_add(out, text, bytes))
            return false;
        used += places;
        text += bytes;
    }
    return buf_add(out, ELLIPSIS, sizeof ELLIPSIS - 1) && spaces(out, width - used - 1);
}

static bool put_left(struct buf *out, const char *text, size_t width)
{
    size_t whole = width_of(text);
    if (whole > width)
        return put_cut(out, text, width);
    return buf_add(out, text, strlen(text)) && spaces(out, width - whole);
}

static bool put_right(struct buf *out, const char *text, size_t width)
{
    size_t whole = width_of(text);
    if (whole > width)
        return put_cut(out, text, width);
    return spaces(out, width - whole) && buf_add(out, text, strlen(text));
}

struct layout { /* of one column */
    size_t left, right, whole;
};

static size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

static struct layout lay_out(const struct table *t, size_t column)
{
    struct layout l = {0};
    size_t words = 0;

    for (size_t r = 0; r < t->row_count; r++) {
        const struct table_cell *c = &t->cells[r * t->column_count + column];
        bool number = c->right[0] != '\0' || c->tone != TONE_FAINT;
        size_t width = width_of(c->left);
        if (number)
            l.left = max_size(l.left, width);
        else
            words = max_size(words, width);
        l.right = max_size(l.right, width_of(c->right));
    }
    size_t numbers = l.left + (l.right > 0 ? PLUS_MINUS_PLACES + l.right : 0);
    l.whole = max_size(max_size(numbers, words),
                       at_most(width_of(t->column_labels[column]), TABLE_HEAD_MAX));
    l.left = l.whole - (numbers - l.left); /* what is left over goes before the number */
    return l;
}

static const char *tone_start(enum table_tone tone)
{
    static const char *const STARTS[] = {
        [TONE_PLAIN] = "",
        [TONE_FAINT] = "\033[2m",
        [TONE_HIGH] = "\033[32m",
        [TONE_LOW] = "\033[31m",
    };
    return STARTS[tone];
}

static bool put_cell(struct buf *out, const struct table_cell *c, const struct layout *l,
                     bool colour)
{
    const char *start = colour ? tone_start(c->tone) : "";
    bool ok = buf_add(out, start, strlen(start));

    if (c->right[0] != '\0') {
        ok = ok && put_right(out, c->left, l->left) &&
             buf_add(out, PLUS_MINUS, sizeof PLUS_MINUS - 1) && put_right(out, c->right, l->right);
    } else {
        /* A number without an error bar stands under the other numbers, a word at the right. */
        size_t end = c->tone == TONE_FAINT ? l->whole : l->left;
        ok = ok && put_right(out, c->left, end) && spaces(out, l->whole - end);
    }
    return ok && (start[0] == '\0' || buf_printf(out, "\033[0m"));
}

/* Trailing spaces at a line's end are for nobody. */
static bool end_line(struct buf *out)
{
    while (out->n > 0 && out->p[out->n - 1] == ' ')
        out->n--;
    return buf_u8(out, '\n');
}

struct block { /* columns [first, end) */
    size_t first, end, label_width;
};

static bool put_head(struct buf *out, const struct table *t, const struct block *b,
                     const struct layout *layouts, bool colour)
{
    bool ok = !colour || buf_printf(out, "\033[1m");

    ok = ok && put_left(out, t->corner, b->label_width);
    for (size_t c = b->first; ok && c < b->end; c++)
        ok = spaces(out, GAP) && put_right(out, t->column_labels[c], layouts[c].whole);
    return ok && (!colour || buf_printf(out, "\033[0m")) && end_line(out);
}

static bool put_block(struct buf *out, const struct table *t, const struct block *b,
                      const struct layout *layouts, bool colour)
{
    bool ok = put_head(out, t, b, layouts, colour);

    for (size_t r = 0; ok && r < t->row_count; r++) {
        ok = put_left(out, t->row_labels[r], b->label_width);
        for (size_t c = b->first; ok && c < b->end; c++)
            ok = spaces(out, GAP) &&
                 put_cell(out, &t->cells[r * t->column_count + c], &layouts[c], colour);
        if (t->bars != NULL && b->end == t->column_count)
            ok = ok && spaces(out, GAP) && buf_printf(out, "%s", t->bars[r]);
        ok = ok && end_line(out);
    }
    return ok;
}

static bool put_blocks(struct buf *out, const struct table *t, const struct layout *layouts,
                       bool colour)
{
    struct block b = {.label_width = at_most(width_of(t->corner), TABLE_ROW_LABEL_MAX)};
    bool ok = true;

    for (size_t r = 0; r < t->row_count; r++)
        b.label_width =
            max_size(b.label_width, at_most(width_of(t->row_labels[r]), TABLE_ROW_LABEL_MAX));
    while (ok && b.first < t->column_count) {
        size_t used = b.label_width;
        b.end = b.first;
        while (b.end < t->column_count &&
               (b.end == b.first || used + GAP + layouts[b.end].whole <= TABLE_COLUMNS))
            used += GAP + layouts[b.end++].whole;
        ok = (b.first == 0 || buf_u8(out, '\n')) && put_block(out, t, &b, layouts, colour);
        b.first = b.end;
    }
    return ok;
}

enum pt_code table_write(struct buf *out, const struct table *t, bool colour, struct pt_err *err)
{
    struct layout *layouts = calloc(t->column_count + 1, sizeof layouts[0]);
    locale_t mine;
    locale_t before = utf8_enter(&mine);
    bool ok = layouts != NULL;

    for (size_t c = 0; ok && c < t->column_count; c++)
        layouts[c] = lay_out(t, c);
    ok = ok && put_blocks(out, t, layouts, colour);
    utf8_leave(before, mine);
    free(layouts);
    return ok ? PT_OK
              : pt_fail(err, PT_ENOMEM, "table: no memory for %zu columns", t->column_count);
}

enum pt_code table_paragraph(struct buf *out, const char *text, size_t indent, struct pt_err *err)
{
    size_t used = 0;
    bool ok = true;

    while (ok && *text != '\0') {
        size_t word = strcspn(text, " ");
        size_t places = 0;
        for (size_t i = 0; i < word; i++)
            places += ((unsigned char)text[i] & 0xc0) != 0x80; /* characters, not bytes */
        if (used > 0 && used + 1 + places > TABLE_COLUMNS) {
            ok = buf_u8(out, '\n');
            used = 0;
        }
        ok = ok && spaces(out, used == 0 ? indent : 1) && buf_add(out, text, word);
        used += (used == 0 ? indent : 1) + places;
        text += word;
        text += strspn(text, " ");
    }
    ok = ok && buf_u8(out, '\n');
    return ok ? PT_OK : pt_fail(err, PT_ENOMEM, "table: no memory for a paragraph");
}

void table_number(char out[TABLE_TEXT_MAX], double v)
{
    char digits[32];
    size_t at = 0;

    if (!(fabs(v) < 1e15)) {
        snprintf(out, TABLE_TEXT_MAX, "%.3g", v);
        return;
    }
    int n = snprintf(digits, sizeof digits, "%lld", llabs(llround(v)));
    if (llround(v) < 0)
        out[at++] = '-';
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
}
