#!/bin/sh
# check-layers.sh - fails when a folder includes what it may not know. The rules are these tables
# and nothing else. First: FOLDER, then what its files may include besides libc.
set -eu
cd "$(dirname "$0")/.."
status=0
foreign='sodium|openssl|grpc|protobuf-c|libfyaml|sqlite3|jansson|csv|utf8proc|seccomp'
while read -r dir allowed; do
    bad=$(grep -nE "^#include (\"|<($foreign)[./])" "$dir"/*.[ch] 2>/dev/null |
          grep -vE "#include [\"<]($allowed)" || true)
    if [ -n "$bad" ]; then
        printf '%s may not include:\n%s\n' "$dir/" "$bad" >&2
        status=1
    fi
done <<'TABLE'
crypto/base crypto/base/
crypto      crypto/|sodium|openssl/
policy      crypto/|policy/|libfyaml
proto       crypto/|policy/|proto/|protobuf-c/
node        crypto/|policy/|proto/|node/|openssl/|sodium|grpc/|protobuf-c/|sqlite3|jansson|csv|utf8proc|seccomp
TABLE
# Second: a library is known to these files only.
while read -r library files; do
    bad=$(grep -lE "^#include <$library" crypto/base/*.[ch] crypto/*.[ch] policy/*.[ch] \
          proto/*.[ch] node/*.[ch] 2>/dev/null | grep -vE "^($files)\$" || true)
    if [ -n "$bad" ]; then
        printf '<%s> is for %s only, not:\n%s\n' "$library" "$files" "$bad" >&2
        status=1
    fi
done <<'TABLE'
libfyaml    policy/yaml\.c
protobuf-c  proto/wire[a-z_]*\.c|node/rpc_[a-z_]*\.[ch]
grpc/       node/rpc_[a-z_]*\.[ch]
sqlite3     node/store[a-z_]*\.c
csv\.h      node/csv\.c
utf8proc    node/normalise\.c
seccomp     node/sandbox\.c
TABLE
# proto/ has no I/O, crypto/ and policy/ no files: bytes in, bytes out.
if grep -nE '#include <(sys/socket|pthread|fcntl|unistd|time)\.h>|\b(fopen|open|read|write|clock_gettime|time)\(' \
        crypto/*.c policy/*.c proto/*.c; then
    echo 'crypto/, policy/ and proto/ know no files, sockets, clocks or threads' >&2
    status=1
fi
# Comparing secrets must take the same time whatever they hold; crypto/base/ct.h does.
if grep -nE '\b(memcmp|strcmp|strcpy|strcat|sprintf|gets|alloca|rand|system)\(' crypto/*.c; then
    echo 'crypto/: banned call above' >&2
    status=1
fi
if grep -nE '\b(strcpy|strcat|sprintf|gets|alloca|rand|system|atoi|strtok)\(' policy/*.c proto/*.c node/*.c; then
    echo 'banned call above' >&2
    status=1
fi
# libFuzzer's customary name is no module's.
names=$(git ls-files '*.c' '*.h' | grep -v '^tests/fuzz/main.c' | sed 's|.*/||' | sort | uniq -d)
if [ -n "$names" ]; then
    echo "file names are unique in the tree; twice: $names" >&2
    status=1
fi
exit $status
