/* Properties: nothing but minisign's own signature over a message verifies; keys that parse print
 * back to the same key; a refusal has a reason. The first byte chooses the parser. */
#include <string.h>

#include "crypto/minisign.h"

static const char PUBLIC[] = "RWRwcHBwcHBwcGd6dNlk5KhP+lAlqLVTe1xKN61tFG6FR4Osc0aEogfE";

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static void try_public(struct span in, struct pt_err *err)
{
    struct minisign_public k;
    struct minisign_public again;
    char text[MINISIGN_PUBLIC_TEXT + 1];

    if (minisign_public_parse(&k, in, err) != PT_OK) {
        require(err->msg[0] != '\0');
        return;
    }
    minisign_public_print(text, &k);
    require(minisign_public_parse(&again, span_z(text), err) == PT_OK);
    require(memcmp(&k, &again, sizeof k) == 0);
}

static void try_secret(struct span in, struct pt_err *err)
{
    struct minisign_key k;
    struct minisign_key again;
    struct buf text;

    /* An encrypted one would spend seconds on scrypt: only the door to it is tried. */
    if (minisign_key_is_encrypted(in)) {
        require(minisign_key_parse(&k, in, (struct span){0}, err) == PT_EDENIED);
        return;
    }
    if (minisign_key_parse(&k, in, (struct span){0}, err) != PT_OK) {
        require(err->msg[0] != '\0');
        return;
    }
    require(minisign_key_print(&text, &k, (struct span){0}, err) == PT_OK);
    require(minisign_key_parse(&again, buf_span(&text), (struct span){0}, err) == PT_OK);
    require(memcmp(&k, &again, sizeof k) == 0);
    buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct minisign_public k;
    struct pt_err err = {0};

    if (size == 0)
        return 0;
    struct span in = span_of(data + 1, size - 1);
    if (data[0] == 'p') {
        try_public(in, &err);
    } else if (data[0] == 's') {
        try_secret(in, &err);
    } else {
        require(minisign_public_parse(&k, span_z(PUBLIC), &err) == PT_OK);
        /* The corpus holds no signature over this message by this key. */
        require(minisign_verify(&k, span_z("never signed"), in, &err) != PT_OK);
        require(err.msg[0] != '\0');
    }
    return 0;
}
