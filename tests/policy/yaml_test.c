/* Goal: a file has one meaning, the one that an editor shows; everything else has a place and a
 * reason. Method: a document read node by node, then one trick of YAML a row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base/text.h"
#include "policy/yaml.h"

#define BYTES(literal) span_of(literal, sizeof(literal) - 1)

static void a_document_is_a_tree_with_places(void **state)
{
    struct yaml *y;
    struct pt_err err = {0};

    (void)state;
    assert_int_equal(yaml_parse(&y,
                                BYTES("\xEF\xBB\xBF# c\n---\na: 1\nbé: [x, \"y\\tz\", {}]\r\n"
                                      "c:\n  d: 'e'\n  f:\n...\n"),
                                &err),
                     PT_OK);
    const struct yaml_node *root = yaml_root(y);
    assert_int_equal(root->kind, YAML_MAP);
    assert_int_equal(root->child_count, 3);
    const struct yaml_node *a = yaml_get(root, "a");
    assert_ptr_equal(a, &root->children[0]);
    assert_true(text_eq(a->text, "1") && a->plain && a->kind == YAML_SCALAR);
    assert_int_equal(a->line, 3);
    assert_int_equal(a->column, 4);
    assert_int_equal(a->key_line, 3);
    assert_int_equal(a->key_column, 1);
    const struct yaml_node *b = yaml_get(root, "b\xC3\xA9");
    assert_int_equal(b->kind, YAML_LIST);
    assert_int_equal(b->child_count, 3);
    assert_int_equal(b->children[0].column, 6); /* characters, not bytes */
    assert_int_equal(b->children[1].column, 9); /* where the quote is */
    assert_true(text_eq(b->children[1].text, "y\tz") && !b->children[1].plain);
    assert_int_equal(b->children[2].kind, YAML_MAP);
    assert_int_equal(b->children[2].child_count, 0);
    const struct yaml_node *c = yaml_get(root, "c");
    assert_true(text_eq(yaml_get(c, "d")->text, "e") && !yaml_get(c, "d")->plain);
    const struct yaml_node *f = yaml_get(c, "f");
    assert_true(f->text.n == 0 && f->plain);
    assert_int_equal(f->line, 7);
    assert_null(yaml_get(c, "g"));
    assert_null(yaml_get(b, "a"));
    yaml_free(y);
    yaml_free(NULL);
}

