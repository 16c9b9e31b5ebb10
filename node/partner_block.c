#include "node/partner_block.h"

#include "crypto/base/text.h"

#include <string.h>

void partner_block_print(FILE *out, const struct home *h)
{
    const char *listen = h->config.listen;
    bool anywhere = strncmp(listen, "0.0.0.0:", 8) == 0 || strncmp(listen, "[::]:", 5) == 0;
    char certificate[72];
    char node[65];

    policy_hash_text(certificate, &h->identity.fingerprint);
    text_hex(node, h->node.b, sizeof h->node.b);
    fprintf(out, "  %s:\n", h->config.name);
    if (anywhere)
        fprintf(out, "    endpoint: %s.example.net%s   # put the name that the others can reach\n",
                h->config.name, strrchr(listen, ':'));
    else
        fprintf(out, "    endpoint: \"%s\"\n", listen);
    fprintf(out,
            "    certificate: %s\n"
            "    officer: RW...   # the line that `patto officer-key` prints\n"
            "    node: ed25519:%s\n"
            "    customers: {min: 1000, max: 5000000}\n"
            "    attributes:   # what may be counted by; put yours in place of these two\n"
            "      example: {type: category, values: [a, b]}\n"
            "      examples: {type: set, values: [a, b, c], max_per_person: 3}\n",
            certificate, node);
}
