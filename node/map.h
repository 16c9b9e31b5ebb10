/* map.h - MAP.yaml: which column of a customer file is what in the policy.
 *
 * Strict like the policy: an unknown key, a missing one, an attribute that the policy does not have
 * or that is left out, is an error with line and column. Schema and example: node/README.md. */
#ifndef PT_MAP_H
#define PT_MAP_H

#include "node/fileio.h"
#include "node/normalise.h"
#include "policy/policy.h"

enum { MAP_FILE_MAX = 1 << 20, MAP_WORDS_MAX = 4096, MAP_ACCEPT_MAX = 32 };
#define MAP_BAD_MICRO_DEFAULT 10000 /* 1 % */

enum map_form { MAP_WIDE, MAP_LONG };

struct map_word { /* a word of the file and the policy's value it stands for */
    struct span text;
    uint16_t value;
};
struct map_attribute {
    struct span column;
    char separator;         /* set: between words in one cell; 0: a cell is one word */
    char decimal;           /* number: '.' or ',' */
    struct map_word *words; /* category, set: sorted by text */
    size_t word_count;
    bool drop_others; /* words not listed are dropped, not reported as outside */
};

struct map { /* spans borrow from its own copy of the file, and from the policy */
    enum map_form form;
    char delimiter;
    struct span identifier_column;
    struct normalise_how identifier;
    struct map_attribute attributes[POLICY_ATTRIBUTES_MAX]; /* as the partner's */
    size_t attribute_count;
    struct span consent_column; /* n == 0: none */
    struct span consent_accept[MAP_ACCEPT_MAX];
    size_t consent_accept_count;
    char suppression_path[FILEIO_PATH_MAX]; /* empty: none; beside MAP.yaml unless absolute */
    struct normalise_how suppression;
    uint32_t bad_micro; /* share of values outside the policy's, in millionths, at most */
    struct map_text *text;
};

/* PT_EPARSE "line 3, column 9: ...". folder: where a relative suppression file lies; may be "". */
struct map_for {
    const struct policy *policy;
    uint16_t me;
    const char *folder;
};
PT_MUST_USE enum pt_code map_parse(struct map **out, struct span file, const struct map_for *to,
                                   struct pt_err *err);
/* The same from a file; its folder is the folder. Errors begin with path. */
PT_MUST_USE enum pt_code map_read(struct map **out, const char *path, const struct policy *policy,
                                  uint16_t me, struct pt_err *err);
void map_free(struct map *m);

/* The value that a word of the file stands for; -1 when none does. */
int map_find_word(const struct map_attribute *a, struct span word);

#endif