static void tricks_are_refused_with_their_place(void **state)
{
    const struct {
        struct span file;
        const char *says;
    } cases[] = {
        {{0}, "line 1, column 1: the file is empty"},
        {BYTES("# only a comment\n"), "line 2, column 1: the file is empty"},
        {BYTES("a: 1\nb: 2\na: 3\n"),
         "line 3, column 1: this key is set twice; it is also on line 1"},
        {BYTES("a: {b: 1, c: 2, b: 3}"), "line 1, column 17: this key is set twice"},
        {BYTES("a: 1\n\"a\": 2\n"), "line 2, column 1: this key is set twice"},
        {BYTES("a: &x 1\n"), "line 1, column 7: an anchor"},
        {BYTES("a: &x {b: 1}\n"), "an anchor"},
        {BYTES("a: &x 1\nb: *x\n"), "an anchor"},
        {BYTES("a: *x\n"), "line 1, column 5: an alias"},
        {BYTES("a: !!str 1\n"), "line 1, column 10: a tag"},
        {BYTES("a: ! 1\n"), "a tag"},
        {BYTES("a: !x [1]\n"), "a tag"},
        {BYTES("a: 1\n---\nb: 2\n"), "line 2, column 1: a second document"},
        {BYTES("a: 1\n...\nb: 2\n"), "second document"},
        {BYTES("%YAML 1.1\n---\na: 1\n"), "a '%' directive is not accepted"},
        {BYTES("%TAG ! tag:x,2000:\n---\na: 1\n"), "a '%' directive is not accepted"},
        {BYTES("? [a]\n: b\n"), "line 1, column 3: expected a key, found a list or a map"},
        {BYTES("? {a: b}\n: b\n"), "expected a key, found a list or a map"},
        {BYTES("a: b\0c\n"), "line 1, column 5: a control character"},
        {BYTES("\xEF\xBB\xBF\xEF\xBB\xBF"), "line 1, column 2: a control character"},
        {BYTES("a: b\rc: d\n"), "line 1, column 5: a control character"},
        {BYTES("a: b\x1B[31m\n"), "a control character"},
        {BYTES("a: \x7F\n"), "a control character"},
        {BYTES("a: \xC2\x85\n"), "line 1, column 4: a control character"},
        {BYTES("a: \xE2\x80\xA8\n"), "a control character"},
        {BYTES("a: \xEF\xBF\xBF\n"), "a control character"},
        /* What follows would be shown backwards: not what the officer signs. */
        {BYTES("a: \xE2\x80\xAE\n"), "a control character"},
        {BYTES("a: \xE2\x81\xA6\n"), "a control character"},
        {BYTES("x: \xC3\xA9\xC3\xA9\na: \xFF\n"), "line 2, column 4: not valid UTF-8"},
        {BYTES("a: \xC0\x80\n"), "not valid UTF-8"},         /* overlong NUL */
        {BYTES("a: \xE0\x80\x80\n"), "not valid UTF-8"},     /* overlong */
        {BYTES("a: \xED\xA0\x80\n"), "not valid UTF-8"},     /* a surrogate */
        {BYTES("a: \xF4\x90\x80\x80\n"), "not valid UTF-8"}, /* past U+10FFFF */
        {BYTES("a: \x80\n"), "not valid UTF-8"},
        {BYTES("a: \xC3"), "not valid UTF-8"},
        {BYTES("a: \xE2\x28\xA1\n"), "not valid UTF-8"},
        {BYTES("a: 1\r"), "line 1, column 5: a control character"}, /* breaks a line for some */
        {BYTES("ab: 1\na: 2\nabc: 3\nb: 4\nab: 5\n"), "line 5, column 1: this key is set twice"},
        {BYTES("\"\": 1\na: 2\n\"\": 3\n"), "line 3, column 1: this key is set twice"},
        {BYTES("a: [1, 2\n"), "line 2, column 1: "},
        {BYTES("a: \"x\n"), "line 1, column 5: "},
        {BYTES("\tx: 1\n"), "line 1, column 1: "},
        {BYTES("a:\n  b: 1\n c: 2\n"), "line 3, column 2: "},
        {BYTES("a: b: c\n"), "line 1, column 5: "},
        {BYTES("a: \"\\x00\"\\\n"), "line 1"},
        {BYTES("a: [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]\n"),
         "line 1, column 19: nested too deeply"},
    };

    (void)state;
    for (size_t i = 0; i < PT_LEN(cases); i++) {
        struct yaml *y;
        struct pt_err err = {0};
        enum pt_code rc = yaml_parse(&y, cases[i].file, &err);
        if (rc != PT_EPARSE || y != NULL || strstr(err.msg, cases[i].says) == NULL)
            fail_msg("case %zu: code %d: %s", i, rc, err.msg);
    }
}

static char *repeat(const char *what, size_t n)
{
    size_t bytes = strlen(what);
    char *out = malloc(n * bytes + 1);

    assert_non_null(out);
    for (size_t i = 0; i < n; i++)
        memcpy(out + i * bytes, what, bytes);
    out[n * bytes] = '\0';
    return out;
}

static void size_and_depth_are_bounded(void **state)
{
    static const char *const units[] = {"[", "- ", "{a: ", "[{a: ", "? ", "- - "};
    struct yaml *y;
    struct pt_err err = {0};

    (void)state;
    for (size_t i = 0; i < PT_LEN(units); i++) {
        char *text = repeat(units[i], 100000);
        assert_int_equal(yaml_parse(&y, span_z(text), &err), PT_EPARSE);
        free(text);
    }
    char *wide = repeat("- 1\n", YAML_NODES_MAX - 1); /* and the list itself */
    assert_int_equal(yaml_parse(&y, span_z(wide), &err), PT_OK);
    assert_int_equal(yaml_root(y)->child_count, YAML_NODES_MAX - 1);
    yaml_free(y);
    free(wide);
    wide = repeat("- 1\n", YAML_NODES_MAX);
    assert_int_equal(yaml_parse(&y, span_z(wide), &err), PT_ELIMIT);
    assert_non_null(strstr(err.msg, "more than 100000 entries"));
    free(wide);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_is_a_tree_with_places),
        cmocka_unit_test(tricks_are_refused_with_their_place),
        cmocka_unit_test(size_and_depth_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
