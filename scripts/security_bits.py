#!/usr/bin/env python3
"""security_bits.py - the figures of crypto/README.md, "What is claimed, layer by layer", from formulas alone.

Lattices: core-SVP, 0.292 beta classical, 0.265 beta quantum (Becker, Ducas, Gama, Laarhoven 2016; Alkim, Ducas,
Poeppelmann, Schwabe 2016), of the primal attack: the smallest beta for which
    sigma_e sqrt(beta) <= delta(beta)^(2 beta - D) (q^m xi^n)^(1/D),   D = m + n + 1, xi = sigma_e / sigma_s,
over the number m of samples. Lower bounds of that attack: sieving takes more than its exponent says.
"""
from math import e, log, log2, pi, sqrt

N = 2048
SETS = (("P32", 4294955009), ("P40", 1099511590913), ("P48", 281474976694273))
GROUP = 2**252 + 27742317777372353535851937790883648493
ETA, SIGMA_U, WIDTH = 2, 5, 16  # rlwe.h, gauss.h, inner_noise_min()


def root_hermite(beta):
    return ((pi * beta) ** (1 / beta) * beta / (2 * pi * e)) ** (1 / (2 * (beta - 1)))


def primal(q, sigma_s, sigma_e, samples):
    for beta in range(60, 2000):
        step = log(root_hermite(beta))
        for m in range(200, samples + 1, 16):
            d = m + N + 1
            room = (2 * beta - d) * step + (m * log(q) + N * log(sigma_e / sigma_s)) / d
            if log(sigma_e * sqrt(beta)) <= room:
                return beta
    raise SystemExit("no beta")


def lattices():
    # Hint-RLWE: 1 / sigma0^2 = 2 (1 / sigma_u^2 + B / width^2), B / width^2 <= 1 / WIDTH^2.
    sigma0 = 1 / sqrt(2 * (1 / SIGMA_U**2 + 1 / WIDTH**2))
    print(f"{'set':4} {'columns: beta':>13} {'classical':>9} {'quantum':>7}  {'replies: beta':>13} {'classical':>9}")
    for name, q in SETS:
        column = primal(q, sqrt(2 / 3), sqrt(ETA / 2), 2 * N)
        reply = primal(q, sigma0, sigma0, N)
        print(f"{name:4} {column:13} {0.292 * column:9.0f} {0.265 * column:7.0f}  {reply:13} {0.292 * reply:9.0f}")
    # sigma0 >= sqrt(2) eta_epsilon(Z^2N), eta_epsilon <= sqrt(ln(2 * 2N (1 + 1 / epsilon)) / pi) / sqrt(2 pi) as a width.
    loss = (log(4 * N) - pi * (sigma0 * sqrt(2 * pi) / sqrt(2)) ** 2) / log(2)
    print(f"replies: u and f as if of width {sigma0:.2f}, one sample; statistical loss 2^{loss:.0f}")


def smooth(n, bound):
    out, p = 1, 2
    while p < bound:
        while n % p == 0:
            n, out = n // p, out * p
        p += 1
    return out


def curve():
    rho = log2(sqrt(pi * GROUP / 4))
    # Cheon 2006: sqrt(order / d), d | order - 1 of d evaluations, d | order + 1 of 2 d. Factors beyond the bound,
    # of which none below 2^40 is known, would need so many evaluations under one key.
    minus, plus = smooth(GROUP - 1, 10**6), smooth(GROUP + 1, 10**6)
    print(f"group: {rho:.1f} by Pollard's rho; under one key that evaluates what it is sent {rho - log2(plus) / 2:.1f}"
          f" (divisors {minus} and {plus} of the order less and plus one)")


def others():
    print(f"tokens of 16 bytes: two of 10^8 alike with 2^{2 * log2(1e8) - 129:.0f}")
    for name, q in SETS[1:]:
        print(f"column proof, {name}: wrong with 2^{log2(17) - 2 * log2(q):.1f}")
    # 2 (delta (max + 12 sigma + 1)) < q at the most that epoch.c lets through for counts: 2^26 people, 2^20 of noise.
    least = int(log2(SETS[1][1] / 2 / (2**26 + 12 * 2**20 + 1)))
    added = ", ".join(f"{256 * (ETA / 2**i) ** 2:.0e} at 2^{i}" for i in (16, least, 10))
    print(f"delta is 2^{least} at least where no value is listed; of rho, chosen errors in 256 columns add {added}")


lattices()
curve()
others()
