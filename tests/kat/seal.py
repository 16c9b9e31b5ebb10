#!/usr/bin/env python3
"""seal.py - prints tests/kat/seal.kat: one sealed file of two chunks, written from the standards
(RFC 8439, draft-irtf-cfrg-xchacha-03, BLAKE2b by hashlib) and crypto/seal.h."""
import hashlib
import struct

MASK = 0xffffffff


def quarter(s, a, b, c, d):
    for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        s[x] = (s[x] + s[y]) & MASK
        v = s[z] ^ s[x]
        s[z] = (v << turn | v >> (32 - turn)) & MASK


def rounds(state):
    s = list(state)
    for _ in range(10):
        for i in range(4):
            quarter(s, i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(s, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return s


SIGMA = struct.unpack("<4I", b"expand 32-byte k")


def hchacha(key, nonce):
    s = rounds(SIGMA + struct.unpack("<8I", key) + struct.unpack("<4I", nonce))
    return struct.pack("<8I", *(s[:4] + s[12:]))


def chacha(key, counter, nonce, data):
    out = b""
    for at in range(0, len(data), 64):
        state = SIGMA + struct.unpack("<8I", key) + (counter,) + struct.unpack("<3I", nonce)
        block = struct.pack("<16I", *((x + y) & MASK for x, y in zip(rounds(state), state)))
        out += bytes(x ^ y for x, y in zip(data[at:at + 64], block))
        counter += 1
    return out


def poly1305(key, message):
    r = int.from_bytes(key[:16], "little") & 0x0ffffffc0ffffffc0ffffffc0fffffff
    total = 0
    for at in range(0, len(message), 16):
        total = (total + int.from_bytes(message[at:at + 16] + b"\1", "little")) * r % (2**130 - 5)
    return ((total + int.from_bytes(key[16:], "little")) % 2**128).to_bytes(16, "little")


def padded(data):
    return data + bytes(-len(data) % 16)


def box(key, nonce, bound, plain):
    sub = hchacha(key, nonce[:16])
    short = bytes(4) + nonce[16:]
    sealed = chacha(sub, 1, short, plain)
    tag = poly1305(chacha(sub, 0, short, bytes(32)), padded(bound) + padded(sealed) +
                   struct.pack("<QQ", len(bound), len(sealed)))
    return sealed + tag


def field(data):
    return struct.pack("<I", len(data)) + data


key, context, header = bytes(range(32)), bytes(range(50, 82)), bytes(range(100, 124))
plain = bytes(i * i % 251 for i in range(99))
file_key = hashlib.blake2b(field(b"patto/seal-file") + field(context) + field(header), key=key,
                           digest_size=32).digest()
print("# Printed by tests/kat/seal.py: two chunks of the same text, the second the last.\n")
print("key = %s\ncontext = %s\nheader = %s\nplain = %s" %
      (key.hex(), context.hex(), header.hex(), plain.hex()))
for number, name in enumerate(("first", "last")):
    last = bytes([number])
    nonce = struct.pack("<Q", number) + last + bytes(15)
    bound = context + struct.pack("<Q", number) + last
    print(name, "=", box(file_key, nonce, bound, plain).hex())
