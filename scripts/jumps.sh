#!/bin/sh
# jumps.sh [--print] - conditional jumps and gathers in the objects that handle secrets, function by
# function, against the reviewed list tests/ct/jumps.allow. One more than the list allows fails: a
# compiler or a change has made a branch, and somebody has to look at what it depends on. Memcheck
# (ct.sh) says the same of what it can run; it cannot run AVX-512. The list is for gcc 12, on
# x86-64, at the Makefile's own options.
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
objects='group_ifma group_avx2 group_portable block_ifma block_avx2 block_portable dot_ifma dot_avx2 dot
gauss sha512_x8 sha512_x4 blake2b_tree blake2b_tree_x4 blake2b_tree_x8 shuffle membership_ifma
membership_avx2 membership_portable membership aes_wide aes_x1 aes_x2 aes_x4 digit_sum
digit_sum_avx2 residues field2 ggm'

if [ "$(uname -m)" != x86_64 ] || ! gcc -dumpversion | grep -q '^12'; then
    echo "jumps.sh: not looked at: the list is for gcc 12 on x86-64"
    exit 0
fi

# object function jumps gathers; copies that the compiler made of one function are one.
found() {
    for object in $objects; do
        objdump -d --no-show-raw-insn "$BUILD/crypto/$object.o" | awk -v object="$object" '
            /^[0-9a-f]+ <.*>:$/ {
                gsub(/[<>:]/, "", $2)
                name = $2
                sub(/\.(constprop|isra|part|cold).*/, "", name)
            }
            /\tj[a-z]+/ && !/\tjmp/ { jumps[name]++ }
            /\tv?p?gather/ { gathers[name]++ }
            END {
                for (name in jumps) seen[name]
                for (name in gathers) seen[name]
                for (name in seen) print object, name, jumps[name] + 0, gathers[name] + 0
            }'
    done | sort
}

for object in $objects; do
    make --no-print-directory BUILD="$BUILD" CC="${CC:-gcc}" "$BUILD/crypto/$object.o" >/dev/null
done
if [ "${1:-}" = --print ]; then
    found
    exit 0
fi
found | awk '
    NR == FNR {
        if ($0 !~ /^#/ && NF >= 5) { jumps[$1 " " $2] = $3; gathers[$1 " " $2] = $4; listed++ }
        next
    }
    {
        name = $1 " " $2
        functions++
        if (!(name in jumps)) print name ": not in tests/ct/jumps.allow (" $3 " jumps, " $4 " gathers)"
        else if ($3 > jumps[name]) print name ": " $3 " conditional jumps, " jumps[name] " allowed"
        else if ($4 > gathers[name]) print name ": " $4 " gathers, " gathers[name] " allowed"
        else good++
    }
    END {
        if (functions == 0 || listed == 0) print "nothing was compared"
        if (good != functions || listed == 0) exit 1
        print good " functions, none with a jump or a gather more than reviewed"
    }' tests/ct/jumps.allow -
