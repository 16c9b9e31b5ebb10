#!/usr/bin/env python3
"""verify.py - checks what a node's transparency log publishes, with tlog.py, which shares nothing
with the node.

    verify.py tree FOLDER --log VKEY [--witness VKEY]... [--quorum K]
    verify.py checkpoint FILE --log VKEY [--witness VKEY]... [--quorum K]
    verify.py proof FILE --entry HEX --log VKEY [--witness VKEY]... [--quorum K]
    verify.py receipt FILE --policy FILE --log VKEY --witness VKEY    (of who asked)
    verify.py consistency OLD NEW --proof FILE --log VKEY    (a Base64 hash a line)

Exit: 0 good, 1 not, with the reason."""
import argparse
import hashlib
import pathlib
import sys

import tlog


def show(size, root):
    print(f"good: {size} entries, root {root.hex()}")


def tree(args, keys):
    folder = pathlib.Path(args.file)
    size, root = tlog.verify_checkpoint((folder / "checkpoint").read_bytes(), **keys)
    leaves = []
    while len(leaves) < size:
        width = min(256, size - len(leaves))
        name = tlog.tile_name("entries", len(leaves) // 256, width)
        entries = tlog.split_entries((folder / name).read_bytes())
        if len(entries) != width:
            raise tlog.Wrong(f"{name} does not hold {width} entries")
        leaves += [tlog.leaf_hash(e) for e in entries]
    if tlog.mth(leaves) != root:
        raise tlog.Wrong("the root is not that of the entries")
    for name, want in tlog.tiles_of(leaves).items():
        if (folder / name).read_bytes() != want:
            raise tlog.Wrong(f"{name} is not the tile of these entries")
    show(size, root)


def checkpoint(args, keys):
    show(*tlog.verify_checkpoint(pathlib.Path(args.file).read_bytes(), **keys))


def proof(args, keys):
    leaf = tlog.leaf_hash(bytes.fromhex(args.entry))
    index, size = tlog.verify_proof(pathlib.Path(args.file).read_bytes(), leaf, **keys)
    print(f"good: entry {index} of {size}")


def receipt(args, keys):
    """The event opens to the entry, stands at its place, and was of this policy, to a witness."""
    data = pathlib.Path(args.file).read_bytes()
    opened, index, _, _ = tlog.parse_proof(data)
    lines = (opened or b"").decode("ascii").split("\n")
    if len(lines) != 7 or lines[0] != "patto/event/1" or lines[6]:
        raise tlog.Wrong("it does not open its event")
    event = {"event": int(lines[1]), "at": int(lines[2]), "kind": lines[3], "salt": lines[4],
             "fields": lines[5]}
    fields = dict(field.split("=", 1) for field in lines[5].split(" "))
    if event["event"] != index + 1 or event["kind"] != "answered":
        raise tlog.Wrong("another event, or at another place")
    if fields["policy"] != hashlib.sha256(pathlib.Path(args.policy).read_bytes()).hexdigest():
        raise tlog.Wrong("under another policy")
    if not any(w.name.endswith("/" + fields["recipient"]) for w in keys["witnesses"]):
        raise tlog.Wrong("not signed by who asked")
    keys["quorum"] = len(keys["witnesses"])
    tlog.verify_proof(data, tlog.leaf_hash(tlog.event_entry(event)), **keys)
    print(f"good: {keys['log'].name} answered {fields['recipient']}, answer {fields['answer']}")


def consistency(args, keys):
    old = tlog.verify_checkpoint(pathlib.Path(args.file).read_bytes(), **keys)
    new = tlog.verify_checkpoint(pathlib.Path(args.new).read_bytes(), **keys)
    lines = pathlib.Path(args.proof).read_text(encoding="ascii").split()
    tlog.check_consistency(old, new, [tlog.from_base64(line) for line in lines])
    print(f"good: {old[0]} to {new[0]} entries")


def main():
    top = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    commands = top.add_subparsers(required=True)
    for run in (tree, checkpoint, proof, receipt, consistency):
        one = commands.add_parser(run.__name__)
        one.set_defaults(run=run)
        one.add_argument("file")
        one.add_argument("--log", required=True)
        one.add_argument("--witness", action="append", default=[])
        one.add_argument("--quorum", type=int, default=0)
        if run is proof:
            one.add_argument("--entry", required=True)
        if run is receipt:
            one.add_argument("--policy", required=True)
        if run is consistency:
            one.add_argument("new")
            one.add_argument("--proof", required=True)
    args = top.parse_args()
    try:
        args.run(args, {"log": tlog.Key(args.log), "quorum": args.quorum,
                        "witnesses": [tlog.Key(w) for w in args.witness]})
    except (tlog.Wrong, OSError, ValueError) as why:
        sys.exit(f"not good: {why}")


if __name__ == "__main__":
    main()
