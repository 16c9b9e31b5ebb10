#!/usr/bin/env python3
"""gauss_table.py - the table of crypto/gauss.c, from integers alone.

Row k is floor(2^128 * P(|x| <= k)) for the discrete Gaussian of width 5 on -64..64.
`gauss_table.py --check FILE` fails unless FILE holds exactly these rows.
"""
import sys

SIGMA2 = 25
CUT = 64
BITS = 512


def exp_minus(num, den):
    """2^BITS * exp(-num/den), short by less than the terms it sums: 0 <= num/den <= 1."""
    term = total = 1 << BITS
    n = 0
    while term:
        n += 1
        term = term * num // (den * n)
        total += -term if n % 2 else term
    return total


def rows():
    base = exp_minus(1, 2 * SIGMA2)  # exp(-1/50); the weight of k is its k*k-th power
    weights = []
    for k in range(CUT + 1):
        w = 1 << BITS
        for _ in range(k * k):
            w = w * base >> BITS
        weights.append(w if k == 0 else 2 * w)
    total = sum(weights)
    below = 0
    for k in range(CUT):
        below += weights[k]
        yield min((below << 128) // total, (1 << 128) - 1)


def lines():
    for row in rows():
        yield "    {0x%016x, 0x%016x}," % (row >> 64, row & (2**64 - 1))


if len(sys.argv) == 3 and sys.argv[1] == "--check":
    kept = [l.rstrip("\n") for l in open(sys.argv[2]) if l.startswith("    {0x")]
    if kept != list(lines()):
        sys.exit(sys.argv[2] + ": the table is not what scripts/gauss_table.py prints")
else:
    print("\n".join(lines()))
