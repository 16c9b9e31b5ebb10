#include "crypto/base/err.h"

#include "crypto/base/text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum pt_code pt_fail(struct pt_err *err, enum pt_code code, const char *fmt, ...)
{
    va_list ap;

    assert(code != PT_OK);
    err->code = code;
    va_start(ap, fmt);
    vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    text_make_line(err->msg);
    return code;
}

enum pt_code pt_wrap(struct pt_err *err, const char *fmt, ...)
{
    char head[sizeof err->msg];
    char tail[sizeof err->msg];
    va_list ap;

    assert(err->code != PT_OK);
    va_start(ap, fmt);
    vsnprintf(head, sizeof head, fmt, ap);
    va_end(ap);
    memcpy(tail, err->msg, sizeof tail);
    /* The cause matters more than the path to it: keep the tail, cut the head. */
    snprintf(err->msg, sizeof err->msg, "%.*s: %.*s", 160, head, 340, tail);
    text_make_line(err->msg); /* the cut may have split a character */
    return err->code;
}
