/* records.h - the records of sessions (node/recorder.h), listed, read, and removed when their time
 * is over. What is read is authentic before it is handed over; whether it is true, replay says. */
#ifndef PT_RECORDS_H
#define PT_RECORDS_H

#include "node/recorder.h"

struct records_list {
    char (*names)[RECORDER_NAME + 1]; /* ascending: as they began */
    size_t count;
};
/* None is no error. PT_ENOMEM, PT_EIO. Free with records_list_free(). */
PT_MUST_USE enum pt_code records_list(struct records_list *out, const struct home *h,
                                      struct pt_err *err);
void records_list_free(struct records_list *l);
/* Remove those that began before since_s. */
PT_MUST_USE enum pt_code records_sweep(const struct home *h, int64_t since_s, struct pt_err *err);

struct records_reader;
/* PT_EIO; PT_EBADMSG: too short to be one. */
PT_MUST_USE enum pt_code records_open(struct records_reader **out, const struct home *h,
                                      const char *name, struct pt_err *err);
/* The next entry; its bytes stay until the next call. *end: there is none. PT_EBADMSG: altered, of
 * another home, or cut inside an entry. */
PT_MUST_USE enum pt_code records_next(struct record_entry *out, bool *end, struct records_reader *r,
                                      struct pt_err *err);
/* At the end: the file has no last box. The process was killed, or somebody cut it there. */
bool records_cut(const struct records_reader *r);
void records_close(struct records_reader *r); /* wipes; NULL too */

#endif
