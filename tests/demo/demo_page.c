/* demo-page FOLDER >report.html: the report of a plan that was answered once and for all, so that a
 * picture of it can be compared: every file of FOLDER is an answer as a plan's folder keeps it. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "node/fileio.h"
#include "node/page_plan.h"
#include "proto/wire_planner.h"

enum { ANSWERS_MAX = 32 };

struct page { /* what page_plan() borrows */
    struct policy policy;
    struct plan plan;
    struct plan_question questions[ANSWERS_MAX];
    struct plan_outcome outcomes[ANSWERS_MAX];
    struct plan_step steps[ANSWERS_MAX];
    struct plan_forecast forecast;
    struct plan_run run;
};

static int add(struct page *p, const char *folder, const char *name)
{
    size_t i = p->run.count;
    char path[FILEIO_PATH_MAX];
    struct buf bytes = {0};
    struct planner_update u = {0};
    struct pt_err err;

    if (i == ANSWERS_MAX || fileio_join(path, folder, name, &err) != PT_OK ||
        fileio_read(&bytes, path, PLANNER_UPDATE_MAX, &err) != PT_OK ||
        planner_update_decode(&u, buf_span(&bytes), &err) != PT_OK || !u.is_answer) {
        fprintf(stderr, "demo-page: %s: %s\n", name, err.msg);
        return 1;
    }
    struct plan_question *q = &p->questions[i];
    snprintf(q->id, sizeof q->id, "%s", name);
    snprintf(q->ask, sizeof q->ask, "%s", answer_kind_name(u.answer.kind));
    snprintf(q->with, sizeof q->with, "%s", u.answer.with);
    snprintf(q->rows, sizeof q->rows, "%s", u.answer.rows);
    snprintf(q->columns, sizeof q->columns, "%s", u.answer.columns);
    p->outcomes[i] = (struct plan_outcome){.asked = q, .kind = u.answer.kind};
    p->steps[i] = (struct plan_step){.forecast = &p->outcomes[i],
                                     .state = PLAN_ANSWERED,
                                     .answer = u.answer,
                                     .charged_nano = u.answer.charged_rho_nano};
    p->run.charged_nano += u.answer.charged_rho_nano;
    p->run.count++;
    buf_free(&bytes);
    return 0;
}

static int files_only(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

int main(int argc, char **argv)
{
    static struct page p;
    struct dirent **names = NULL;
    int n = argc == 2 ? scandir(argv[1], &names, files_only, alphasort) : -1;
    int status = n > 0 ? 0 : 2;

    if (n <= 0)
        fprintf(stderr, "usage: demo-page FOLDER\n");
    snprintf(p.policy.federation, sizeof p.policy.federation, "demo");
    snprintf(p.plan.name, sizeof p.plan.name, "joint-launch");
    snprintf(p.plan.asker, sizeof p.plan.asker, "freshmart");
    p.plan.questions = p.questions;
    p.forecast =
        (struct plan_forecast){.policy = &p.policy, .plan = &p.plan, .outcomes = p.outcomes};
    p.run.forecast = &p.forecast;
    p.run.steps = p.steps;
    for (int i = 0; i < n; i++) {
        if (status == 0)
            status = add(&p, argv[1], names[i]->d_name);
        free(names[i]);
    }
    free(names);
    if (status == 0)
        page_plan(stdout, &p.run);
    for (size_t i = 0; i < p.run.count; i++)
        answer_free(&p.steps[i].answer);
    return status;
}
