#include "node/cmd_json.h"

#include "crypto/base/text.h"

enum pt_code cmd_json_print(FILE *out, json_t *root, struct pt_err *err)
{
    int rc = root == NULL ? -1 : json_dumpf(root, out, JSON_INDENT(2) | JSON_PRESERVE_ORDER);

    json_decref(root);
    if (rc != 0)
        return pt_fail(err, PT_ENOMEM, "the JSON answer: out of memory, or the output is closed");
    fputc('\n', out);
    return PT_OK;
}

json_t *cmd_json_names(const char *names)
{
    json_t *list = json_array();
    struct span rest = span_z(names);
    bool more = rest.n > 0;

    while (more) {
        struct span name = text_cut(&rest, ',', &more);
        json_array_append_new(list, json_stringn((const char *)name.p, name.n));
    }
    return list;
}
