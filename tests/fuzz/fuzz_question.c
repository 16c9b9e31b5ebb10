/* Property: what parses prints back to the very same bytes, and decides without a crash; nothing
 * but canonical text parses. The policy is a small one, written here. */
#include <stdlib.h>

#include "policy/budget.h"
#include "policy/decide.h"

#define KEYS(digit, officer)                                                                       \
    "certificate: sha256:" digit "000000000000000000000000000000000000000000000000000000000000000" \
    ", officer: " officer ", node: ed25519:" digit                                                 \
    "000000000000000000000000000000000000000000000000000000000000000, customers: {min: 1, max: 9}"

static const char POLICY[] =
    "patto: 1\nfederation: f\nversion: 1\npurpose: measurement\n"
    "legal: {basis: b, arrangement: a, dpia: d, retention_days: 1}\n"
    "valid: {from: 2026-01-01, until: 2026-12-31}\n"
    "match: {identifier: email, normalisation: uid2, slots_per_customer: 4}\n"
    "partners:\n"
    "  a: {endpoint: 'a:1', " KEYS(
        "1",
        "RWRwcHBwcHBwcGd6dNlk5KhP+lAlqLVTe1xKN61tFG6FR4Osc0aEogfE") ",\n"
                                                                    "      attributes: {x: {type: "
                                                                    "category, values: [u, v, "
                                                                    "w>1]}, n: {type: number, "
                                                                    "min: 0, max: "
                                                                    "9, combine: sum}}}\n"
                                                                    "  b: {endpoint: 'b:1', " KEYS(
                                                                        "2", "RWRxcXFxcXFxcduZX+"
                                                                             "JRadFByrm7upK6oB+"
                                                                             "fLh7OffTLKsBRkPN/"
                                                                             "zB+d") ",\n"
                                                                                     "      "
                                                                                     "attributes: "
                                                                                     "{y: {type: "
                                                                                     "set, values: "
                                                                                     "[p, q], "
                                                                                     "max_per_"
                                                                                     "person: "
                                                                                     "2}}}\n"
                                                                                     "questions:\n"
                                                                                     "  overlap: "
                                                                                     "{ask: any, "
                                                                                     "filters: "
                                                                                     "[a.x, a.n]}\n"
                                                                                     "  crosstab: "
                                                                                     "{ask: any, "
                                                                                     "filters: "
                                                                                     "[b.y], "
                                                                                     "pairs: "
                                                                                     "[[a.x, "
                                                                                     "b.y]]}\n"
                                                                                     "privacy:\n  "
                                                                                     "unit: "
                                                                                     "person\n  "
                                                                                     "minimum_"
                                                                                     "count: 1\n  "
                                                                                     "minimum_"
                                                                                     "audience: 1\n"
                                                                                     "  budget: "
                                                                                     "{rho: 0.2, "
                                                                                     "delta: 1e-9, "
                                                                                     "days: 90, "
                                                                                     "daily_rho: "
                                                                                     "0.01, "
                                                                                     "lifetime_rho:"
                                                                                     " 1.0}\n"
                                                                                     "  cost: "
                                                                                     "{count_rho: "
                                                                                     "0.0005, "
                                                                                     "table_rho: "
                                                                                     "0.002}\n"
                                                                                     "audit: "
                                                                                     "{witnesses: "
                                                                                     "[a], quorum: "
                                                                                     "all}\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct policy *p;
    struct pt_err err = {0};
    struct question q;
    struct budget_price price;
    struct buf text;

    if (p == NULL && policy_parse(&p, span_z(POLICY), &err) != PT_OK)
        __builtin_trap();
    if (question_parse(&q, p, span_of(data, size), &err) != PT_OK) {
        if (err.code != PT_EBADMSG || err.msg[0] == '\0')
            __builtin_trap();
        return 0;
    }
    if (question_print(&text, p, &q, &err) != PT_OK ||
        !span_eq_vartime(buf_span(&text), span_of(data, size)))
        __builtin_trap();
    buf_free(&text);
    if (decide(p, &q, &err) != PT_OK && err.code != PT_EDENIED)
        __builtin_trap();
    budget_price(&price, p, &q, 1 << 16);
    if (price.charge_nano < q.rho_nano)
        __builtin_trap();
    return 0;
}
