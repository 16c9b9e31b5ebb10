/* patto policy explain: the policy in sentences. */
#include "node/cmd_json.h"
#include "node/commands.h"
#include "node/explain_html.h"
#include "node/policy_file.h"
#include "node/wrap.h"
#include "policy/explain.h"

#include <inttypes.h>
#include <string.h>

enum { INDENT = 2 };

static const struct cli_option OPTIONS[] = {
    {"for", "PARTNER", "the questions as this partner sees them", false, false},
    {"lang", "LANGUAGE", "en (default) or it", false, false},
    {"html", NULL, "one page for a browser, with the file beside the sentences", false, false},
    {"json", NULL, "the sentences and their lines as JSON", false, false},
    {0},
};

static void print_sentence(FILE *out, const struct explain_sentence *s, enum explain_language l)
{
    struct wrap w = {.out = out, .indent = INDENT};

    w.at = fprintf(out, "-");
    wrap_words(&w, s->text);
    wrap_printf(&w, "[%s", explain_word(s->line_count > 1 ? "lines" : "line", l));
    for (size_t i = 0; i < s->line_count; i++)
        wrap_printf(&w, "%" PRIu32 "%s", s->lines[i], i + 1 < s->line_count ? "," : "]");
    wrap_end(&w);
}

static void print_text(FILE *out, const struct explain *e, enum explain_language l)
{
    for (int section = 0; section < EXPLAIN_SECTIONS; section++) {
        fprintf(out, "%s%s\n", section > 0 ? "\n" : "",
                explain_section_title((enum explain_section)section, l));
        for (size_t i = 0; i < e->count; i++)
            if ((int)e->sentences[i].section == section)
                print_sentence(out, &e->sentences[i], l);
    }
}

static enum pt_code print_json(FILE *out, const struct explain *e, const struct explain_in *in,
                               struct pt_err *err)
{
    json_t *list = json_array();
    char hash[72];

    policy_hash_text(hash, &in->policy->hash);
    for (size_t i = 0; i < e->count; i++) {
        const struct explain_sentence *s = &e->sentences[i];
        json_t *lines = json_array();
        for (size_t k = 0; k < s->line_count; k++)
            json_array_append_new(lines, json_integer((json_int_t)s->lines[k]));
        json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "section",
                                              explain_section_title(s->section, in->language),
                                              "text", s->text, "lines", lines));
    }
    return cmd_json_print(out,
                          json_pack("{s:s, s:I, s:s, s:o}", "federation", in->policy->federation,
                                    "version", (json_int_t)in->policy->version, "hash", hash,
                                    "sentences", list),
                          err);
}

static enum pt_code read_options(struct explain_in *in, const struct cli *cli, struct pt_err *err)
{
    const char *language = cli_value(cli, "lang");
    const char *partner = cli_value(cli, "for");

    in->partner = -1;
    in->language = language != NULL && strcmp(language, "it") == 0 ? EXPLAIN_IT : EXPLAIN_EN;
    if (language != NULL && in->language == EXPLAIN_EN && strcmp(language, "en") != 0)
        return pt_fail(err, PT_EUSAGE, "--lang is en or it");
    if (cli_flag(cli, "json") && cli_flag(cli, "html"))
        return pt_fail(err, PT_EUSAGE, "--json or --html, not both");
    if (partner == NULL)
        return PT_OK;
    in->partner = policy_find_partner(in->policy, partner);
    if (in->partner < 0)
        return pt_fail(err, PT_EUSAGE, "--for %s: the policy names no such partner", partner);
    return PT_OK;
}

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    struct policy_file f = {0};
    struct explain e = {0};
    enum pt_code rc = policy_file_load(&f, cli->args[0], err);

    if (rc == PT_OK) {
        struct explain_in in = {.policy = f.policy, .file = buf_span(&f.file)};
        if ((rc = read_options(&in, cli, err)) == PT_OK)
            rc = explain_run(&e, &in, err);
        if (rc == PT_OK && cli_flag(cli, "html"))
            explain_html_print(cli->out, &e, &in);
        else if (rc == PT_OK && cli_flag(cli, "json"))
            rc = print_json(cli->out, &e, &in, err);
        else if (rc == PT_OK)
            print_text(cli->out, &e, in.language);
    }
    explain_free(&e);
    policy_file_free(&f);
    return rc;
}

const struct command cmd_policy_explain = {
    .name = "policy explain",
    .args = "FILE",
    .summary = "say in plain words what a policy means",
    .about = "Who takes part and for what; who may learn what about whom, how exactly and at\n"
             "what price; what is never revealed; how much all answers of the worst year tell\n"
             "about one person; how it ends. Every sentence has the lines of the file that it\n"
             "comes from. Signatures and dates are not looked at: `patto policy check` does\n"
             "that, and `patto policy lint` says what to look at twice.",
    .example = "patto policy explain policy.yaml\n"
               "patto policy explain policy.yaml --for freshmart --lang it\n"
               "patto policy explain policy.yaml --html > policy.html",
    .options = OPTIONS,
    .arg_min = 1,
    .arg_max = 1,
    .run = run,
};
