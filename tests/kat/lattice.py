#!/usr/bin/env python3
"""lattice.py - prints tests/kat/lattice.kat: PROTOCOL.md 4 again, by the book.

Schoolbook products, values by naive evaluation, AES from the openssl command, the Gaussian table
from decimal arithmetic; nothing is shared with the C code but the specification.
"""
import hashlib
import struct
import subprocess
from decimal import Decimal, getcontext

N = 2048
SETS = {4: (4294955009, 3199275160), 5: (1099511590913, 207354324323),
        6: (281474976694273, 159483539026509)}
DELTA = 1 << 16


def stream(key, nonce, block, count):
    data = b"".join(struct.pack("<QQ", i, nonce) for i in range(block, block + count))
    return subprocess.run(["openssl", "enc", "-aes-256-ecb", "-nopad", "-K", key.hex()],
                          input=data, stdout=subprocess.PIPE, check=True).stdout


def words(data):
    return list(struct.unpack("<%dQ" % (len(data) // 8), data))


def expand(key, k, size):
    q = SETS[size][0]
    drawn = [w & ((1 << 8 * size) - 1) for w in words(stream(key, k, 0, N // 2 + 64))]
    spare = (w for w in drawn[N:] if w < q)
    return [w if w < q else next(spare) for w in drawn[:N]]


def brv(i):
    return int("{:011b}".format(i)[::-1], 2)


def coefficients(values, size):
    """The polynomial whose value at psi^(2 brv(i) + 1) is values[i]."""
    q, psi = SETS[size]
    power = [pow(psi, e, q) for e in range(2 * N)]
    by_exponent = [0] * N
    for i in range(N):
        by_exponent[brv(i)] = values[i]
    scale = pow(N, -1, q)
    out = []
    for n in range(N):
        total = 0
        exponent = -n % (2 * N)
        step = -2 * n % (2 * N)
        for v in by_exponent:
            total += v * power[exponent]
            exponent = (exponent + step) % (2 * N)
        out.append(total * scale % q)
    return out


def product(a, b, q):
    out = [0] * (2 * N)
    for i, x in enumerate(b):
        if x:
            for j, y in enumerate(a):
                out[i + j] += x * y
    return [(out[n] - out[n + N]) % q for n in range(N)]


def tau(a, q):
    return [a[0]] + [-a[N - i] % q for i in range(1, N)]


def gauss_rows():
    getcontext().prec = 100
    weight = [(1 if k == 0 else 2) * (Decimal(-k * k) / 50).exp() for k in range(65)]
    total = sum(weight)
    return [int(sum(weight[:k + 1]) / total * 2**128) for k in range(64)]


def gauss(key, nonce, rows):
    data = stream(key, nonce, 0, N // 128 + N)
    out = []
    for i in range(N):
        at = N // 8 + 16 * i
        x = int.from_bytes(data[at:at + 16], "little")
        magnitude = sum(x >= row for row in rows)
        out.append(-magnitude if data[i // 8] >> i % 8 & 1 else magnitude)
    return out


def secret(key):
    return [3 * w // 2**64 - 1 for w in words(stream(key, 2**64 - 1, 0, N // 2))]


def errors(key, k):
    return [(b & 1) + (b >> 1 & 1) - (b >> 2 & 1) - (b >> 3 & 1)
            for b in stream(key, k, 0, N // 16)]


def planes(c, size):
    return b"".join(bytes(x >> 8 * p & 255 for x in c) for p in range(size))


def show(**fields):
    for name, value in fields.items():
        print(name, "=", value.hex())
    print()


def run(size):
    q = SETS[size][0]
    public, column_key, reply_key = (bytes([t] * 31 + [size]) for t in (1, 2, 3))
    expanded = [expand(public, k, size) for k in (0, 1)]
    a = [coefficients(v, size) for v in expanded]
    b = [(i * i + 3 * i) // 2 % 3 - 1 for i in range(2000)] + [0] * 48
    row = [i * 37 % 255 - 127 for i in range(2000)] + [0] * 48
    s = secret(column_key)
    c = []
    for k in (0, 1):
        noisy = zip(product(a[k], s, q), errors(column_key, k), b if k == 0 else [0] * N)
        c.append([(x + e + DELTA * v) % q for x, e, v in noisy])
    rows = gauss_rows()
    u, f = gauss(reply_key, 0, rows), gauss(reply_key, 1, rows)
    hint = [(x + y + z) % q for x, y, z in zip(product(tau(a[0], q), row, q),
                                               product(tau(a[1], q), u, q), f)]
    noise = -123456
    v = (sum(x * y for x, y in zip(row, c[0])) + sum(x * y for x, y in zip(u, c[1])) + noise) % q
    reply = b"".join(x.to_bytes(size, "little") for x in hint + [v])
    phase = (v - sum(x * y for x, y in zip(hint, s))) % q
    count = sum(x * y for x, y in zip(row, b))
    assert abs((phase + q // 2) % q - q // 2 - DELTA * count - noise) < 20000
    show(bytes=bytes([size]), public=public, column_key=column_key, reply_key=reply_key,
         expanded=hashlib.sha256(struct.pack("<2048Q", *expanded[0])).digest(),
         column=hashlib.sha256(planes(c[0], size) + planes(c[1], size)).digest(),
         reply=hashlib.sha256(reply).digest(),
         value=struct.pack("<q", (phase + q // 2) % q - q // 2))


def run_rejection():
    """Nonces whose first 2048 words hold one that is not below q: rare, so looked for."""
    key = bytes([9] * 32)
    k = 0
    shown = 0
    while shown < 2:
        drawn = words(stream(key, k, 0, N // 2))
        if any(w & 0xffffffff >= SETS[4][0] for w in drawn):
            show(bytes=bytes([4]), public=key, nonce=struct.pack("<Q", k), expanded=hashlib.sha256(
                struct.pack("<2048Q", *expand(key, k, 4))).digest())
            shown += 1
        k += 1


print("# Printed by tests/kat/lattice.py. First the three sets: seeds are 31 bytes and the set's")
print("# coefficient_bytes; 2000 slots, delta 2^16, column (i*i+3i)/2 mod 3 - 1, row")
print("# 37i mod 255 - 127, noise -123456. Digests are SHA-256; expanded as le64 words.")
print("# Then P32 expansions in which words are rejected.")
print()
for size in SETS:
    run(size)
run_rejection()
