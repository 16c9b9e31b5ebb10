#include "node/cli.h"

#include "node/cli_internal.h"

#include <stdlib.h>
#include <string.h>

const struct cli_option CLI_GLOBAL[] = {
    {"home", "DIR", "the node's folder (else PATTO_HOME, else ~/.patto)", false, false},
    {"help", NULL, "explain this command", false, false},
    {0},
};

static const struct cli_given *find_given(const struct cli *c, const char *name)
{
    const struct cli_given *last = NULL;

    for (size_t i = 0; i < c->given_count; i++)
        if (strcmp(c->given[i].option->name, name) == 0)
            last = &c->given[i];
    return last;
}

const char *cli_value(const struct cli *c, const char *name)
{
    const struct cli_given *g = find_given(c, name);

    return g != NULL ? g->value : NULL;
}

bool cli_flag(const struct cli *c, const char *name)
{
    return find_given(c, name) != NULL;
}

size_t cli_values(const struct cli *c, const char *name, const char **out, size_t cap)
{
    size_t n = 0;

    for (size_t i = 0; i < c->given_count && n < cap; i++)
        if (strcmp(c->given[i].option->name, name) == 0)
            out[n++] = c->given[i].value;
    return n;
}

/* ---- the nearest word, for "did you mean" */

enum { WORD_MAX = 40 };

/* Levenshtein distance; words longer than WORD_MAX are far from everything. */
static size_t distance(const char *a, const char *b)
{
    size_t row[WORD_MAX + 1];
    size_t n = strlen(a);
    size_t m = strlen(b);

    if (n > WORD_MAX || m > WORD_MAX)
        return WORD_MAX;
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            size_t edit = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < edit ? change : edit;
        }
    }
    return row[m];
}

static void consider(const char **best, size_t *least, const char *word, const char *candidate)
{
    size_t d = distance(word, candidate);

    if (strncmp(candidate, word, strlen(word)) == 0 && word[0] != '\0')
        d = 0; /* the beginning of it */
    if (d < *least) {
        *least = d;
        *best = candidate;
    }
}

/* NULL when nothing is near: a wrong guess is worse than none. */
static const char *nearest_command(const struct command *const *table, const char *word)
{
    const char *best = NULL;
    size_t least = strlen(word) / 3 + 2;

    for (; *table != NULL; table++)
        consider(&best, &least, word, (*table)->name);
    return best;
}

static const char *nearest_option(const struct command *command, const char *word)
{
    const char *best = NULL;
    size_t least = strlen(word) / 3 + 2;

    for (const struct cli_option *o = command->options; o != NULL && o->name != NULL; o++)
        consider(&best, &least, word, o->name);
    for (const struct cli_option *o = CLI_GLOBAL; o->name != NULL; o++)
        consider(&best, &least, word, o->name);
    return best;
}

/* ---- reading argv */

struct reader {
    int argc, at;
    char **argv;
};

static const char *next_word(struct reader *r)
{
    return r->at < r->argc ? r->argv[r->at++] : NULL;
}

static const struct cli_option *find_option(const struct cli_option *list, const char *name,
                                            size_t n)
{
    for (; list != NULL && list->name != NULL; list++)
        if (strlen(list->name) == n && strncmp(list->name, name, n) == 0)
            return list;
    return NULL;
}

static enum pt_code unknown_option(const struct cli *c, const char *word, struct pt_err *err)
{
    char name[WORD_MAX + 1];
    const char *near;

    snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
    near = c->command != NULL ? nearest_option(c->command, name) : NULL;
    if (near != NULL)
        return pt_fail(err, PT_EUSAGE, "there is no option --%s; did you mean --%s?", name, near);
    return pt_fail(err, PT_EUSAGE, "there is no option --%s", name);
}

/* word is what follows the two dashes: NAME or NAME=VALUE. */
static enum pt_code read_option(struct cli *c, struct reader *r, const char *word,
                                struct pt_err *err)
{
    size_t n = strcspn(word, "=");
    const struct cli_option *o =
        c->command != NULL ? find_option(c->command->options, word, n) : NULL;
    const char *value = NULL;

