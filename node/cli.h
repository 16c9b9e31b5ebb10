/* cli.h - the command line: a table of commands, each with the help that teaches it.
 *
 * Exit status: 0 done, 1 refused or failed (reason and next step on stderr), 2 wrong usage.
 * Options may stand anywhere after the command; --x=y and --x y are the same; -- ends them.
 * Usage, man page and completions are all printed from the same rows. */
#ifndef PT_CLI_H
#define PT_CLI_H

#include "crypto/base/span.h"

#include <stdio.h>

enum { CLI_ARGS_MAX = 16, CLI_OPTIONS_MAX = 32 };

struct cli_option {
    const char *name;  /* "listen", without dashes */
    const char *value; /* "HOST:PORT"; NULL: a flag */
    const char *help;  /* a line, lower case, no full stop */
    bool required, repeats;
};

struct cli_given { /* an option as typed */
    const struct cli_option *option;
    const char *value; /* NULL for a flag */
};

struct command;
struct cli { /* what one run was given */
    const struct command *command;
    const char *home; /* --home, else PATTO_HOME, else ~/.patto */
    const char *args[CLI_ARGS_MAX];
    size_t arg_count;
    struct cli_given given[CLI_OPTIONS_MAX];
    size_t given_count;
    FILE *out, *log; /* answers; remarks and progress */
};

struct command {
    const char *name;                 /* "ingest", "policy sign" */
    const char *args;                 /* "FILE", "" */
    const char *summary;              /* a line in the list */
    const char *about;                /* a paragraph or two, wrapped at 78 columns by hand */
    const char *example;              /* lines a reader can paste */
    const struct cli_option *options; /* ends with {0}; NULL: none. --help is everybody's */
    size_t arg_min, arg_max;
    /* PT_EUSAGE makes exit status 2, any other failure 1; err is printed for it. */
    enum pt_code (*run)(struct cli *cli, struct pt_err *err);
};

/* Value of an option, NULL when absent; the last one where it does not repeat. */
const char *cli_value(const struct cli *c, const char *name);
bool cli_flag(const struct cli *c, const char *name);
/* All values of a repeating option in order; returns how many were put into out. */
size_t cli_values(const struct cli *c, const char *name, const char **out, size_t cap);

/* Run argv; the table ends with NULL. Returns the exit status. */
int cli_main(const struct command *const *table, int argc, char **argv, FILE *out, FILE *log);

/* From the table: man page (roff), completion scripts. */
void cli_print_man(FILE *out, const struct command *const *table);
PT_MUST_USE enum pt_code cli_print_completion(FILE *out, const struct command *const *table,
                                              const char *shell, struct pt_err *err);

#endif
