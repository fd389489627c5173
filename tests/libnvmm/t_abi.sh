# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The NVMM authors
#
# What a client sees: the header under other compilers and standards, the
# names that the shared library exports, the installed files, and the manual
# page's example.

lib=../../libnvmm

# The source folder, from wherever kyua runs us.
enter() {
	cd "$(atf_get_srcdir)" || atf_fail "no source folder"
	if [ -n "${NVMM_TEST_SANITIZED:-}" ]; then
		flags='-fsanitize=address,undefined'
	else
		flags=
	fi
}

# With what a client may be compiled; not all of it need be here.
compilers() {
	cat <<-'EOF'
	cc -std=c99 -x c
	cc -std=gnu99 -Wshadow -x c
	cc -std=c17 -x c
	c++ -std=c++11 -x c++
	c++ -std=c++20 -x c++
	clang -std=c99 -Wshadow -x c
	clang -std=c17 -x c
	clang++ -std=c++11 -x c++
	clang++ -std=c++20 -x c++
	EOF
}

# compile FILE [FLAG ...]: by all of them, without a warning.
compile() {
	file=$1
	shift
	compilers | while read -r how; do
		command -v "${how%% *}" >/dev/null || continue
		# shellcheck disable=SC2086 -- a list of flags
		$how -pedantic -Wall -Wextra -Werror -fsyntax-only "$@" \
		    -I$lib -I../../sys "$file" || exit 1
	done || atf_fail "$file does not compile"
}

atf_test_case header
header_head() {
	atf_set descr 'The header alone, for a program that asks for nothing'
}
header_body() {
	enter
	echo '#include <nvmm.h>
int f(void);
int f(void) { return nvmm_init(); }' >"$HOME/a.c"
	compile "$HOME/a.c"
}

# client CC-and-flags ...: d_client.c, made so, says what its guest does.
client() {
	"$@" -o "$HOME/client" || atf_fail "d_client.c does not link: $*"
	[ -w /dev/kvm ] || return 0
	NVMM_DEVICE=hosted "$HOME/client" >"$HOME/out" || atf_fail "it fails"
	printf '%s\n' 'port 0x3f8: !' 'memory 0xf000: !' \
	    '1 VCPU, 32768 bytes' >"$HOME/want"
	sed '/^machine /,$d' "$HOME/out" | diff "$HOME/want" - || \
	    atf_fail "it says something else"
	grep -q '^rax .* rcx ' "$HOME/out" || atf_fail "no register is shown"
}

atf_test_case client
client_head() {
	atf_set descr "A client in NetBSD's manner: each name, value, size and \
place, each function"
}
client_body() {
	enter
	compile d_client.c -D_DEFAULT_SOURCE
	# shellcheck disable=SC2086 -- a list of flags
	client cc -std=c99 -D_DEFAULT_SOURCE $flags -I$lib -I../../sys \
	    d_client.c $lib/libnvmm.a -lpthread
	# shellcheck disable=SC2086
	client c++ -x c++ -D_DEFAULT_SOURCE $flags -I$lib -I../../sys \
	    d_client.c -x none $lib/libnvmm.a -lpthread
}

atf_test_case sources_clang
sources_clang_head() {
	atf_set descr 'The library compiles with clang, without a warning'
	atf_set require.progs clang
	atf_set timeout 600
}
sources_clang_body() {
	enter
	for src in $lib/*.c $lib/x86/*.c ../../sys/dev/nvmm/os/hosted/*.c \
	    ../../sys/dev/nvmm/*.c ../../sys/dev/nvmm/x86/*.c; do
		clang -std=c11 -D_GNU_SOURCE -O1 -Wall -Wextra \
		    -Wmissing-prototypes -Wshadow -Werror -c -o "$HOME/o" \
		    -I$lib -I$lib/x86 -I../../sys -I../../sys/dev/nvmm \
		    -I../../sys/dev/nvmm/os/hosted "$src" || atf_fail "$src"
	done
}

# The map's names, each with its version: NAME@@VERSION.
map_names() {
	awk '$1 ~ /^NVMM_/ { v = $1 }
	    $1 ~ /^nvmm_.*;$/ { sub(";", "", $1); print $1 "@@" v }' \
	    $lib/libnvmm.map | sort
}

atf_test_case exports
exports_head() {
	atf_set descr "The library exports the map's names, no others; the \
header declares them and the manual page tells them"
}
exports_body() {
	enter
	map_names >"$HOME/map"
	[ -s "$HOME/map" ] || atf_fail "no name in the map"
	nm -D --defined-only $lib/libnvmm.so | \
	    awk '$2 != "A" { print $3 }' | sort >"$HOME/have"
	diff "$HOME/map" "$HOME/have" || atf_fail "the map has other names"
	nm -D --defined-only $lib/libnvmm.so | \
	    awk '$2 == "A" { print $3 }' | sort -u >"$HOME/versions"
	sed 's/.*@//' "$HOME/map" | sort -u | diff - "$HOME/versions" || \
	    atf_fail "other versions"
	sed 's/@.*//' "$HOME/map" >"$HOME/want"
	sed -n 's/^[a-z].*[	*]\(nvmm_[a-z_]*\)(.*/\1/p' $lib/nvmm.h | \
	    sort >"$HOME/header"
	diff "$HOME/want" "$HOME/header" || atf_fail "the header has others"
	sed -n 's/^\.F[no] \(nvmm_[a-z_]*\).*/\1/p' $lib/libnvmm.3 | \
	    sort -u >"$HOME/manual"
	diff "$HOME/want" "$HOME/manual" || atf_fail "libnvmm.3 has others"
}