    if (o == NULL)
        o = find_option(CLI_GLOBAL, word, n);
    if (o == NULL)
        return unknown_option(c, word, err);
    if (o->value == NULL && word[n] == '=')
        return pt_fail(err, PT_EUSAGE, "--%s takes no value", o->name);
    if (o->value != NULL) {
        value = word[n] == '=' ? word + n + 1 : next_word(r);
        if (value == NULL || (word[n] != '=' && strncmp(value, "--", 2) == 0))
            return pt_fail(err, PT_EUSAGE, "--%s needs a value: --%s %s", o->name, o->name,
                           o->value);
    }
    if (!o->repeats && find_given(c, o->name) != NULL)
        return pt_fail(err, PT_EUSAGE, "--%s is given twice", o->name);
    if (c->given_count == CLI_OPTIONS_MAX)
        return pt_fail(err, PT_EUSAGE, "more than %d options", CLI_OPTIONS_MAX);
    c->given[c->given_count++] = (struct cli_given){o, value};
    return PT_OK;
}

static enum pt_code read_word(struct cli *c, struct reader *r, const char *word, bool *literal,
                              struct pt_err *err)
{
    if (!*literal && strcmp(word, "--") == 0) {
        *literal = true;
        return PT_OK;
    }
    if (!*literal && strcmp(word, "-h") == 0)
        return read_option(c, r, "help", err);
    if (!*literal && strncmp(word, "--", 2) == 0)
        return read_option(c, r, word + 2, err);
    if (!*literal && word[0] == '-' && word[1] != '\0')
        return pt_fail(err, PT_EUSAGE, "there is no option %s: options are words, as in --help",
                       word);
    if (c->arg_count == CLI_ARGS_MAX)
        return pt_fail(err, PT_EUSAGE, "more than %d arguments", CLI_ARGS_MAX);
    c->args[c->arg_count++] = word;
    return PT_OK;
}

/* "policy sign" takes two words of argv. */
static const struct command *match_command(const struct command *const *table, struct reader *r)
{
    for (; *table != NULL; table++) {
        const char *name = (*table)->name;
        const char *space = strchr(name, ' ');
        size_t first = space != NULL ? (size_t)(space - name) : strlen(name);
        const char *word = r->argv[r->at];
        if (strlen(word) != first || strncmp(word, name, first) != 0)
            continue;
        if (space == NULL) {
            r->at++;
            return *table;
        }
        if (r->at + 1 < r->argc && strcmp(r->argv[r->at + 1], space + 1) == 0) {
            r->at += 2;
            return *table;
        }
    }
    return NULL;
}

static bool is_group(const struct command *const *table, const char *word)
{
    size_t n = strlen(word);

    for (; *table != NULL; table++)
        if (strncmp((*table)->name, word, n) == 0 && (*table)->name[n] == ' ')
            return true;
    return false;
}

/* "policy" alone, or a word that is no command. */
static enum pt_code no_command(const struct command *const *table, const struct reader *r,
                               struct pt_err *err)
{
    char words[2 * WORD_MAX + 2];
    const char *word = r->argv[r->at];
    bool group = is_group(table, word);
    bool second = group && r->at + 1 < r->argc && r->argv[r->at + 1][0] != '-';

    snprintf(words, sizeof words, "%.*s%s%.*s", WORD_MAX, word, second ? " " : "", WORD_MAX,
             second ? r->argv[r->at + 1] : "");
    const char *near = group && !second ? NULL : nearest_command(table, words);
    if (near != NULL)
        return pt_fail(err, PT_EUSAGE, "there is no command `%s`; did you mean `%s`?", words, near);
    if (group && !second)
        return pt_fail(err, PT_EUSAGE, "`%s` needs a second word: see `patto --help`", word);
    return pt_fail(err, PT_EUSAGE, "there is no command `%s`: `patto --help` lists them", words);
}

static enum pt_code check_given(const struct cli *c, struct pt_err *err)
{
    const struct command *command = c->command;

