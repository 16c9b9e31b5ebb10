/* Properties: a note that parses is its text, an empty line and its lines, byte for byte; keys print
 * to the text they were read from; a checkpoint as well; a refusal has a reason. Nothing but the
 * published note verifies under the published key. The first byte chooses the parser. */
#include <string.h>

#include "crypto/base/text.h"
#include "crypto/checkpoint.h"

static const char VKEY[] = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
static const char TEXT[] = "This is an example message.\n";

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static void try_note(struct span in, struct pt_err *err)
{
    struct note n;
    struct note_key k;
    struct note_seal seal;
    struct buf again = {0};

    if (note_parse(&n, in, err) != PT_OK) {
        require(err->msg[0] != '\0');
        return;
    }
    require(note_begin(&again, n.text, err) == PT_OK);
    for (size_t i = 0; i < n.line_count; i++)
        require(buf_printf(&again, "\xe2\x80\x94 %.*s %.*s\n", (int)n.lines[i].name.n,
                           (const char *)n.lines[i].name.p, (int)n.lines[i].base64.n,
                           (const char *)n.lines[i].base64.p));
    require(span_eq_vartime(buf_span(&again), in));
    require(note_key_parse(&k, span_z(VKEY), err) == PT_OK);
    if (note_verify(&seal, &n, &k, 1, err) == PT_OK)
        require(text_eq(n.text, TEXT));
    buf_free(&again);
}

static void try_key(struct span in, struct pt_err *err)
{
    struct note_key k;
    struct buf again = {0};

    if (note_key_parse(&k, in, err) != PT_OK) {
        require(err->msg[0] != '\0' && k.name[0] == '\0');
        return;
    }
    require(note_key_print(&again, &k, err) == PT_OK && span_eq_vartime(buf_span(&again), in));
    buf_free(&again);
}

static void try_checkpoint(struct span in, struct pt_err *err)
{
    struct checkpoint c;
    struct buf again = {0};

    if (checkpoint_parse(&c, in, err) != PT_OK) {
        require(err->msg[0] != '\0' && c.origin[0] == '\0');
        return;
    }
    require(checkpoint_print(&again, &c, err) == PT_OK && span_eq_vartime(buf_span(&again), in));
    buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const parsers[])(struct span, struct pt_err *) = {try_note, try_key,
                                                                    try_checkpoint};
    struct pt_err err = {0};

    if (size > 0)
        parsers[data[0] % PT_LEN(parsers)](span_of(data + 1, size - 1), &err);
    return 0;
}
