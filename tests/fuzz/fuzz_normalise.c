#include <stdint.h>
#include <string.h>

#include "node/normalise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Properties: a normalised identifier is normal (the same rules leave it as it is), is UTF-8 within
 * its bound, and what is refused leaves nothing behind. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct normalised first;
    struct normalised again;

    if (size < 1)
        return 0;
    struct normalise_how how = {.type = (enum policy_identifier)(data[0] & 1),
                                .rules = (enum policy_rules)(data[0] >> 1 & 3)};
    if (data[0] & 8)
        memcpy(how.country_code, data[0] & 16 ? "39" : "43", 3);
    struct span raw = span_of(data + 1, size - 1);
    enum normalise_result r = normalise_text(&first, &how, raw);
    if (r != NORMALISE_GOOD) {
        if (first.n != 0 || first.text[0] != '\0')
            __builtin_trap();
        return 0;
    }
    if (first.n == 0 || first.n > NORMALISE_EMAIL_MAX || first.text[first.n] != '\0' ||
        strlen(first.text) != first.n || !normalise_is_utf8(span_of(first.text, first.n)))
        __builtin_trap();
    /* Meta's form has no '+', so a number in it is read again only where no country is presumed. */
    if (how.type == IDENTIFIER_PHONE && how.rules == RULES_META)
        how.country_code[0] = '\0';
    if (normalise_text(&again, &how, span_of(first.text, first.n)) != NORMALISE_GOOD ||
        again.n != first.n || memcmp(again.text, first.text, first.n) != 0)
        __builtin_trap();
    return 0;
}
