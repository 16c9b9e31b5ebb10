#include "node/plan_folder.h"

#include "crypto/base/text.h"
#include "node/cmd_json.h"
#include "node/page_plan.h"
#include "node/report.h"
#include "proto/wire_planner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PRICE_FILE_MAX = 1 << 16 };

static enum pt_code make_folder(const char *path, struct pt_err *err)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return PT_OK;
    return pt_fail(err, PT_EIO, "%s: cannot be made: %s", path, strerror(errno));
}

enum pt_code plan_folder_open(struct plan_folder *f, const char *dir, struct pt_err *err)
{
    enum pt_code rc;

    if (!text_copy(f->dir, sizeof f->dir, span_z(dir)))
        return pt_fail(err, PT_ELIMIT, "%.80s...: too long a name for a folder", dir);
    if ((rc = make_folder(f->dir, err)) != PT_OK ||
        (rc = fileio_join(f->answers, f->dir, "answers", err)) != PT_OK)
        return rc;
    return make_folder(f->answers, err);
}

static enum pt_code path_of(char out[FILEIO_PATH_MAX], const struct plan_folder *f, const char *id,
                            const char *end, struct pt_err *err)
{
    char name[POLICY_NAME_MAX + 16];

    snprintf(name, sizeof name, "%s.%s", id, end);
    return fileio_join(out, f->answers, name, err);
}

enum pt_code plan_folder_read(struct answer *out, bool *found, const struct plan_folder *f,
                              const char *id, struct pt_err *err)
{
    char path[FILEIO_PATH_MAX];
    struct planner_update u = {0};
    struct buf bytes = {0};
    struct pt_err odd = {0};
    enum pt_code rc = path_of(path, f, id, "answer", err);

    *found = false;
    if (rc != PT_OK || !fileio_exists(path))
        return rc;
    if ((rc = fileio_read(&bytes, path, PLANNER_UPDATE_MAX, &odd)) == PT_OK &&
        (rc = planner_update_decode(&u, buf_span(&bytes), &odd)) == PT_OK && u.is_answer) {
        *out = u.answer;
        *found = true;
    }
    buf_free(&bytes);
    if (rc != PT_ENOMEM)
        return PT_OK;
    *err = odd;
    return rc;
}

/* ---- what was paid ---- */

static enum pt_code price_text(struct buf *out, uint64_t nano, const struct plan_folder_question *q,
                               struct pt_err *err)
{
    char rho[32];
    char hash[72];

    text_put_decimal(rho, nano, 9);
    policy_hash_text(hash, q->policy);
    bool good = buf_printf(out, "%s\nepoch %s\npolicy %s\n%.*s\n", rho, q->epoch, hash,
                           (int)q->text.n, (const char *)q->text.p);
    return good ? PT_OK : pt_fail(err, PT_ENOMEM, "a plan's price: no memory");
}

/* The first price stays: asked again, an answer costs nothing. */
static enum pt_code keep_price(const struct plan_folder *f, const char *id, const struct answer *a,
                               struct pt_err *err)
{
    const struct plan_folder_question q = {a->epoch, &a->policy, span_z(a->question)};
    char path[FILEIO_PATH_MAX];
    struct buf text = {0};
    enum pt_code rc;

    if (a->charged_rho_nano == 0)
        return PT_OK;
    if ((rc = path_of(path, f, id, "price", err)) == PT_OK &&
        (rc = price_text(&text, a->charged_rho_nano, &q, err)) == PT_OK)
        rc = fileio_write(path, buf_span(&text), err);
    buf_free(&text);
    return rc;
}

enum pt_code plan_folder_price(uint64_t *nano, const struct plan_folder *f, const char *id,
                               const struct plan_folder_question *q, struct pt_err *err)
{
    char path[FILEIO_PATH_MAX];
    struct buf bytes = {0};
    struct buf want = {0};
    struct pt_err odd = {0};
    bool found;
    enum pt_code rc = path_of(path, f, id, "price", err);

    *nano = 0;
    if (rc != PT_OK || !fileio_exists(path))
        return rc;
    if (fileio_read(&bytes, path, PRICE_FILE_MAX, &odd) == PT_OK) {
        struct span rest = buf_span(&bytes);
        struct span rho = text_cut(&rest, '\n', &found);
        uint64_t said;
        if (text_decimal(rho, 9, &said) && (rc = price_text(&want, said, q, err)) == PT_OK &&
            span_eq_vartime(buf_span(&bytes), buf_span(&want)))
            *nano = said;
    }
    buf_free(&bytes);
    buf_free(&want);
    return rc;
}

