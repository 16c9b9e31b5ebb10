/* err.h - how every fallible function in the tree reports failure.
 *
 * It returns enum pt_code and takes a last `struct pt_err *err`, never NULL, that
 * receives one sentence: what was attempted, on what, and the limit it broke.
 * Leaf arithmetic that can fail in one way only returns the code alone.
 * There is one code for each *reaction*; the cause is the sentence. */
#ifndef PT_BASE_ERR_H
#define PT_BASE_ERR_H

#define PT_MUST_USE        __attribute__((warn_unused_result))
#define PT_PRINTF(fmt, va) __attribute__((format(printf, fmt, va)))

enum pt_code {
    PT_OK,
    PT_ENOMEM,  /* free memory, try again */
    PT_EIO,     /* the machine: disk, permission, file */
    PT_EPARSE,  /* correct the file that is named */
    PT_ELIMIT,  /* a bound was met: smaller input, or another setting */
    PT_EBADMSG, /* a peer's bytes are wrong: refuse, keep them, talk to the peer */
    PT_ESTATE,  /* not now: something else must happen first */
    PT_EDENIED, /* policy, signature or budget says no */
    PT_EPEER,   /* a peer is absent or slow: try again later */
    PT_EUSAGE,  /* wrong command line */
    PT_EBUG     /* ours: report it */
};

struct pt_err {
    enum pt_code code;
    char msg[512]; /* NUL-terminated; shown to people, so never a secret and never a row */
};

/* Fill *err and return code:      return pt_fail(err, PT_EPARSE, "line %zu: no '='", n); */
PT_PRINTF(3, 4) enum pt_code pt_fail(struct pt_err *err, enum pt_code code, const char *fmt, ...);
/* Say what was being attempted and keep the code:   return pt_wrap(err, "%s", path); */
PT_PRINTF(2, 3) enum pt_code pt_wrap(struct pt_err *err, const char *fmt, ...);

#endif
