/* Properties: whatever answer is read back from a plan's folder, its figures are well-formed: every
 * < opens one of our own tags and every > closes it, no number is nan or inf, no script. */
#include <stdlib.h>
#include <string.h>

#include "node/page_plan.h"
#include "proto/wire_planner.h"

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

/* Only tags that we write. */
static bool is_ours(const char *tag)
{
    static const char *const OURS[] = {
        "svg ",  "svg>",   "title>",  "desc>",  "text ",   "text>",    "tspan ",   "tspan>",
        "rect ", "path ",  "circle ", "g>",     "figure>", "details>", "summary>", "div ",
        "div>",  "table>", "thead>",  "tbody>", "tr>",     "th>",      "td>",      "td ",
        "ul>",   "ul ",    "li>",     "p>",     "p ",      "h4>"};

    if (*tag == '/')
        tag++;
    for (size_t i = 0; i < PT_LEN(OURS); i++)
        if (strncmp(tag, OURS[i], strlen(OURS[i])) == 0)
            return true;
    return false;
}

static void check(const char *text)
{
    bool inside = false;

    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '<') {
            require(!inside && is_ours(p + 1));
            inside = true;
        } else if (*p == '>') {
            require(inside);
            inside = false;
        }
    }
    require(!inside && strstr(text, "=\"nan") == NULL && strstr(text, "=\"inf") == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct planner_update u = {0};
    struct pt_err err = {0};
    char *text = NULL;
    size_t n = 0;

    if (planner_update_decode(&u, span_of(data, size), &err) != PT_OK || !u.is_answer)
        return 0;
    FILE *out = open_memstream(&text, &n);
    if (out != NULL) {
        page_answer(out, &u.answer);
        fclose(out);
        check(text);
    }
    free(text);
    answer_free(&u.answer);
    return 0;
}
