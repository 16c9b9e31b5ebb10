/* patto: see commands.c for what it can do. */
#include "node/commands.h"
#include "node/home.h"

int main(int argc, char **argv)
{
    struct pt_err err = {0};

    /* Before anything secret is in memory. */
    if (home_harden(&err) != PT_OK) {
        fprintf(stderr, "patto: %s\n", err.msg);
        return 1;
    }
    return cli_main(commands_table, argc, argv, stdout, stderr);
}
