#include "node/cli_internal.h"
#include "node/wrap.h"

#include <string.h>

enum { HEAD = 27 }; /* help stands beside "  --listen HOST:PORT       " */

static const char INTRO[] =
    "patto - joint questions about common customers, without showing who they are\n"
    "\n"
    "usage: patto [--home DIR] COMMAND [ARGUMENTS] [OPTIONS]\n"
    "\n";

static const char OUTRO[] =
    "\n"
    "`patto COMMAND --help` explains one command. The usual order is: init,\n"
    "officer-key, policy sign, join, ingest, serve, tokenise, epoch, query.\n"
    "exit status: 0 done; 1 refused or failed, the reason is on stderr; 2 wrong usage\n";

/* head, then text in the lines' second column. */
static void print_beside(FILE *out, const char *head, const char *text)
{
    struct wrap w = {.out = out, .indent = HEAD};

    w.at = fprintf(out, "  %-*s", HEAD - 3, head);
    if (w.at >= HEAD)
        wrap_end(&w);
    wrap_words(&w, text);
    wrap_end(&w);
}

/* "  --map MAP.yaml     help" */
static void print_option(FILE *out, const struct cli_option *o)
{
    char head[64];
    char text[256];
    const char *gap = o->value != NULL ? " " : "";

    snprintf(head, sizeof head, "--%s%s%s", o->name, gap, o->value != NULL ? o->value : "");
    snprintf(text, sizeof text, "%s%s%s", o->help, o->required ? " (needed)" : "",
             o->repeats ? " (may be repeated)" : "");
    print_beside(out, head, text);
}

static void print_usage_line(FILE *out, const struct command *c)
{
    struct wrap w = {.out = out, .indent = 7, .at = fprintf(out, "usage: patto [--home DIR]")};

    wrap_printf(&w, "%s %s", c->name, c->args);
    for (const struct cli_option *o = c->options; o != NULL && o->name != NULL; o++)
        if (o->required)
            wrap_printf(&w, "--%s %s", o->name, o->value);
    wrap_words(&w, "[OPTIONS]");
    wrap_end(&w);
}

static void print_list(FILE *out, const struct command *const *table)
{
    fputs(INTRO, out);
    for (; *table != NULL; table++) {
        char head[64];
        snprintf(head, sizeof head, "%s%s%s", (*table)->name, (*table)->args[0] != '\0' ? " " : "",
                 (*table)->args);
        print_beside(out, strlen(head) < HEAD - 2 ? head : (*table)->name, (*table)->summary);
    }
    fputs(OUTRO, out);
}

void cli_print_help(FILE *out, const struct command *const *table, const struct command *one)
{
    if (one == NULL) {
        print_list(out, table);
        return;
    }
    fprintf(out, "patto %s - %s\n\n", one->name, one->summary);
    print_usage_line(out, one);
    fprintf(out, "\n%s\n\noptions:\n", one->about);
    for (const struct cli_option *o = one->options; o != NULL && o->name != NULL; o++)
        print_option(out, o);
    for (const struct cli_option *o = CLI_GLOBAL; o->name != NULL; o++)
        print_option(out, o);
    fputs("\nexample:\n", out);
    for (const char *line = one->example; *line != '\0';) {
        size_t n = strcspn(line, "\n");
        fprintf(out, "  %.*s\n", (int)n, line);
        line += n + (line[n] == '\n');
    }
}

/* ---- man page */

/* roff reads a leading '.' or ''' as a request, '\' as an escape and '-' as a hyphen. */
static void put_roff(FILE *out, const char *text)
{
    bool first = true;

    for (; *text != '\0'; text++) {
        if (first && (*text == '.' || *text == '\''))
            fputs("\\&", out);
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '-')
            fputs("\\-", out);
        else
            fputc(*text, out);
        first = *text == '\n';
    }
}

/* Blank lines become paragraphs. */
static void put_paragraphs(FILE *out, const char *text)
{
    while (*text != '\0') {
        size_t n = strcspn(text, "\n");
        char line[256];
        snprintf(line, sizeof line, "%.*s", (int)n, text);
        if (n == 0)
            fputs(".PP\n", out);
        else {
            put_roff(out, line);
            fputc('\n', out);
        }
        text += n + (text[n] == '\n');
    }
}

static void man_options(FILE *out, const struct cli_option *o)
{
    for (; o != NULL && o->name != NULL; o++) {
        fputs(".TP\n\\fB\\-\\-", out);
        put_roff(out, o->name);
        fputs("\\fR", out);
        if (o->value != NULL) {
            fputs(" \\fI", out);
            put_roff(out, o->value);
            fputs("\\fR", out);
        }
        fputc('\n', out);
        put_roff(out, o->help);
        fputs(o->required ? " (needed)" : "", out);
        fputs(o->repeats ? " (may be repeated).\n" : ".\n", out);
    }
}

static void man_command(FILE *out, const struct command *c)
{
    fputs(".SS patto ", out);
    put_roff(out, c->name);
    fputs(" ", out);
    put_roff(out, c->args);
    fputs("\n", out);
    put_paragraphs(out, c->about);
    man_options(out, c->options);
    fputs(".PP\nExample:\n.PP\n.nf\n", out);
    put_paragraphs(out, c->example);
    fputs(".fi\n", out);
}

void cli_print_man(FILE *out, const struct command *const *table)
{
    fprintf(out, ".TH PATTO 1 \"\" \"patto %s\" \"User Commands\"\n", PATTO_VERSION);
    fputs(".SH NAME\n"
          "patto \\- joint questions about common customers, without showing who they are\n"
          ".SH SYNOPSIS\n"
          ".B patto\n[\\fB\\-\\-home\\fR \\fIDIR\\fR] \\fICOMMAND\\fR [\\fIARGUMENTS\\fR] "
          "[\\fIOPTIONS\\fR]\n"
          ".SH DESCRIPTION\n"
          "Every partner runs one node beside its own customer data. The nodes answer questions\n"
          "about the customers that partners have in common, with noise and error bars, under a\n"
          "policy that every partner's privacy officer has signed. No rows leave a node.\n"
          ".SH COMMON OPTIONS\n",
          out);
    man_options(out, CLI_GLOBAL);
    fputs(".SH COMMANDS\n", out);
    for (; *table != NULL; table++)
        man_command(out, *table);
    fputs(".SH EXIT STATUS\n0: done. 1: refused or failed; the reason and the next step are on\n"
          "standard error. 2: wrong usage.\n"
          ".SH ENVIRONMENT\n.TP\nPATTO_HOME\nThe node's folder when \\fB\\-\\-home\\fR is not "
          "given; without both it is ~/.patto.\n"
          ".SH SEE ALSO\n.BR minisign (1)\n",
          out);
}