static enum pt_code write_as(const struct plan_folder *f, const char *id, const struct answer *a,
                             enum report_format format, struct pt_err *err)
{
    const struct report_style style = {.format = format};
    char path[FILEIO_PATH_MAX];
    struct buf text = {0};
    enum pt_code rc;

    if ((rc = path_of(path, f, id, format == REPORT_JSON ? "json" : "csv", err)) == PT_OK &&
        (rc = report_write(&text, a, &style, err)) == PT_OK)
        rc = fileio_write(path, buf_span(&text), err);
    buf_free(&text);
    return rc;
}

/* The one that is read back comes last: with it, all are there. */
enum pt_code plan_folder_keep(const struct plan_folder *f, const char *id, const struct answer *a,
                              struct pt_err *err)
{
    char path[FILEIO_PATH_MAX];
    struct buf bytes = {0};
    enum pt_code rc;

    if ((rc = keep_price(f, id, a, err)) == PT_OK &&
        (rc = write_as(f, id, a, REPORT_JSON, err)) == PT_OK &&
        (rc = write_as(f, id, a, REPORT_CSV, err)) == PT_OK &&
        (rc = path_of(path, f, id, "answer", err)) == PT_OK &&
        (rc = planner_update_answer(&bytes, a, err)) == PT_OK)
        rc = fileio_write(path, buf_span(&bytes), err);
    buf_free(&bytes);
    return rc;
}

static json_t *step_json(const struct plan_step *s)
{
    const struct plan_question *q = s->forecast->asked;
    bool there = s->answer.cell_count > 0;
    json_t *j =
        json_pack("{s:s, s:s, s:s, s:s, s:s?, s:f}", "id", q->id, "ask", q->ask, "with", q->with,
                  "state", plan_state_name(s->state), "reason", s->why[0] != '\0' ? s->why : NULL,
                  "charged_rho", (double)s->charged_nano * 1e-9);

    if (!there)
        return j;
    json_object_set_new(j, "repeated", json_boolean(s->answer.repeated));
    json_object_set_new(j, "left_rho",
                        s->answer.left_unknown ? json_null()
                                               : json_real((double)s->answer.left_rho_nano * 1e-9));
    json_object_set_new(j, "epoch", json_string(s->answer.epoch));
    json_object_set_new(j, "receipts", cmd_json_names(s->answer.receipts));
    return j;
}

static enum pt_code write_json(const struct plan_folder *f, const struct plan_run *r,
                               const char *epoch, struct pt_err *err)
{
    const struct plan *plan = r->forecast->plan;
    char path[FILEIO_PATH_MAX];
    char hash[72];
    json_t *list = json_array();
    enum pt_code rc;

    policy_hash_text(hash, &r->forecast->policy->hash);
    for (size_t i = 0; i < r->count; i++)
        json_array_append_new(list, step_json(&r->steps[i]));
    json_t *root =
        json_pack("{s:s, s:s, s:s, s:s, s:o, s:f, s:o}", "plan", plan->name, "asker", plan->asker,
                  "policy", hash, "epoch", epoch, "budget_rho",
                  plan->budget_nano > 0 ? json_real((double)plan->budget_nano * 1e-9) : json_null(),
                  "charged_rho", (double)r->charged_nano * 1e-9, "questions", list);
    char *text = root != NULL ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(12)) : NULL;
    json_decref(root);
    if (text == NULL)
        return pt_fail(err, PT_ENOMEM, "plan.json: no memory");
    if ((rc = fileio_join(path, f->dir, "plan.json", err)) == PT_OK)
        rc = fileio_write(path, span_z(text), err);
    free(text);
    return rc;
}

static enum pt_code write_page(const struct plan_folder *f, const struct plan_run *r,
                               struct pt_err *err)
{
    char path[FILEIO_PATH_MAX];
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    enum pt_code rc;

    if (out == NULL)
        return pt_fail(err, PT_ENOMEM, "report.html: no memory");
    page_plan(out, r);
    bool whole = ferror(out) == 0;
    if (fclose(out) != 0 || !whole)
        rc = pt_fail(err, PT_ENOMEM, "report.html: no memory");
    else if ((rc = fileio_join(path, f->dir, "report.html", err)) == PT_OK)
        rc = fileio_write(path, span_of((const uint8_t *)text, n), err);
    free(text);
    return rc;
}

enum pt_code plan_folder_finish(const struct plan_folder *f, const struct plan_run *r,
                                const char *epoch, struct pt_err *err)
{
    enum pt_code rc = write_json(f, r, epoch, err);

    return rc == PT_OK ? write_page(f, r, err) : rc;
}
