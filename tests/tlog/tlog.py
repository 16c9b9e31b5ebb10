"""tlog.py - the C2SP formats and RFC 6962 trees a second time, in Python's standard library alone.

Shares nothing with the code it checks: Ed25519 is RFC 8032's formulas on Python's integers, trees
are RFC 6962's recursions over all leaves, notes are read line by line. Slow and plain."""
import base64
import binascii
import hashlib
import struct

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


class Wrong(Exception):
    """What was read is not what it claims to be."""


# ---- Ed25519, RFC 8032 section 5.1; points are (X, Y, Z, T)

def add(p, q):
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(n, p):
    out = (0, 1, 1, 0)
    while n:
        if n & 1:
            out = add(out, p)
        p = add(p, p)
        n >>= 1
    return out


def same_point(p, q):
    return (p[0] * q[2] - q[0] * p[2]) % P == 0 and (p[1] * q[2] - q[1] * p[2]) % P == 0


def decode_point(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        raise Wrong("a point that is not canonical")
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        raise Wrong("not a point")
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def encode_point(p):
    inverse = pow(p[2], P - 2, P)
    x, y = p[0] * inverse % P, p[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE = decode_point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def hash_scalar(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little") % L


def secret_of(seed):
    h = hashlib.sha512(seed).digest()
    a = int.from_bytes(h[:32], "little") & (2**254 - 8) | 2**254
    return a, h[32:]


def public_of(seed):
    return encode_point(multiply(secret_of(seed)[0], BASE))


def sign(seed, message):
    a, prefix = secret_of(seed)
    public = encode_point(multiply(a, BASE))
    r = hash_scalar(prefix, message)
    big_r = encode_point(multiply(r, BASE))
    s = (r + hash_scalar(big_r, public, message) * a) % L
    return big_r + s.to_bytes(32, "little")


def verifies(public, message, signature):
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or s >= L:
        return False
    try:
        a, r = decode_point(public), decode_point(signature[:32])
    except Wrong:
        return False
    k = hash_scalar(signature[:32], public, message)
    return same_point(multiply(s, BASE), add(r, multiply(k, a)))


# ---- notes

def from_base64(text):
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as why:
        raise Wrong(f"not Base64: {why}") from why
    if base64.b64encode(data).decode() != text:
        raise Wrong("Base64 that is not canonical")
    return data


def to_base64(data):
    return base64.b64encode(data).decode()


def key_id(name, kind, public):
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


class Key:
    """A verifier's key, NAME+ID+BASE64."""

    def __init__(self, vkey):
        self.name, self.id, raw = vkey.strip().split("+", 2)
        raw = from_base64(raw)
        self.kind, self.public = raw[0], raw[1:]
        self.id = bytes.fromhex(self.id)
        if len(self.public) != 32 or self.kind not in (1, 4):
            raise Wrong("a key that is not Ed25519")
        if self.id != key_id(self.name, self.kind, self.public):
            raise Wrong("a key with the identifier of another")


def vkey(name, kind, public):
    return f"{name}+{key_id(name, kind, public).hex()}+{to_base64(bytes([kind]) + public)}"


def split_note(data):
    """The text, and (name, key id, signature) for each line."""
    text = data.decode("utf-8")
    if any(ord(c) < 32 and c != "\n" for c in text):
        raise Wrong("a control character in a note")
    at = text.rfind("\n\n")
    if at < 0 or not text.endswith("\n"):
        raise Wrong("not a signed note")
    lines = []
    for line in text[at + 2:].splitlines():
        dash, name, signature = line.split(" ")
        raw = from_base64(signature)
        if dash != "\u2014" or not name or "+" in name or len(raw) < 5:
            raise Wrong("a malformed signature line")
        lines.append((name, raw[:4], raw[4:]))
    if not lines:
        raise Wrong("a note without signatures")
    return text[:at + 1], lines


def verify_note(data, keys):
    """The text, and {name and kind: time or 0} for the known keys that signed it."""
    text, lines = split_note(data)
    signed = {}
    for name, number, signature in lines:
        for key in keys:
            if (key.name, key.id) != (name, number):
                continue
            message, at = text.encode(), 0
            if key.kind == 4:
                at, signature = int.from_bytes(signature[:8], "big"), signature[8:]
                message = f"cosignature/v1\ntime {at}\n".encode() + message
            if not verifies(key.public, message, signature):
                raise Wrong(f"the signature of {name} is wrong")
            signed[key.name, key.kind] = max(at, signed.get((key.name, key.kind), 0))
    if not signed:
        raise Wrong("no known key signed this note")
    return text, signed


def parse_checkpoint(text):
    origin, size, root, end = text.split("\n")
    if end or str(int(size)) != size or int(size) < 0:
        raise Wrong("not a checkpoint")
    root = from_base64(root)
    if len(root) != 32:
        raise Wrong("a root of the wrong length")
    return origin, int(size), root


def verify_checkpoint(data, log, witnesses=(), quorum=0):
    text, signed = verify_note(data, [log, *witnesses])
    origin, size, root = parse_checkpoint(text)
    if (log.name, 1) not in signed or origin != log.name:
        raise Wrong("not signed by its log")
    if sum((w.name, 4) in signed for w in witnesses) < quorum:
        raise Wrong("too few cosignatures")
    return size, root


# ---- trees, RFC 6962 section 2.1, over the hashes of all leaves

def leaf_hash(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def split_at(n):
    return 1 << (n - 1).bit_length() - 1


def mth(leaves):
    """Iterative in the number of complete subtrees, recursive in depth only."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = split_at(len(leaves))
    return node_hash(mth(leaves[:k]), mth(leaves[k:]))


def path(m, leaves):
    if len(leaves) == 1:
        return []
    k = split_at(len(leaves))
    if m < k:
        return path(m, leaves[:k]) + [mth(leaves[k:])]
    return path(m - k, leaves[k:]) + [mth(leaves[:k])]


def subproof(m, leaves, whole):
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = split_at(len(leaves))
    if m <= k:
        return subproof(m, leaves[:k], whole) + [mth(leaves[k:])]
    return subproof(m - k, leaves[k:], False) + [mth(leaves[:k])]


def consistency(m, leaves):
    return subproof(m, leaves, True) if m else []


def root_of_path(leaf, index, size, hashes):
    """Recursively from the root down, unlike RFC 9162's loop: the last hash is the root's child."""
    if size == 1:
        if hashes:
            raise Wrong("an inclusion proof that is too long")
        return leaf
    if not hashes:
        raise Wrong("an inclusion proof that is too short")
    k = split_at(size)
    if index < k:
        return node_hash(root_of_path(leaf, index, k, hashes[:-1]), hashes[-1])
    return node_hash(hashes[-1], root_of_path(leaf, index - k, size - k, hashes[:-1]))


def roots_of_consistency(m, n, hashes, old_root, whole=True):
    """(old root, new root) as the proof has them."""
    if m == n:
        if whole:
            if hashes:
                raise Wrong("a consistency proof that is too long")
            return old_root, old_root
        if len(hashes) != 1:
            raise Wrong("a consistency proof of the wrong length")
        return hashes[0], hashes[0]
    if not hashes:
        raise Wrong("a consistency proof that is too short")
    k = split_at(n)
    if m <= k:
        old, new = roots_of_consistency(m, k, hashes[:-1], old_root, whole)
        return old, node_hash(new, hashes[-1])
    old, new = roots_of_consistency(m - k, n - k, hashes[:-1], old_root, False)
    return node_hash(hashes[-1], old), node_hash(hashes[-1], new)


def check_consistency(old, new, hashes):
    """old, new: (size, root)."""
    if old[0] == 0 and not hashes:
        return
    if old[0] > new[0] or roots_of_consistency(old[0], new[0], hashes, old[1]) != (old[1], new[1]):
        raise Wrong("the two trees are not consistent: a fork")


# ---- proofs

def parse_proof(data):
    """(extra or None, index, hashes, checkpoint note)."""
    head, at, note = data.partition(b"\n\n")
    lines = head.decode("ascii").split("\n")
    if lines.pop(0) != "c2sp.org/tlog-proof@v1" or not at:
        raise Wrong("not a proof")
    extra = from_base64(lines.pop(0)[6:]) if lines and lines[0].startswith("extra ") else None
    index = lines.pop(0)
    if not index.startswith("index ") or str(int(index[6:])) != index[6:]:
        raise Wrong("a proof without an index")
    return extra, int(index[6:]), [from_base64(line) for line in lines], note


def verify_proof(data, leaf, log, witnesses=(), quorum=0):
    _, index, hashes, note = parse_proof(data)
    size, root = verify_checkpoint(note, log, witnesses, quorum)
    if index >= size or root_of_path(leaf, index, size, hashes) != root:
        raise Wrong("the entry is not in the log at this place")
    return index, size


# ---- what patto puts into its log, see node/store.h

def event_entry(event):
    """The commitment to an opened event: SHA-256 over length-prefixed fields."""
    parts = [b"patto/event/entry/1", bytes.fromhex(event["salt"]),
             struct.pack("<Q", event["event"]), struct.pack("<q", event["at"]),
             event["kind"].encode(), event["fields"].encode()]
    return hashlib.sha256(b"".join(struct.pack("<I", len(p)) + p for p in parts)).digest()


# ---- tiles

def tile_name(level, index, width):
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[i:i + 3] for i in range(0, len(digits), 3)]
    name = "/".join(["x" + g for g in groups[:-1]] + groups[-1:])
    return f"tile/{level}/{name}" + (f".p/{width}" if width < 256 else "")


def tiles_of(hashes):
    """{path: bytes} of all tiles of hashes in a tree of these leaves."""
    out = {}
    level = 0
    while hashes:
        for index in range(0, (len(hashes) + 255) // 256):
            part = hashes[256 * index:256 * index + 256]
            out[tile_name(level, index, len(part))] = b"".join(part)
        hashes = [mth(hashes[i:i + 256]) for i in range(0, len(hashes) - 255, 256)]
        level += 1
    return out


def split_entries(data):
    out = []
    while data:
        n = int.from_bytes(data[:2], "big")
        if len(data) < 2 + n:
            raise Wrong("a bundle of entries that is cut")
        out.append(data[2:2 + n])
        data = data[2 + n:]
    return out
