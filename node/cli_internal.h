/* cli_internal.h - for cli*.c alone. */
#ifndef PT_CLI_INTERNAL_H
#define PT_CLI_INTERNAL_H

#include "node/cli.h"

extern const struct cli_option CLI_GLOBAL[]; /* every command's; ends with {0} */

/* The list of commands, or one command in full. */
void cli_print_help(FILE *out, const struct command *const *table, const struct command *one);

#endif
