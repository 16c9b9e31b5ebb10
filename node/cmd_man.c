/* patto man, patto completion: documents printed from the table of commands. */
#include "node/commands.h"

static enum pt_code run_man(struct cli *cli, struct pt_err *err)
{
    (void)err;
    cli_print_man(cli->out, commands_table);
    return PT_OK;
}

const struct command cmd_man = {
    .name = "man",
    .args = "",
    .summary = "print the manual page",
    .about = "Prints the manual page of this very build, for man(1). `make install` puts it in\n"
             "place.",
    .example = "patto man | man -l -",
    .run = run_man,
};

static enum pt_code run_completion(struct cli *cli, struct pt_err *err)
{
    return cli_print_completion(cli->out, commands_table, cli->args[0], err);
}

const struct command cmd_completion = {
    .name = "completion",
    .args = "bash|zsh",
    .summary = "print a completion script for your shell",
    .about = "Prints a script that lets the shell complete patto's commands and options with\n"
             "the Tab key. `make install` puts the one for bash in place.",
    .example = "source <(patto completion bash)",
    .arg_min = 1,
    .arg_max = 1,
    .run = run_completion,
};
