#!/usr/bin/env python3
"""export.py - checks a file of `patto audit export`, with tlog.py: the checkpoint's signature, and
for each event that salt and text open to an entry that is in the signed tree.

    export.py FILE --log VKEY"""
import argparse
import json
import sys

import tlog


def main():
    top = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    top.add_argument("file")
    top.add_argument("--log", required=True)
    args = top.parse_args()
    try:
        with open(args.file, encoding="utf-8") as f:
            export = json.load(f)
        size, root = tlog.verify_checkpoint(export["checkpoint"].encode(), tlog.Key(args.log))
        for event in export["events"]:
            leaf = tlog.leaf_hash(tlog.event_entry(event))
            path = [tlog.from_base64(h) for h in event["proof"]]
            if tlog.root_of_path(leaf, event["event"] - 1, size, path) != root:
                raise tlog.Wrong(f"event {event['event']} is not in the log")
    except (tlog.Wrong, OSError, ValueError, KeyError) as why:
        sys.exit(f"not good: {why}")
    print(f"good: {len(export['events'])} events of {size}")


main()
