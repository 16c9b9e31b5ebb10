#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/cli.h"

/* Three commands that print what they were given, or fail as told. */
static enum pt_code echo(struct cli *c, struct pt_err *err)
{
    const char *rows[CLI_OPTIONS_MAX];
    size_t n = cli_values(c, "where", rows, CLI_OPTIONS_MAX);

    fprintf(c->out, "%s home=%s", c->command->name, c->home);
    for (size_t i = 0; i < c->arg_count; i++)
        fprintf(c->out, " [%s]", c->args[i]);
    if (cli_value(c, "map") != NULL)
        fprintf(c->out, " map=%s", cli_value(c, "map"));
    for (size_t i = 0; i < n; i++)
        fprintf(c->out, " where=%s", rows[i]);
    fprintf(c->out, "%s\n", cli_flag(c, "json") ? " json" : "");
    if (c->arg_count > 0 && strcmp(c->args[0], "refused") == 0)
        return pt_fail(err, PT_EDENIED, "the policy says no");
    if (c->arg_count > 0 && strcmp(c->args[0], "misused") == 0)
        return pt_fail(err, PT_EUSAGE, "not like that");
    if (c->arg_count > 0 && strcmp(c->args[0], "buggy") == 0)
        return pt_fail(err, PT_EBUG, "cannot be");
    return PT_OK;
}

static const struct cli_option OPTIONS[] = {
    {"map", "MAP.yaml", "how columns are read", true, false},
    {"where", "FILTER", "only these", false, true},
    {"json", NULL, "as JSON", false, false},
    {0},
};
static const struct command INGEST = {.name = "ingest",
                                      .args = "FILE",
                                      .summary = "load customers",
                                      .about = "Loads.\n\n.dot first, back\\slash, a-dash.",
                                      .example = "patto ingest a.csv",
                                      .options = OPTIONS,
                                      .arg_min = 1,
                                      .arg_max = 2,
                                      .run = echo};
static const struct command SIGN = {.name = "policy sign",
                                    .args = "FILE",
                                    .summary = "sign",
                                    .about = "Signs.",
                                    .example = "x\ny",
                                    .arg_max = 1,
                                    .run = echo};
static const struct command CHECK = {.name = "policy check",
                                     .args = "",
                                     .summary = "check",
                                     .about = "Checks.",
                                     .example = "x",
                                     .arg_max = 1,
                                     .run = echo};
static const struct command *const TABLE[] = {&INGEST, &SIGN, &CHECK, NULL};

struct ran {
    int status;
    char *out, *log;
    size_t out_bytes, log_bytes;
};

/* Words of one line, split at spaces. */
static struct ran run_line(const char *line)
{
    struct ran r = {0};
    char name[] = "patto";
    char *argv[64] = {name};
    char *room = strdup(line);
    int argc = 1;
    char *save = NULL;

