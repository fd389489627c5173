#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Build a copy of the tree under ASan and UBSan in build/asan and run its
# tests there. smallkern, a kernel of its own, is built without them.
set -eu

sanitize='-fsanitize=address,undefined -fno-sanitize-recover=undefined
	-fno-omit-frame-pointer'
copy=build/asan

rm -rf "$copy"
mkdir -p "$copy"
tar -cf - --exclude=./build --exclude=./.git --exclude='*.o' \
    --exclude='*.a' --exclude='*.so*' . | tar -xf - -C "$copy"
# shellcheck disable=SC2086 -- one line of flags
flags=$(echo $sanitize)
"${MAKE:-make}" -C "$copy" clean >/dev/null
"${MAKE:-make}" -C "$copy" -j"$(nproc)" tests \
    CFLAGS_EXTRA="$flags" LDFLAGS_EXTRA="$flags"
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export LSAN_OPTIONS="suppressions=$(pwd)/mk/lsan.supp:print_suppressions=0"
export NVMM_TEST_SANITIZED=yes
sh mk/check.sh "$copy" hosted
