/* schema.h - reading a map of a YAML file by a table of its keys: the table is the grammar.
 *
 * An unknown key, a missing key, a wrong type and a value out of range are refused with line,
 * column, path and what was expected. Rows are read in the table's order, not the file's, so a
 * row may refer to what an earlier row filled in. */
#ifndef PT_SCHEMA_H
#define PT_SCHEMA_H

#include "policy/yaml.h"

enum { SCHEMA_PATH_MAX = 200, SCHEMA_SHOWN_MAX = 48 };

struct schema_at { /* where the reader stands */
    const struct yaml_node *node;
    const char *path; /* "partners.freshmart.officer" */
    void *context;    /* what the rows of this file share; the policy */
};

struct schema_key {
    const char *name; /* NULL ends a table */
    enum pt_code (*fill)(void *base, const struct schema_key *key, const struct schema_at *at,
                         struct pt_err *err);
    size_t offset;                 /* of the field, in the struct that the table fills */
    uint64_t min, max;             /* numbers: range; text: bytes */
    const char *const *words;      /* the closed list of a word, NULL ends it */
    const struct schema_key *keys; /* the table of a nested map, over the same struct */
    size_t line_offset;            /* of a uint32_t that keeps the line; 0: not kept */
    unsigned scale;                /* numbers are kept in units of 10^-scale */
    bool optional;
};

/* Fill base from the map at `at`. [every key known, none missing] */
PT_MUST_USE enum pt_code schema_read(void *base, const struct schema_key *keys,
                                     const struct schema_at *at, struct pt_err *err);

/* Readers for rows. Each writes at base + key->offset: */
enum pt_code schema_map(void *base, const struct schema_key *key, const struct schema_at *at,
                        struct pt_err *err); /* through key->keys */
enum pt_code schema_u32(void *base, const struct schema_key *key, const struct schema_at *at,
                        struct pt_err *err);
enum pt_code schema_u64(void *base, const struct schema_key *key, const struct schema_at *at,
                        struct pt_err *err); /* decimals by key->scale */
enum pt_code schema_bool(void *base, const struct schema_key *key, const struct schema_at *at,
                         struct pt_err *err);
enum pt_code schema_word(void *base, const struct schema_key *key, const struct schema_at *at,
                         struct pt_err *err); /* an enum, in the order of key->words */
enum pt_code schema_word_text(void *base, const struct schema_key *key, const struct schema_at *at,
                              struct pt_err *err); /* one of key->words, as text */
enum pt_code schema_text(void *base, const struct schema_key *key, const struct schema_at *at,
                         struct pt_err *err); /* 1..key->max bytes, one line */
enum pt_code schema_name(void *base, const struct schema_key *key, const struct schema_at *at,
                         struct pt_err *err); /* [a-z][a-z0-9_-]*, at most key->max */
enum pt_code schema_date(void *base, const struct schema_key *key, const struct schema_at *at,
                         struct pt_err *err); /* YYYY-MM-DD: its first second, UTC */

/* For readers of one's own. */
PT_PRINTF(3, 4)
enum pt_code schema_fail(const struct schema_at *at, struct pt_err *err, const char *fmt, ...);
/* The place of a child of `at`, its path written to `path`; name: its key, or its number. */
struct schema_at schema_child(char path[SCHEMA_PATH_MAX], const struct schema_at *at,
                              const struct yaml_node *child, struct span name);
/* "'frehsmart'", cut to a length fit for a message; "a list" or "a map" when it is one. */
void schema_show(char out[SCHEMA_SHOWN_MAX], const struct yaml_node *node);
/* Quoted, cut at 40 bytes on a character's edge, control characters replaced. */
void schema_show_text(char out[SCHEMA_SHOWN_MAX], struct span s);
/* "a, b, c", cut where out is full. */
void schema_join(char *out, size_t cap, const char *const *names, size_t count);
/* ", did you mean 'freshmart'?" when one of names is within two edits of word; else empty. */
void schema_suggest(char out[SCHEMA_SHOWN_MAX], struct span word, const char *const *names,
                    size_t count);
/* A list of min..max entries, or the refusal that says so. */
PT_MUST_USE enum pt_code schema_list(const struct schema_at *at, size_t min, size_t max,
                                     struct pt_err *err);
bool schema_is_name(struct span s);
bool schema_is_line(struct span s); /* one line, not empty, no blank at either end */

#endif
