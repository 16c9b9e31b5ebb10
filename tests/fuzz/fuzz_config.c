/* Properties: a refusal has a reason; what is accepted has a name, addresses that the checks take and
 * threads, and prints as what parses back to the same. */
#include <stdlib.h>
#include <string.h>

#include "node/config.h"

static void again(const struct config *c)
{
    struct buf text = {0};
    struct config back;
    struct pt_err err = {0};

    if (config_print(&text, c, &err) != PT_OK ||
        config_parse(&back, buf_span(&text), &err) != PT_OK || strcmp(back.name, c->name) != 0 ||
        strcmp(back.listen, c->listen) != 0 || strcmp(back.planner, c->planner) != 0 ||
        back.threads != c->threads)
        __builtin_trap();
    buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config c;
    struct pt_err err = {0};

    if (config_parse(&c, span_of(data, size), &err) != PT_OK) {
        if (err.msg[0] == '\0')
            __builtin_trap();
        return 0;
    }
    if (size > CONFIG_FILE_MAX || config_check_name(c.name, &err) != PT_OK ||
        config_check_address(c.listen, false, &err) != PT_OK || c.threads < 1 ||
        c.threads > CONFIG_THREADS_MAX)
        __builtin_trap();
    if (strcmp(c.planner, "unix") != 0 && config_check_address(c.planner, true, &err) != PT_OK)
        __builtin_trap();
    again(&c);
    return 0;
}
