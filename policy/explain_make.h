/* explain_make.h - what explain*.c share: one explanation in the making. For them alone. */
#ifndef PT_EXPLAIN_MAKE_H
#define PT_EXPLAIN_MAKE_H

#include "policy/explain.h"
#include "policy/yaml.h"

enum { PATH_MAX_BYTES = 200, NUMBER_BYTES = 40 };

#define PATHS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define ARGS(...)  ((const char *const[]){__VA_ARGS__, NULL})

struct explain_maker {
    const struct explain_in *in;
    const struct policy *p;
    const struct yaml_node *root;
    struct explain *out;
    enum explain_section section;
    size_t cap;
    bool no_memory;
};
/* One sentence of this section: the places in the file that it is about, what is filled in. */
void explain_say(struct explain_maker *m, enum explain_id id, const char *const *paths,
                 const char *const *args);
const char *explain_word_of(const struct explain_maker *m, const char *w);
/* 1000000 as 1,000,000 or 1.000.000; 0.2 as 0.2 or 0,2. */
const char *explain_count(char out[NUMBER_BYTES], const struct explain_maker *m, uint64_t v);
const char *explain_rho(char out[NUMBER_BYTES], const struct explain_maker *m, uint64_t nano);
const char *explain_real(char out[NUMBER_BYTES], const struct explain_maker *m, int decimals,
                         double v);
/* A scalar as the file writes it. */
const char *explain_scalar(char out[NUMBER_BYTES], const struct explain_maker *m, const char *path);

struct explain_list { /* "a, b and c" */
    struct buf text;
    size_t count;
};
void explain_list_add(struct explain_list *l, struct explain_maker *m, const char *item, bool last);
/* Its text; buf_free(&l->text) afterwards. */
const char *explain_list_end(struct explain_list *l, struct explain_maker *m);

void explain_ask(struct explain_maker *m);    /* who may learn what */
void explain_budget(struct explain_maker *m); /* what never; how much of one person */

#endif
