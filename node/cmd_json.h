/* cmd_json.h - how commands print their answers as JSON: two spaces, order kept, one newline. */
#ifndef PT_CMD_JSON_H
#define PT_CMD_JSON_H

#include "crypto/base/err.h"

#include <jansson.h>
#include <stdio.h>

/* Takes root, NULL too (jansson gives NULL when memory ends). */
PT_MUST_USE enum pt_code cmd_json_print(FILE *out, json_t *root, struct pt_err *err);

/* "a,b" as ["a", "b"]; "" as []. The caller's. */
json_t *cmd_json_names(const char *names);

#endif
