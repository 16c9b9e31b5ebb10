/* plan_folder.h - where a plan's answers are kept:
 *
 *     FOLDER/answers/ID.json, ID.csv   for people and programs
 *     FOLDER/answers/ID.answer         as the daemon sent it: read back when the plan is run again
 *     FOLDER/answers/ID.price          what it cost when it was first answered, and as what question
 *     FOLDER/plan.json                 what was asked, what it cost, what has no answer and why
 *     FOLDER/report.html               all of it on one page
 *
 * Files are written whole or not at all. Noisy aggregates only. */
#ifndef PT_PLAN_FOLDER_H
#define PT_PLAN_FOLDER_H

#include "node/fileio.h"
#include "node/plan_run.h"

struct plan_folder {
    char dir[FILEIO_PATH_MAX], answers[FILEIO_PATH_MAX];
};
/* Made if it is not there. PT_EIO, PT_ELIMIT. */
PT_MUST_USE enum pt_code plan_folder_open(struct plan_folder *f, const char *dir,
                                          struct pt_err *err);
/* The answer to question id. *found false: none, or one that cannot be read, which is asked again. */
PT_MUST_USE enum pt_code plan_folder_read(struct answer *out, bool *found,
                                          const struct plan_folder *f, const char *id,
                                          struct pt_err *err);
/* What question id was charged in this folder; *nano 0: nothing, another question, or not to be read. */
struct plan_folder_question { /* borrowed */
    const char *epoch;
    const struct digest *policy;
    struct span text; /* canonical */
};
PT_MUST_USE enum pt_code plan_folder_price(uint64_t *nano, const struct plan_folder *f,
                                           const char *id, const struct plan_folder_question *q,
                                           struct pt_err *err);
PT_MUST_USE enum pt_code plan_folder_keep(const struct plan_folder *f, const char *id,
                                          const struct answer *a, struct pt_err *err);
/* plan.json and report.html. epoch: its name, "" when none is in force. */
PT_MUST_USE enum pt_code plan_folder_finish(const struct plan_folder *f, const struct plan_run *r,
                                            const char *epoch, struct pt_err *err);

#endif
