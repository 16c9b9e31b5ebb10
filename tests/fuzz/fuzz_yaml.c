/* Properties: a refusal has a reason; what is accepted is a tree whose texts lie in order, within
 * the bounds that yaml.h names, without two equal keys in one map. */
#include <stdlib.h>

#include "policy/yaml.h"

static void check(const struct yaml_node *n, size_t depth, size_t *count)
{
    if (++*count > YAML_NODES_MAX || depth > YAML_DEPTH_MAX || n->line == 0 || n->column == 0)
        __builtin_trap();
    if (n->kind == YAML_SCALAR && n->child_count != 0)
        __builtin_trap();
    volatile uint8_t sum = 0; /* read all of it: the sanitizers watch */
    for (size_t i = 0; i < n->text.n; i++)
        sum = (uint8_t)(sum + n->text.p[i]);
    for (size_t i = 0; i < n->child_count; i++) {
        const struct yaml_node *child = &n->children[i];
        for (size_t k = 0; n->kind == YAML_MAP && k < i && i < 64; k++)
            if (span_eq_vartime(child->key, n->children[k].key))
                __builtin_trap();
        check(child, depth + 1, count);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pt_err err = {0};
    struct yaml *y;
    size_t count = 0;

    if (yaml_parse(&y, span_of(data, size), &err) != PT_OK) {
        if (err.msg[0] == '\0' || y != NULL)
            __builtin_trap();
        return 0;
    }
    check(yaml_root(y), 0, &count);
    yaml_free(y);
    return 0;
}