# nvmm_vcpu_stop() in a signal handler must not have its thread's storage
# allocated under it, which is what a library that was dlopen()ed would do.
atf_test_case signal_safe
signal_safe_body() {
	enter
	# What the handler gets to; the locks it never takes.
	[ -s $lib/kvm_run.o ] || atf_fail "no kvm_run.o"
	if readelf -rW $lib/kvm_run.o | grep -e TLSGD -e TLSLD -e TLSDESC; then
		atf_fail "thread storage is allocated late"
	fi
}

atf_test_case installed
installed_head() {
	atf_set require.progs pkg-config
}
installed_body() {
	enter
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
	(cd $lib && make install DESTDIR="$dir" PREFIX=/opt/x \
	    CFLAGS_EXTRA="$flags" LDFLAGS_EXTRA="$flags") || atf_fail install
	export PKG_CONFIG_LIBDIR="$dir/opt/x/lib/pkgconfig"
	export PKG_CONFIG_SYSROOT_DIR="$dir"
	want="-I$dir/opt/x/include -L$dir/opt/x/lib -lnvmm"
	have=$(pkg-config --cflags --libs nvmm | sed 's/ *$//')
	[ "$have" = "$want" ] || atf_fail "pkg-config: $have"
	[ "$(pkg-config --modversion nvmm)" = \
	    "$(sed -n 's/^VERSION[	]*= //p' $lib/Makefile)" ] || \
	    atf_fail "pkg-config has another version"
	export LD_LIBRARY_PATH="$dir/opt/x/lib"
	# shellcheck disable=SC2086 -- lists of flags
	client cc -std=c99 -pedantic -D_DEFAULT_SOURCE $flags d_client.c $have
	readelf -d "$HOME/client" | grep -q 'NEEDED.*libnvmm.so.2' || \
	    atf_fail "soname"
	[ -z "$flags" ] || return 0
	# shellcheck disable=SC2046
	client cc -std=c99 -D_DEFAULT_SOURCE d_client.c -static \
	    $(pkg-config --static --cflags --libs nvmm)
}

atf_test_case manual
manual_head() {
	atf_set require.progs mandoc
}
manual_body() {
	enter
	mandoc -T lint -W warning $lib/libnvmm.3 || atf_fail lint
	# Each constant that a client writes, by its full name.
	for name in $(sed -n 's/^#define[	 ]*\(NVMM_[A-Z0-9_]*\)[	 ].*/\1/p' \
	    $lib/nvmm.h ../../sys/dev/nvmm/nvmm.h \
	    ../../sys/dev/nvmm/x86/nvmm_x86.h | grep -E '^NVMM_(CAP_ARCH|HAS|IMPL|PROT_[RWEU]|VCPU_(EXIT|EVENT|CONF_[CT])|CTL|X64_(STATE|XSTATE_[BMA]))'); do
		grep -qw "$name" $lib/libnvmm.3 || \
		    atf_fail "$name is not in libnvmm.3"
	done
	[ -w /dev/kvm ] || atf_skip "no /dev/kvm"
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
	sed -n '/^\.Sh EXAMPLES/,/^\.Ed/p' $lib/libnvmm.3 | \
	    sed -e '1,/^\.Bd/d' -e '/^\.Ed/d' -e 's/\\e/\\/g' >"$dir/a.c"
	# shellcheck disable=SC2086 -- a list of flags
	cc -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror $flags \
	    -I$lib -I../../sys -o "$dir/a" "$dir/a.c" $lib/libnvmm.a \
	    -lpthread || atf_fail "the example does not compile"
	have=$(NVMM_DEVICE=hosted "$dir/a") || atf_fail "the example fails"
	[ "$have" = "port 0x80: !
port 0x80: ." ] || atf_fail "the example says: $have"
}

atf_init_test_cases() {
	atf_add_test_case header
	atf_add_test_case client
	atf_add_test_case sources_clang
	atf_add_test_case exports
	atf_add_test_case signal_safe
	atf_add_test_case installed
	atf_add_test_case manual
}
