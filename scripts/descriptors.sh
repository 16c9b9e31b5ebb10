#!/bin/sh
# descriptors.sh FILE.proto... - C source holding the services' descriptors, for gRPC reflection.
set -eu
set_file=$(mktemp)
trap 'rm -f "$set_file"' EXIT
protoc -I. --include_imports --descriptor_set_out="$set_file" "$@"
echo '#include <stddef.h>'
echo 'extern const unsigned char patto_descriptors[];'
echo 'extern const size_t patto_descriptors_bytes;'
echo 'const unsigned char patto_descriptors[] = {'
od -An -v -tu1 "$set_file" | sed 's/ *\([0-9][0-9]*\)/\1,/g'
echo '};'
echo 'const size_t patto_descriptors_bytes = sizeof patto_descriptors;'
