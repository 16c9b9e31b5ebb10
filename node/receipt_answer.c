#include "node/receipt_answer.h"

#include "crypto/base/text.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const char *member(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

/* "sha256:HEX" in an answer, HEX in an event. */
static const char *bare(const char *text)
{
    static const char prefix[] = "sha256:";

    return strncmp(text, prefix, sizeof prefix - 1) == 0 ? text + sizeof prefix - 1 : text;
}

static enum pt_code same(const struct receipt *r, const char *field, const char *here,
                         const char *what, struct pt_err *err)
{
    char there[512];

    receipt_field(there, r, field);
    if (there[0] != '\0' && strcmp(bare(here), there) == 0)
        return PT_OK;
    return pt_fail(err, PT_EDENIED, "the receipt is of another answer: %s %.70s here, %.70s there",
                   what, bare(here), there);
}

/* What the owner signed, as the asker saw it. NULL: the answer is none of that owner's. */
static const char *hash_of(const json_t *answers, const char *owner)
{
    for (size_t i = 0; i < json_array_size(answers); i++) {
        const json_t *one = json_array_get(answers, i);
        if (strcmp(member(one, "owner"), owner) == 0)
            return member(one, "hash");
    }
    return NULL;
}

static enum pt_code check(bool *first, const struct receipt *r, const struct policy *p,
                          const json_t *root, struct pt_err *err)
{
    const char *owner = p->partners[r->owner].name;
    const char *hash = hash_of(json_object_get(root, "answers"), owner);
    bool repeated = json_is_true(json_object_get(root, "repeated"));
    enum pt_code rc;

    *first = false;
    if (!json_is_array(json_object_get(root, "answers")))
        return pt_fail(err, PT_EPARSE, "not an answer of `patto query --json`");
    if (hash == NULL)
        return pt_fail(err, PT_EDENIED, "the receipt is of %s, which this answer is not from",
                       owner);
    if ((rc = same(r, "recipient", member(root, "asker"), "asked by", err)) != PT_OK ||
        (rc = same(r, "policy", member(root, "policy"), "policy", err)) != PT_OK ||
        (rc = same(r, "epoch", member(root, "epoch"), "epoch", err)) != PT_OK)
        return rc;
    /* Between two: with several the answer has no one owner's commitment. */
    if (strcmp(member(root, "with"), owner) == 0 &&
        ((rc = same(r, "asker_dataset", member(root, "own_data"), "asker's data", err)) != PT_OK ||
         (rc = same(r, "dataset", member(root, "other_data"), "owner's data", err)) != PT_OK))
        return rc;
    rc = same(r, "answer", hash, "answer hash", err);
    *first = rc == PT_EDENIED && repeated;
    return *first ? PT_OK : rc;
}

enum pt_code receipt_answer_check(bool *first, const struct receipt *r, const struct policy *p,
                                  struct span json, struct pt_err *err)
{
    json_t *root = json_loadb((const char *)json.p, json.n, JSON_REJECT_DUPLICATES, NULL);
    enum pt_code rc = check(first, r, p, root, err);

    json_decref(root);
    return rc;
}
