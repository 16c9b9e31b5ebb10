/* patto policy attack: the best known attacks, played against a policy's own prices. */
#include "crypto/base/text.h"
#include "node/clock.h"
#include "node/cmd_json.h"
#include "node/commands.h"
#include "node/policy_file.h"
#include "node/progress.h"
#include "proto/attack.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { TRIALS = 4000, TRIALS_MAX = 10000000 };

static const struct cli_option OPTIONS[] = {
    {"trials", "N", "of each attack, with the person and without; default 4000", false, false},
    {"seed", "N", "another number, other noise; default: fresh noise", false, false},
    {"json", NULL, "print it as JSON", false, false},
    {0},
};

struct run {
    const struct policy *p;
    uint64_t trials;
    struct draw random;
    struct attack_out out[ATTACK_KINDS];
    size_t broken;
};

static void print_text(FILE *out, const struct run *r)
{
    char rho[32];

    fprintf(out, "%-13s %9s %12s  %-24s %7s\n", "attack", "questions", "rho", "advantage (95 %)",
            "bound");
    for (size_t i = 0; i < ATTACK_KINDS; i++) {
        const struct attack_out *a = &r->out[i];
        const char *name = attack_name((enum attack_kind)i);
        if (!a->possible) {
            fprintf(out, "%-13s the policy permits no such question\n", name);
            continue;
        }
        text_put_decimal(rho, a->rho_nano, 9);
        fprintf(out, "%-13s %9" PRIu64 " %12s  %6.3f (%6.3f to %6.3f) %7.3f%s\n", name,
                a->questions, rho, a->advantage, a->low, a->high, a->bound,
                a->broken ? "  BROKEN" : "");
    }
    fputs(
        "\nThe attacker knows every customer but whether one person is among them. Its advantage\n"
        "is how much more often it says \"yes\" of a customer than of somebody who is none: 0 is\n"
        "guessing, 1 is certainty. The bound is what the policy's rho promises.\n\n",
        out);
    for (size_t i = 0; i < ATTACK_KINDS; i++)
        fprintf(out, "  %-13s %s\n", attack_name((enum attack_kind)i),
                attack_words((enum attack_kind)i));
}

static enum pt_code print_json(FILE *out, const struct run *r, struct pt_err *err)
{
    json_t *list = json_array();

    for (size_t i = 0; i < ATTACK_KINDS; i++) {
        const struct attack_out *a = &r->out[i];
        json_array_append_new(
            list, json_pack("{s:s, s:b, s:I, s:f, s:f, s:[f,f], s:f, s:b}", "attack",
                            attack_name((enum attack_kind)i), "possible", (int)a->possible,
                            "questions", (json_int_t)a->questions, "rho",
                            (double)a->rho_nano * 1e-9, "advantage", a->advantage, "interval",
                            a->low, a->high, "bound", a->bound, "broken", (int)a->broken));
    }
    return cmd_json_print(
        out, json_pack("{s:I, s:o}", "trials", (json_int_t)r->trials, "attacks", list), err);
}

static enum pt_code run_all(struct cli *cli, struct run *r, struct pt_err *err)
{
    struct progress bar;
    enum pt_code rc = PT_OK;

    progress_begin(&bar, cli->log, "attacking", ATTACK_KINDS, clock_mono_ms());
    for (size_t i = 0; i < ATTACK_KINDS && rc == PT_OK; i++) {
        const struct attack_in in = {.policy = r->p,
                                     .kind = (enum attack_kind)i,
                                     .noise = ATTACK_NOISE,
                                     .trials = (size_t)r->trials};
        rc = attack_run(&r->out[i], &in, &r->random, err);
        r->broken += r->out[i].broken;
        progress_at(&bar, i + 1, clock_mono_ms());
    }
    progress_end(&bar);
    if (rc == PT_OK && cli_flag(cli, "json"))
        rc = print_json(cli->out, r, err);
    else if (rc == PT_OK)
        print_text(cli->out, r);
    if (rc != PT_OK || r->broken == 0)
        return rc;
    return pt_fail(err, PT_EDENIED,
                   "%zu attack%s did better than the policy promises: do not use this build, and "
                   "report it",
                   r->broken, r->broken == 1 ? "" : "s");
}

static enum pt_code read_options(struct run *r, struct key32 *key, const struct cli *cli,
                                 struct pt_err *err)
{
    const char *trials = cli_value(cli, "trials");
    const char *seed = cli_value(cli, "seed");
    uint64_t number = 0;

    r->trials = TRIALS;
    if (trials != NULL &&
        (!text_u64(span_z(trials), &r->trials) || r->trials < 100 || r->trials > TRIALS_MAX))
        return pt_fail(err, PT_EUSAGE, "--trials is a number from 100 to %d", TRIALS_MAX);
    if (seed == NULL) {
        key32_random(key);
        return PT_OK;
    }
    if (!text_u64(span_z(seed), &number))
        return pt_fail(err, PT_EUSAGE, "--seed is a number");
    *key = (struct key32){{0}};
    store_u64le(key->b, number);
    return PT_OK;
}

static enum pt_code run(struct cli *cli, struct pt_err *err)
{
    PT_WIPED(key32) key = {{0}};
    struct policy_file f = {0};
    struct prg *prg = NULL;
    struct run r = {0};
    enum pt_code rc;

    if ((rc = read_options(&r, &key, cli, err)) == PT_OK &&
        (rc = policy_file_load(&f, cli->args[0], err)) == PT_OK &&
        (rc = prg_new(&prg, &key)) != PT_OK)
        pt_fail(err, rc, "policy attack: no random stream");
    if (rc == PT_OK) {
        r.p = f.policy;
        draw_init(&r.random, prg, 0);
        rc = run_all(cli, &r, err);
    }
    draw_wipe(&r.random);
    prg_free(prg);
    policy_file_free(&f);
    return rc;
}

const struct command cmd_policy_attack = {
    .name = "policy attack",
    .args = "FILE",
    .summary = "play the best known attacks against a policy",
    .about = "Runs membership inference, differencing, repetition and whole budgets against\n"
             "the policy's own prices and the real noise: the attacker knows everything but\n"
             "whether one person is a customer, and decides by the likelihood ratio, which\n"
             "no test beats. Prints its measured advantage with its interval beside the bound\n"
             "that the policy's rho promises. Needs no node, no keys and no data. Exit status\n"
             "1 when an attack does better than promised, beyond all chance.",
    .example = "patto policy attack policy.yaml\n"
               "patto policy attack policy.yaml --trials 100000 --json",
    .options = OPTIONS,
    .arg_min = 1,
    .arg_max = 1,
    .run = run,
};
