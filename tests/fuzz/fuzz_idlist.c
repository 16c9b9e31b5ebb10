/* Properties of a list of people: a refusal has a reason and repeats nobody; what is accepted has no
 * more people than lines, each with a line of the file, first lines ascending; read a second time,
 * everybody is there already.
 *
 * Input: a byte of how identifiers stand in it, then the file. */
#include <stdlib.h>
#include <string.h>

#include "node/idlist.h"
#include "tests/fuzz/fuzz_file.h"

static struct normalise_how how_of(uint8_t byte)
{
    struct normalise_how how = {.type = byte & 1 ? IDENTIFIER_PHONE : IDENTIFIER_EMAIL,
                                .rules = (enum policy_rules)(byte >> 1 & 3),
                                .encoding = (enum normalise_encoding)((byte >> 3 & 3) % 3)};

    if (byte & 32)
        memcpy(how.country_code, "43", 3);
    return how;
}

static void check(const struct idlist *l, struct span file)
{
    uint64_t lines = 1;

    for (size_t i = 0; i < file.n; i++)
        lines += file.p[i] == '\n' || file.p[i] == '\r';
    if (l->set.count > lines)
        __builtin_trap();
    for (size_t i = 0; i < l->set.count; i++)
        if (l->lines[i] < 1 || l->lines[i] > lines || (i > 0 && l->lines[i] <= l->lines[i - 1]))
            __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pt_err err = {0};
    struct idlist list;
    char path[300];

    if (size < 1)
        return 0;
    const struct normalise_how how = how_of(data[0]);
    const struct span file = span_of(data + 1, size - 1);
    fuzz_path(path, sizeof path, "people");
    fuzz_write(path, file);
    idlist_init(&list);
    if (idlist_read(&list, path, &how, &err) != PT_OK) {
        if (err.msg[0] == '\0' || strchr(err.msg, '@') != NULL)
            __builtin_trap();
    } else {
        size_t people = list.set.count;
        check(&list, file);
        if (idlist_read(&list, path, &how, &err) != PT_OK || list.set.count != people)
            __builtin_trap();
    }
    idlist_free(&list);
    return 0;
}
