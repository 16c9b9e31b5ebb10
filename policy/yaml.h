/* yaml.h - strict YAML 1.2 documents as a tree of borrowed text with places: the one door to
 * libfyaml. No aliases, anchors, tags, duplicate keys or second documents. */
#ifndef PT_YAML_H
#define PT_YAML_H

#include "crypto/base/span.h"

enum { YAML_DEPTH_MAX = 16, YAML_NODES_MAX = 100000 };
enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
    enum yaml_kind kind;
    uint32_t line, column; /* from 1 */
    struct span text;      /* scalar: its value */
    bool plain;            /* scalar: not quoted */
    struct span key;       /* when a child of a map */
    uint32_t key_line, key_column;
    struct yaml_node *children; /* list items, or map values in file order */
    size_t child_count;
};

struct yaml; /* owns everything under root */
/* PT_EPARSE "line 3, column 5: ..." */
PT_MUST_USE enum pt_code yaml_parse(struct yaml **out, struct span file, struct pt_err *err);
const struct yaml_node *yaml_root(const struct yaml *y);
/* NULL when the map has no such key. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);
void yaml_free(struct yaml *y);

#endif
