#!/usr/bin/env python3
"""blake2b_tree.py - writes blake2b_tree.kat: BLAKE2b in tree mode with eight leaves of blocks in turn, by
Python's hashlib (its parameters fanout, depth, node_offset, node_depth, inner_size, last_node). Byte i of a
message is 7*i + floor(i / 256) mod 256."""
import hashlib
import struct

LEAVES, BLOCK = 8, 128
SIZES = (0, 1, 127, 128, 129, 896, 897, 1023, 1024, 1025, 1152, 1920, 1921, 2047, 2048, 2049, 2945,
         5000, 10240, 100000)


def node(message, index, depth, last):
    return hashlib.blake2b(message, digest_size=64, fanout=LEAVES, depth=2, leaf_size=0, node_offset=index,
                           node_depth=depth, inner_size=64, last_node=last).digest()


def tree(message):
    blocks = [message[at:at + BLOCK] for at in range(0, len(message), BLOCK)]
    leaves = [node(b''.join(blocks[i::LEAVES]), i, 0, i == LEAVES - 1) for i in range(LEAVES)]
    return node(b''.join(leaves), 0, 1, True)


print('# Written by tests/kat/blake2b_tree.py with Python\'s hashlib; what the messages are is said there.')
for n in SIZES:
    message = bytes((7 * i + (i >> 8)) & 255 for i in range(n))
    print(f'bytes = {struct.pack("<I", n).hex()}\nhash = {tree(message).hex()}\n')
