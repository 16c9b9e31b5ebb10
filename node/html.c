#include "node/html.h"

static const char COLOURS[] =
    ":root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--paper:#fff;"
    "--mark:#fff3c4;--link:#0b57d0;--more:#2f6fb3;--less:#c2620e}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9da7b1;--line:#373e47;"
    "--paper:#14181d;--mark:#4d3d00;--link:#8ab4f8;--more:#6aa9f0;--less:#f0a35c}}\n"
    "@media "
    "print{:root{color-scheme:light;--ink:#000;--soft:#444;--line:#bbb;--paper:#fff;--mark:#fff3c4;"
    "--link:#000;--more:#2f6fb3;--less:#c2620e}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,sans-serif}\n";

void html_text(FILE *out, struct span text)
{
    for (size_t i = 0; i < text.n; i++) {
        switch (text.p[i]) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\'':
            fputs("&#39;", out);
            break;
        default:
            fputc(text.p[i], out);
        }
    }
}

void html_begin(FILE *out, const char *language, const char *title, const char *style)
{
    fprintf(out,
            "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
            "style-src 'unsafe-inline'\">\n<title>",
            language);
    html_text(out, span_z(title));
    fprintf(out, "</title>\n<style>\n%s%s</style>\n</head>\n<body>\n", COLOURS, style);
}

void html_end(FILE *out)
{
    fputs("</body>\n</html>\n", out);
}
