/* Completion scripts, printed from the table of commands. */
#include "node/cli_internal.h"

#include <string.h>

static void option_words(FILE *out, const struct cli_option *o)
{
    for (; o != NULL && o->name != NULL; o++)
        fprintf(out, " --%s", o->name);
}

/* Arguments that are one of several words: "bash|zsh". */
static void argument_words(FILE *out, const char *args)
{
    if (strchr(args, '|') == NULL)
        return;
    for (fputc(' ', out); *args != '\0'; args++)
        fputc(*args == '|' ? ' ' : *args, out);
}

/* First words, each once: neighbours in the table share theirs. */
static void first_words(FILE *out, const struct command *const *table)
{
    size_t was_n = 0;
    const char *was = "";

    for (; *table != NULL; table++) {
        size_t n = strcspn((*table)->name, " ");
        if (n != was_n || strncmp((*table)->name, was, n) != 0)
            fprintf(out, " %.*s", (int)n, (*table)->name);
        was = (*table)->name;
        was_n = n;
    }
}

static void second_words(FILE *out, const struct command *const *table)
{
    for (const struct command *const *c = table; *c != NULL; c++) {
        const char *space = strchr((*c)->name, ' ');
        if (space != NULL)
            fprintf(out, "    \"%.*s \") words+=' %s' ;;&\n", (int)(space - (*c)->name), (*c)->name,
                    space + 1);
    }
}

/* The same script serves both: zsh reads it through bashcompinit. */
static void print_script(FILE *out, const struct command *const *table)
{
    fputs("_patto() {\n"
          "  local cur=${COMP_WORDS[COMP_CWORD]} cmd= words= i w\n"
          "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
          "    w=${COMP_WORDS[i]}\n"
          "    case $w in\n"
          "    --home) i=$((i + 1)) ;;\n"
          "    -*) ;;\n"
          "    *) cmd=\"$cmd$w \" ;;\n"
          "    esac\n"
          "  done\n"
          "  case $cmd in\n"
          "    '') words='",
          out);
    first_words(out, table);
    option_words(out, CLI_GLOBAL);
    fputs(" --version' ;;\n", out);
    second_words(out, table);
    for (; *table != NULL; table++) {
        fprintf(out, "    \"%s \"*) words+='", (*table)->name);
        argument_words(out, (*table)->args);
        option_words(out, (*table)->options);
        option_words(out, CLI_GLOBAL);
        fputs("' ;;\n", out);
    }
    fputs("  esac\n"
          "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
          "}\n"
          "complete -o default -F _patto patto\n",
          out);
}

enum pt_code cli_print_completion(FILE *out, const struct command *const *table, const char *shell,
                                  struct pt_err *err)
{
    if (strcmp(shell, "bash") != 0 && strcmp(shell, "zsh") != 0)
        return pt_fail(err, PT_EUSAGE, "completion is for bash or zsh");
    if (strcmp(shell, "zsh") == 0)
        fputs("#compdef patto\nautoload -U +X bashcompinit && bashcompinit\n", out);
    print_script(out, table);
    return PT_OK;
}
