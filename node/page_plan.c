#include "node/page_plan.h"

#include "crypto/base/text.h"
#include "node/html.h"
#include "node/svg.h"

#include <string.h>

static const char STYLE[] =
    "main{max-width:64rem;margin:auto;padding:1rem 1.25rem 3rem}\n"
    "h1{font-size:1.7rem;margin:.4rem 0 0}h2{font-size:1.15rem;margin:2.4rem 0 .2rem}"
    "h4{margin:.8rem 0 .2rem;font-size:.95rem}\n"
    ".by{color:var(--soft);margin:.1rem 0 "
    "1rem}.note{color:var(--soft);font-size:.88rem;margin:.3rem 0}\n"
    ".hash{font:12px/1.5 ui-monospace,monospace;overflow-wrap:anywhere;color:var(--soft)}\n"
    "figure{margin:.6rem "
    "0;overflow-x:auto}svg{display:block;max-width:none}svg.fit{max-width:100%;height:auto}\n"
    "svg text{font:14px system-ui,sans-serif;fill:var(--ink)}svg "
    ".num{font-variant-numeric:tabular-nums}\n"
    "svg .pm{fill:var(--soft);font-size:12px}svg "
    ".hid{fill:var(--soft);font-size:13px;font-style:italic}\n"
    "svg .bar{fill:var(--more);fill-opacity:.55}svg .under{fill:var(--less)}"
    "svg .weak{fill-opacity:.2}svg "
    ".err{stroke:var(--ink);fill:none;stroke-width:1.4}\n"
    "svg .axis{stroke:var(--soft);fill:none}svg .more{fill:var(--more)}svg "
    ".less{fill:var(--less)}\n"
    "svg .none{fill:none;stroke:var(--line);stroke-dasharray:3 3}svg "
    ".cut{stroke:var(--line);fill:none}\n"
    "svg .dot{fill:var(--ink)}svg .hole{fill:var(--line)}svg "
    ".dots{stroke:var(--ink);stroke-width:3}\n"
    "table{border-collapse:collapse;font-size:.9rem}.wide{overflow-x:auto}\n"
    "th{text-align:left;font-weight:600}td,th{padding:.2rem .9rem .2rem 0;vertical-align:top;"
    "border-bottom:1px solid "
    "var(--line)}td.num{white-space:nowrap;font-variant-numeric:tabular-nums}\n"
    "td.hid{color:var(--soft);font-style:italic}summary{cursor:pointer;color:var(--link);font-size:"
    ".9rem}\n"
    "ul.say li{margin:.4rem 0}a{color:var(--link)}.state{white-space:nowrap}\n"
    "section{break-inside:avoid}\n"
    /* On paper nothing scrolls: what is too wide is drawn smaller. */
    "@media print{figure,.wide{overflow:visible}svg{max-width:100%;height:auto;break-inside:avoid}"
    "main{padding:0;max-width:none}h2,h4,.by{break-after:avoid}tr{break-inside:avoid}"
    "details:not([open]){display:none}a{text-decoration:none}}\n";

/* "affinity with drinkco: buys by drinks" */
static void put_what(FILE *out, const struct plan_question *q)
{
    html_text(out, span_z(q->ask));
    fputs(" with ", out);
    for (const char *c = q->with; *c != '\0'; c++)
        fprintf(out, "%c%s", *c, *c == ',' ? " " : ""); /* names of partners: nothing to escape */
    if (q->rows[0] == '\0')
        return;
    fputs(": ", out);
    html_text(out, span_z(q->rows));
    fputs(" by ", out);
    html_text(out, span_z(q->columns));
}

static void put_where(FILE *out, const struct plan_run *r, const struct plan_question *q)
{
    for (size_t i = 0; i < q->where_count; i++) {
        fputs(i == 0 ? "<p class=\"note\">where " : " and ", out);
        html_text(out, span_z((const char *)r->forecast->plan->words.p + q->where[i]));
    }
    if (q->where_count > 0)
        fputs("</p>\n", out);
}

static void put_step(FILE *out, const struct plan_run *r, const struct plan_step *s)
{
    const struct plan_question *q = s->forecast->asked;

    fputs("<section id=\"", out);
    html_text(out, span_z(q->id));
    fputs("\">\n<h2>", out);
    html_text(out, span_z(q->id));
    fputs("</h2>\n<p class=\"by\">", out);
    put_what(out, q);
    fputs("</p>\n", out);
    put_where(out, r, q);
    if (s->state == PLAN_ANSWERED || s->state == PLAN_KEPT) {
        page_answer(out, &s->answer);
    } else {
        fprintf(out, "<p><b>No answer, %s:</b> ", plan_state_name(s->state));
        html_text(out, span_z(s->why));
        fputs("</p>\n", out);
    }
    fputs("</section>\n", out);
}

static void put_receipts(FILE *out, const char *names)
{
    struct span rest = span_z(names);
    bool more = rest.n > 0;

    while (more) {
        struct span name = text_cut(&rest, ',', &more);
        fputs("<div class=\"hash\">", out);
        html_text(out, name);
        fputs("</div>", out);
    }
}