    if (c->arg_count < command->arg_min)
        return pt_fail(err, PT_EUSAGE, "an argument is missing: %s %s", command->name,
                       command->args);
    if (c->arg_count > command->arg_max)
        return pt_fail(err, PT_EUSAGE, "`%s` is one argument too many", c->args[command->arg_max]);
    for (const struct cli_option *o = command->options; o != NULL && o->name != NULL; o++)
        if (o->required && find_given(c, o->name) == NULL)
            return pt_fail(err, PT_EUSAGE, "--%s %s is missing", o->name,
                           o->value != NULL ? o->value : "");
    return PT_OK;
}

static void choose_home(struct cli *c, char *room, size_t cap)
{
    const char *given = cli_value(c, "home");
    const char *variable = getenv("PATTO_HOME"); /* NOLINT(concurrency-mt-unsafe): no thread yet */
    const char *user = getenv("HOME");           /* NOLINT(concurrency-mt-unsafe) */

    if (given != NULL)
        c->home = given;
    else if (variable != NULL && variable[0] != '\0')
        c->home = variable;
    else {
        int n = snprintf(room, cap, "%s/.patto", user != NULL && user[0] != '\0' ? user : ".");
        c->home = n > 0 && (size_t)n < cap ? room : ".patto";
    }
}

/* Up to the command, with it, and after it; *help: the user asked to be told. */
static enum pt_code read_all(struct cli *c, const struct command *const *table, struct reader *r,
                             bool *help, struct pt_err *err)
{
    bool literal = false;

    while (r->at < r->argc && r->argv[r->at][0] == '-') {
        if (strcmp(r->argv[r->at], "--version") == 0) {
            fprintf(c->out, "patto %s\n", PATTO_VERSION);
            return PT_OK;
        }
        if (read_word(c, r, next_word(r), &literal, err) != PT_OK)
            return err->code;
    }
    if (r->at < r->argc && strcmp(r->argv[r->at], "help") == 0) {
        *help = true;
        r->at++;
    }
    if (r->at < r->argc && !(*help && is_group(table, r->argv[r->at]) && r->at + 1 == r->argc)) {
        if ((c->command = match_command(table, r)) == NULL)
            return cli_flag(c, "help") ? PT_OK : no_command(table, r, err);
    }
    while (c->command != NULL && r->at < r->argc)
        if (read_word(c, r, next_word(r), &literal, err) != PT_OK)
            return err->code;
    *help = *help || cli_flag(c, "help");
    if (c->command != NULL && !*help)
        return check_given(c, err);
    if (c->command == NULL && !*help)
        return pt_fail(err, PT_EUSAGE, "which command? `patto --help` lists them");
    return PT_OK;
}

static int report(const struct cli *c, const struct pt_err *err)
{
    const char *name = c->command != NULL ? c->command->name : "";
    const char *gap = c->command != NULL ? " " : "";

    fprintf(c->log, "patto%s%s: %s\n", gap, name, err->msg);
    if (err->code == PT_EUSAGE && c->command != NULL)
        fprintf(c->log, "`patto %s --help` explains it\n", name);
    if (err->code == PT_EBUG)
        fprintf(c->log, "this is a mistake in patto %s: please report it with this line\n",
                PATTO_VERSION);
    return err->code == PT_EUSAGE ? 2 : 1;
}

int cli_main(const struct command *const *table, int argc, char **argv, FILE *out, FILE *log)
{
    struct cli c = {.out = out, .log = log};
    struct reader r = {.argc = argc, .at = 1, .argv = argv};
    struct pt_err err = {0};
    char room[1024];
    bool help = false;

    if (read_all(&c, table, &r, &help, &err) != PT_OK)
        return report(&c, &err);
    if (help)
        cli_print_help(out, table, c.command);
    choose_home(&c, room, sizeof room);
    if (!help && c.command != NULL && c.command->run(&c, &err) != PT_OK) {
        fflush(out); /* what was found out before it failed comes first */
        return report(&c, &err);
    }
    if (fflush(out) != 0 || ferror(out)) {
        pt_fail(&err, PT_EIO, "the output cannot be written: is the disk full?");
        return report(&c, &err);
    }
    return 0;
}
