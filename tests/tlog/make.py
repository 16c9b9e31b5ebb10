#!/usr/bin/env python3
"""make.py FOLDER - writes the log that the unit tests read, by tlog.py: 300 entries, the log's and
two witnesses' signatures from fixed seeds, a proof, a receipt, and proofs over the eight leaves of the
certificate-transparency project's tests. tests/kat/tlog/ is its output."""
import json
import pathlib
import sys

import tlog

CT = [bytes.fromhex(h) for h in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                                 "606162636465666768696a6b6c6d6e6f")]
ORIGIN = "patto/alpine/drinkco"
TIME = 1764500000


def line(name, kind, seed, message, before=b""):
    raw = tlog.key_id(name, kind, tlog.public_of(seed)) + before + tlog.sign(seed, message)
    return f"\u2014 {name} {tlog.to_base64(raw)}\n"


WITNESSES = tuple((i, f"patto/alpine/witness{i}") for i in (2, 3))


def checkpoint(size, root, witnesses):
    text = f"{ORIGIN}\n{size}\n{tlog.to_base64(root)}\n"
    note = text + "\n" + line(ORIGIN, 1, bytes([1]) * 32, text.encode())
    for i, name in witnesses:
        message = f"cosignature/v1\ntime {TIME + i}\n{text}".encode()
        at = (TIME + i).to_bytes(8, "big")
        note += line(name, 4, bytes([i]) * 32, message, at)
    return note.encode()


def proofs():
    yield "# RFC 6962 proofs over the first n of eight leaves (see merkle.kat), by tests/tlog/make.py."
    leaves = [tlog.leaf_hash(e) for e in CT]
    for n in range(1, 9):
        for m in range(n):
            yield f"\nn = {n:02x}\nm = {m:02x}"
            for name, hashes in (("path", tlog.path(m, leaves[:n])),
                                 ("consistency", tlog.consistency(m, leaves[:n]))):
                if hashes:
                    yield f"{name} = {b''.join(hashes).hex()}"


def export():
    """Five events of drinkco, of which the second and fourth are hidden from freshmart."""
    events = [{"event": i + 1, "at": TIME + i, "kind": kind, "fields": fields,
               "salt": bytes([0xa0 + i] * 32).hex()}
              for i, (kind, fields) in enumerate((
                  ("policy", "version=1"), ("ingest", "dataset=0"),
                  ("charge", f"kind=overlap recipient=freshmart rho=0.5 question={7:064x}"),
                  ("charge", f"kind=overlap recipient=homeware rho=0.5 question={8:064x}"),
                  ("asked", f"kind=reach with=freshmart question={9:064x} rho=0.25")))]
    leaves = [tlog.leaf_hash(tlog.event_entry(e)) for e in events]
    for i, event in enumerate(events):
        event["proof"] = [tlog.to_base64(h) for h in tlog.path(i, leaves)]
    note = checkpoint(5, tlog.mth(leaves), WITNESSES).decode()
    return {"patto_audit_export": 1, "for": "freshmart", "made": TIME + 9, "checkpoint": note,
            "events": [events[0], events[2], events[4]]}


def receipt():
    """The third of five events of drinkco: freshmart, which has signed the head, was answered."""
    fields = (f"kind=overlap recipient=freshmart question={7:064x} charged=0.0005 outcome=answered "
              f"epoch=4 build=patto/1 policy={'55' * 32} dataset={'11' * 32} "
              f"asker_dataset={'22' * 32} answer={'33' * 32}")
    event = {"event": 3, "at": TIME, "kind": "answered", "salt": "a7" * 32, "fields": fields}
    leaves = [tlog.leaf_hash(bytes([i]) * 32) for i in range(5)]
    leaves[2] = tlog.leaf_hash(tlog.event_entry(event))
    opened = f"patto/event/1\n3\n{TIME}\nanswered\n{event['salt']}\n{fields}\n"
    hashes = "".join(tlog.to_base64(h) + "\n" for h in tlog.path(2, leaves))
    return (f"c2sp.org/tlog-proof@v1\nextra {tlog.to_base64(opened.encode())}\nindex 2\n{hashes}\n"
            .encode() + checkpoint(5, tlog.mth(leaves), ((2, "patto/alpine/freshmart"),)))


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    entries = [bytes([i >> 8, i & 255]) * 16 for i in range(300)]
    leaves = [tlog.leaf_hash(e) for e in entries]
    keys = [tlog.vkey(ORIGIN, 1, tlog.public_of(bytes([1]) * 32))]
    keys += [tlog.vkey(f"patto/alpine/witness{i}", 4, tlog.public_of(bytes([i]) * 32))
             for i in (2, 3)]
    (folder / "keys").write_text("\n".join(keys) + "\n", encoding="ascii")
    (folder / "checkpoint").write_bytes(checkpoint(300, tlog.mth(leaves), ()))
    (folder / "checkpoint.cosigned").write_bytes(checkpoint(300, tlog.mth(leaves), WITNESSES))
    hashes = "".join(tlog.to_base64(h) + "\n" for h in tlog.path(200, leaves))
    (folder / "entry200.tlog-proof").write_bytes(
        f"c2sp.org/tlog-proof@v1\nextra {tlog.to_base64(b'opened')}\nindex 200\n{hashes}\n".encode()
        + checkpoint(300, tlog.mth(leaves), WITNESSES))
    (folder / "receipt.tlog-proof").write_bytes(receipt())
    (folder / "export.json").write_text(json.dumps(export(), indent=1) + "\n", encoding="ascii")
    (folder / "proofs.kat").write_text("\n".join(proofs()) + "\n", encoding="ascii")


main()
