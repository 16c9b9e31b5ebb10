/* patto map: a MAP.yaml to start from. */
#include "node/clock.h"
#include "node/commands.h"
#include "node/home.h"

#include <string.h>

static const struct cli_option OPTIONS[] = {
    {"form", "FORM", "wide: a row a customer (default); long: a row a purchase", false, false},
    {0},
};

/* As a YAML scalar: quoted unless plainly a word. */
static void print_scalar(FILE *out, const char *s)
{
    static const char WORD[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    static const char *const NOT_TEXT[] = {"true", "false", "null", "yes", "no", "on", "off"};
    bool plain = s[0] >= 'A' && strspn(s, WORD) == strlen(s);

    for (size_t i = 0; i < PT_LEN(NOT_TEXT); i++)
        plain = plain && strcasecmp(s, NOT_TEXT[i]) != 0;
    if (plain) {
        fputs(s, out);
        return;
    }
    fputc('"', out);
    for (; *s != '\0'; s++)
        fprintf(out, "%s%c", *s == '"' || *s == '\\' ? "\\" : "", *s);
    fputc('"', out);
}

static void print_attribute(FILE *out, const struct policy_attribute *a, bool wide)
{
    fprintf(out, "  %s:\n    column: %s\n", a->name, a->name);
    if (a->type == ATTRIBUTE_NUMBER) {
        fprintf(out, "    decimal: \".\"          # or \",\"; a number from %g to %g%s%s\n", a->min,
                a->max, a->unit[0] != '\0' ? " " : "", a->unit);
        return;
    }
    if (a->type == ATTRIBUTE_SET && wide)
        fputs("    separator: \"|\"        # between the words in one cell\n", out);
    fputs("    values:               # the file's word: the policy's value\n", out);
    for (size_t i = 0; i < a->value_count; i++) {
        fputs("      ", out);
        print_scalar(out, a->values[i]);
        fputs(": ", out);
        print_scalar(out, a->values[i]);
        fputc('\n', out);
    }
    fputs("    others: report        # words not listed count as errors; drop: they are left out\n",
          out);
}

static void print_map(FILE *out, const struct home *h, bool wide)
{
    const struct policy *p = h->policy;
    const struct policy_partner *me = &p->partners[h->self];
    bool email = p->identifier == IDENTIFIER_EMAIL;

    fprintf(out,
            "# Which column of your file is what in the policy. Put your column names in place of\n"
            "# those here; delete nothing but comments and what is marked so.\n"
            "patto-map: 1\n"
            "form: %s%s\n"
            "delimiter: \",\"            # one character, or tab\n"
            "identifier:\n"
            "  column: %s\n"
            "  encoding: raw             # or sha256-hex, sha256-base64\n",
            wide ? "wide" : "long",
            wide ? "                  # a row a customer; long: a row a purchase"
                 : "                  # a row a purchase; wide: a row a customer",
            email ? "email" : "phone");
    if (!email)
        fputs("  # country_code: 43        # numbers without + or 00 are national\n", out);
    if (me->attribute_count > 0)
        fputs("attributes:\n", out);
    for (size_t i = 0; i < me->attribute_count; i++)
        print_attribute(out, &me->attributes[i], wide);
    fputs("# Only who has said yes, and nobody who asked to be left out:\n"
          "# consent: {column: opt_in, accept: [\"yes\", \"1\"]}\n"
          "# suppression: {file: gone.txt, encoding: raw}   # one a line, beside this file\n"
          "max_bad_share: 0.01         # more wrong words or rows than this refuse the file\n",
          out);
}

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    const char *form = cli_value(cli, "form");
    struct home *h = NULL;
    enum pt_code rc;

    if (form != NULL && strcmp(form, "wide") != 0 && strcmp(form, "long") != 0)
        return pt_fail(err, PT_EUSAGE, "--form is wide or long");
    if ((rc = home_open(&h, cli->home, HOME_LOOK, err)) != PT_OK)
        return rc;
    if ((rc = home_load_policy(h, clock_now_s(), err)) == PT_OK)
        print_map(cli->out, h, form == NULL || strcmp(form, "wide") == 0);
    home_close(h);
    return rc;
}

const struct command cmd_map = {
    .name = "map",
    .args = "",
    .summary = "print a MAP.yaml to start from, for this node's attributes",
    .about = "Prints a map that says which column of a customer file is what in the policy in\n"
             "force, with every attribute of this node and every value of it. Put in the\n"
             "names of your columns and your file's own words, then load the file with\n"
             "`patto ingest`.",
    .example = "patto --home ./fresh map > map.yaml\n"
               "patto --home ./fresh map --form long > map.yaml",
    .options = OPTIONS,
    .run = run,
};