    assert_non_null(room);
    for (char *w = strtok_r(room, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
        argv[argc++] = w;
    FILE *out = open_memstream(&r.out, &r.out_bytes);
    FILE *log = open_memstream(&r.log, &r.log_bytes);
    r.status = cli_main(TABLE, argc, argv, out, log);
    fclose(out);
    fclose(log);
    free(room);
    return r;
}

static void ran_free(struct ran *r)
{
    free(r->out);
    free(r->log);
}

/* Goal: each line ends with this status and says this. Method: a table, one thing a row. */
static void reads_command_lines(void **state)
{
    static const struct {
        const char *line;
        int status;
        const char *out, *log; /* to be found in it */
    } ROWS[] = {
        {"ingest a.csv --map m", 0, "ingest home=/h [a.csv] map=m\n", ""},
        {"ingest --map=m a.csv", 0, "[a.csv] map=m\n", ""},
        {"ingest --map=a=b a.csv", 0, "map=a=b\n", ""},
        {"ingest --map= a.csv", 0, "[a.csv] map=\n", ""},
        {"ingest --map -x a.csv", 0, "[a.csv] map=-x\n", ""},
        {"ingest a b --map m --json", 0, "[a] [b] map=m json\n", ""},
        {"ingest - --map m", 0, "[-]", ""},
        {"ingest --map m -- --json", 0, "[--json] map=m\n", ""},
        {"ingest a --map m --where x=1 --where=y>=2", 0, "where=x=1 where=y>=2\n", ""},
        {"--home /d ingest a --map m", 0, "home=/d ", ""},
        {"--home=/d ingest a --map m", 0, "home=/d ", ""},
        {"ingest a --map m --home /e", 0, "home=/e ", ""},
        {"policy sign f", 0, "policy sign home=/h [f]\n", ""},
        {"--version", 0, "patto " PATTO_VERSION "\n", ""},
        {"--help", 0, "policy sign FILE", ""},
        {"help", 0, "exit status", ""},
        {"-h", 0, "usage:", ""},
        {"ingest --help", 0, "how columns are read (needed)", ""},
        {"help ingest", 0, "patto ingest a.csv", ""},
        {"help policy", 0, "policy check", ""},
        {"ingest -h", 0, "--where FILTER", ""},
        {"ingest refused --map m", 1, "[refused]", "patto ingest: the policy says no\n"},
        {"ingest misused --map m", 2, "", "`patto ingest --help` explains it"},
        {"ingest buggy --map m", 1, "", "please report it"},
        {"", 2, "", "which command?"},
        {"ingst a --map m", 2, "", "did you mean `ingest`?"},
        {"inge", 2, "", "did you mean `ingest`?"},
        {"policy sing f", 2, "", "no command `policy sing`; did you mean `policy sign`?"},
        {"policy", 2, "", "`policy` needs a second word"},
        {"polcy check", 2, "", "there is no command `polcy`"},
        {"frobnicate", 2, "", "there is no command `frobnicate`: `patto --help` lists them"},
        {"ingest --map m", 2, "", "an argument is missing: ingest FILE"},
        {"ingest a b c --map m", 2, "", "`c` is one argument too many"},
        {"ingest a", 2, "", "--map MAP.yaml is missing"},
        {"ingest a --map", 2, "", "--map needs a value: --map MAP.yaml"},
        {"ingest a --map --json", 2, "", "--map needs a value"},
        {"ingest a --map m --map n", 2, "", "--map is given twice"},
        {"ingest a --map m --json=1", 2, "", "--json takes no value"},
        {"ingest a --mpa m", 2, "", "no option --mpa; did you mean --map?"},
        {"ingest a --map m --zzzzzz", 2, "", "there is no option --zzzzzz\n"},
        {"ingest a --map m -x", 2, "", "there is no option -x"},
        {"--bogus ingest", 2, "", "there is no option --bogus"},
        {"--home", 2, "", "--home needs a value"},
        {"ingest 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 --map m", 2, "", "more than 16"},
    };

    (void)state;
    setenv("PATTO_HOME", "/h", 1);
    for (size_t i = 0; i < PT_LEN(ROWS); i++) {
        struct ran r = run_line(ROWS[i].line);
        if (r.status != ROWS[i].status || strstr(r.out, ROWS[i].out) == NULL ||
            strstr(r.log, ROWS[i].log) == NULL)
            fail_msg("`%s`: status %d, out: %s, log: %s", ROWS[i].line, r.status, r.out, r.log);
        if (r.status == 0)
            assert_string_equal(r.log, "");
        if (r.status == 2)
            assert_string_not_equal(r.log, "");
        ran_free(&r);
    }
}

static void finds_the_home(void **state)
{
    struct ran r;

    (void)state;
    unsetenv("PATTO_HOME");
    setenv("HOME", "/root-of-me", 1);
    r = run_line("policy check");
    assert_non_null(strstr(r.out, "home=/root-of-me/.patto"));
    ran_free(&r);
    unsetenv("HOME");
    r = run_line("policy check");
    assert_non_null(strstr(r.out, "home=./.patto"));
    ran_free(&r);
}

/* Goal: a full disk under stdout is a failure, not a success with a lost answer. */
static void reports_lost_output(void **state)
{
    char words[3][8] = {"patto", "policy", "check"};
    char *argv[] = {words[0], words[1], words[2]};
    char *log_text = NULL;
    size_t log_bytes;
    FILE *full = fopen("/dev/full", "w");
    FILE *log = open_memstream(&log_text, &log_bytes);

    (void)state;
    assert_non_null(full);
    assert_int_equal(cli_main(TABLE, 3, argv, full, log), 1);
    fclose(full);
    fclose(log);
    assert_non_null(strstr(log_text, "cannot be written"));
    free(log_text);
}

static void prints_documents(void **state)
{
    struct pt_err err = {0};
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    (void)state;
    cli_print_man(out, TABLE);
    assert_int_equal(cli_print_completion(out, TABLE, "bash", &err), PT_OK);
    assert_int_equal(cli_print_completion(out, TABLE, "zsh", &err), PT_OK);
    assert_int_equal(cli_print_completion(out, TABLE, "fish", &err), PT_EUSAGE);
    fclose(out);
    assert_non_null(strstr(text, ".TH PATTO 1"));
    assert_non_null(strstr(text, ".SS patto policy sign FILE"));
    assert_non_null(strstr(text, "\n\\&.dot first, back\\eslash, a\\-dash."));
    assert_non_null(strstr(text, "\\fB\\-\\-map\\fR \\fIMAP.yaml\\fR"));
    assert_non_null(strstr(text, "words=' ingest policy --home --help --version'"));
    assert_non_null(strstr(text, "\"ingest \"*) words+=' --map --where --json --home --help' ;;"));
    assert_non_null(strstr(text, "#compdef patto"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_command_lines),
        cmocka_unit_test(finds_the_home),
        cmocka_unit_test(reports_lost_output),
        cmocka_unit_test(prints_documents),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
