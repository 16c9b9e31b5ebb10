#include "node/explain_html.h"

#include "crypto/base/text.h"
#include "node/html.h"

#include <inttypes.h>
#include <string.h>

static const char STYLE[] =
    "header,main{max-width:78rem;margin:auto;padding:.5rem 1.25rem}\n"
    "h1{font-size:1.5rem;margin:.5rem 0}h2{font-size:1.1rem;margin:1.6rem 0 .4rem}\n"
    ".hash{color:var(--soft);font:13px/1.4 ui-monospace,monospace;overflow-wrap:anywhere}\n"
    "main{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:2rem}\n"
    "li{margin:.35rem 0;overflow-wrap:anywhere}ul{padding-left:1.2rem;margin:.2rem 0}\n"
    "a{color:var(--link);text-decoration:none}a:hover,a:focus{text-decoration:underline}\n"
    ".at{font-size:.8rem;white-space:nowrap}\n"
    ".file{position:sticky;top:0;max-height:100vh;overflow:auto;border:1px solid var(--line);"
    "border-radius:6px;font:13px/1.5 ui-monospace,monospace;padding:.5rem 0;margin:1.6rem 0 0}\n"
    ".file div{white-space:pre-wrap;overflow-wrap:anywhere;padding:0 .75rem 0 4.2rem;"
    "text-indent:-3.4rem}\n"
    ".file div::before{content:attr(data-n);display:inline-block;width:2.6rem;margin-right:.8rem;"
    "text-align:right;text-indent:0;color:var(--soft)}\n"
    ".file div:target{background:var(--mark)}\n"
    "@media(max-width:60rem){main{display:block}.file{position:static;max-height:none}}\n"
    "@media print{main{display:block}.file{position:static;max-height:none;break-before:page}"
    "a{color:inherit}}\n";

static void print_sentence(FILE *out, const struct explain_sentence *s, enum explain_language l)
{
    fputs("<li>", out);
    html_text(out, span_z(s->text));
    fprintf(out, " <span class=\"at\">[%s", explain_word(s->line_count > 1 ? "lines" : "line", l));
    for (size_t i = 0; i < s->line_count; i++)
        fprintf(out, "%s<a href=\"#L%" PRIu32 "\">%" PRIu32 "</a>", i > 0 ? ", " : " ", s->lines[i],
                s->lines[i]);
    fputs("]</span></li>\n", out);
}

static void print_sections(FILE *out, const struct explain *e, enum explain_language l)
{
    for (int section = 0; section < EXPLAIN_SECTIONS; section++) {
        fputs("<section><h2>", out);
        html_text(out, span_z(explain_section_title((enum explain_section)section, l)));
        fputs("</h2>\n<ul>\n", out);
        for (size_t i = 0; i < e->count; i++)
            if ((int)e->sentences[i].section == section)
                print_sentence(out, &e->sentences[i], l);
        fputs("</ul></section>\n", out);
    }
}

static void print_file(FILE *out, struct span file)
{
    bool more = true;

    fputs("<div class=\"file\">\n", out);
    for (uint32_t n = 1; more; n++) {
        struct span line = text_cut(&file, '\n', &more);
        if (!more && line.n == 0)
            break;
        fprintf(out, "<div id=\"L%" PRIu32 "\" data-n=\"%" PRIu32 "\">", n, n);
        html_text(out, line);
        fputs("</div>\n", out);
    }
    fputs("</div>\n", out);
}

void explain_html_print(FILE *out, const struct explain *e, const struct explain_in *in)
{
    static const char *const LANGUAGES[] = {[EXPLAIN_EN] = "en", [EXPLAIN_IT] = "it"};
    char hash[72];
    char title[POLICY_NAME_MAX + 16];

    policy_hash_text(hash, &in->policy->hash);
    snprintf(title, sizeof title, "%s %" PRIu32, in->policy->federation, in->policy->version);
    html_begin(out, LANGUAGES[in->language], title, STYLE);
    fputs("<header><h1>", out);
    html_text(out, span_z(in->policy->federation));
    fprintf(out, ", %s %" PRIu32 "</h1>\n<p class=\"hash\">%s</p></header>\n<main>\n<div>\n",
            explain_word("version", in->language), in->policy->version, hash);
    print_sections(out, e, in->language);
    fputs("</div>\n", out);
    print_file(out, in->file);
    fputs("</main>\n", out);
    html_end(out);
}