static void put_row(FILE *out, const struct plan_step *s)
{
    const struct plan_question *q = s->forecast->asked;
    char rho[32] = "";
    char left[32] = "";

    if (s->answer.cell_count > 0 || s->charged_nano > 0)
        text_put_decimal(rho, s->charged_nano, 9);
    if (s->answer.cell_count > 0 && !s->answer.left_unknown)
        text_put_decimal(left, s->answer.left_rho_nano, 9);
    fputs("<tr><td><a href=\"#", out);
    html_text(out, span_z(q->id));
    fputs("\">", out);
    html_text(out, span_z(q->id));
    fputs("</a></td><td>", out);
    put_what(out, q);
    fprintf(
        out,
        "</td><td class=\"state\">%s</td><td class=\"num\">%s</td><td class=\"num\">%s</td><td>",
        plan_state_name(s->state), rho, left);
    put_receipts(out, s->answer.receipts);
    fputs("</td></tr>\n", out);
}

static void put_budget(FILE *out, const struct plan_run *r)
{
    const struct plan *plan = r->forecast->plan;
    char charged[32];
    char budget[32];

    text_put_decimal(charged, r->charged_nano, 9);
    text_put_decimal(budget, plan->budget_nano, 9);
    fprintf(out,
            "<h2 id=\"cost\">What was asked, and what it cost</h2>\n<p>Privacy loss charged: rho "
            "%s%s%s.</p>\n",
            charged, plan->budget_nano > 0 ? " of the plan's own " : "",
            plan->budget_nano > 0 ? budget : "");
    fputs("<div class=\"wide\"><table><thead><tr><th>id</th><th>question</th><th>state</th>"
          "<th>rho</th><th>left after it</th><th>receipts</th></tr></thead>\n<tbody>\n",
          out);
    for (size_t i = 0; i < r->count; i++)
        put_row(out, &r->steps[i]);
    fputs(
        "</tbody></table></div>\n"
        "<p class=\"note\">A table is paid for once: other readings of it cost nothing. What is "
        "left is the partner's ledger's word. <code>patto audit receipt</code> verifies a receipt "
        "with the policy alone.</p>\n",
        out);
}

/* All answers of a run come from one daemon: the first says it for all. */
static const struct answer *any_answer(const struct plan_run *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->steps[i].answer.cell_count > 0)
            return &r->steps[i].answer;
    return NULL;
}

static void put_words(FILE *out, const struct plan_run *r)
{
    const struct answer *a = any_answer(r);

    fputs("<h2 id=\"read\">How to read this</h2>\n<ul>\n"
          "<li>Every figure is an estimate. \xc2\xb1 is its 95 % interval: the noise that protects "
          "people, and the sampling of slots. One figure in twenty lies outside.</li>\n"
          "<li>The interval says what the plain join of both files would give. It is no test of an "
          "effect: chance among the people themselves comes on top.</li>\n"
          "<li>What is hidden is too small to be shown, or too small to be told from noise. It is "
          "not zero.</li>\n"
          "<li>The answers are for the company that asked. Do not hand them on.</li>\n",
          out);
    if (a != NULL) {
        fputs("<li>", out);
        html_text(out, span_z(a->threat_model));
        fputs("</li>\n", out);
    }
    fputs("</ul>\n", out);
}

static void put_summary(FILE *out, const struct plan_run *r)
{
    const size_t there = plan_run_count(r, PLAN_ANSWERED) + plan_run_count(r, PLAN_KEPT);
    char charged[32];

    text_put_decimal(charged, r->charged_nano, 9);
    fprintf(out,
            "<p>%zu of %zu questions answered, for a privacy loss of rho %s "
            "(<a href=\"#cost\">what it cost</a>, <a href=\"#read\">how to read this</a>).</p>\n",
            there, r->count, charged);
}

void page_plan(FILE *out, const struct plan_run *r)
{
    const struct plan *plan = r->forecast->plan;
    const struct answer *a = any_answer(r);
    char hash[72];

    policy_hash_text(hash, &r->forecast->policy->hash);
    html_begin(out, "en", plan->name, STYLE);
    fputs("<main>\n<h1>", out);
    html_text(out, span_z(plan->name));
    fputs("</h1>\n<p class=\"by\">asked by ", out);
    html_text(out, span_z(plan->asker));
    fputs(" in ", out);
    html_text(out, span_z(r->forecast->policy->federation));
    fputs("</p>\n", out);
    put_summary(out, r);
    for (size_t i = 0; i < r->count; i++)
        put_step(out, r, &r->steps[i]);
    put_budget(out, r);
    put_words(out, r);
    fprintf(out, "<p class=\"hash\">policy %s", hash);
    if (a != NULL) {
        fputs("<br>epoch ", out);
        html_text(out, span_z(a->epoch));
        fputs(", ", out);
        html_text(out, span_z(a->build));
    }
    fputs("</p>\n</main>\n", out);
    html_end(out);
}
