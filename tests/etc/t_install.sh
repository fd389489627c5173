# SPDX-License-Identifier: BSD-2-Clause
#
# What "make install" leaves behind: every file of the package, a sample
# configuration that nvmmd accepts, and nothing outside DESTDIR.

top=$(cd "$(atf_get_srcdir)/../.." && pwd)

atf_test_case everything_is_installed
everything_is_installed_head() {
	atf_set descr "make install puts every file under DESTDIR and PREFIX"
	atf_set timeout 120
}
everything_is_installed_body() {
	atf_check -o ignore -e ignore make -C "$top" install \
	    DESTDIR="$(pwd)/dest" PREFIX=/opt/nvmm
	for file in bin/nvmmctl bin/toyvirt sbin/nvmmd include/nvmm.h \
	    include/dev/nvmm/nvmm.h include/dev/nvmm/nvmm_ioctl.h \
	    include/dev/nvmm/x86/nvmm_x86.h lib/libnvmm.a lib/libnvmm.so \
	    lib/pkgconfig/nvmm.pc share/nvmm/guests/smallkern \
	    share/man/man1/toyvirt.1 share/man/man3/libnvmm.3 \
	    share/man/man4/nvmm.4 \
	    share/man/man5/nvmmd.conf.5 share/man/man8/nvmmd.8 \
	    share/man/man8/nvmmctl.8 \
	    share/examples/nvmm/nvmmd.conf share/examples/nvmm/rc.d/nvmmd \
	    share/examples/nvmm/systemd/nvmmd.service \
	    share/examples/nvmm/sysusers/nvmm.conf \
	    share/examples/nvmm/udev/60-nvmm.rules; do
		[ -f "dest/opt/nvmm/$file" ] || atf_fail "$file is missing"
	done
}

atf_test_case prefix_is_kept
prefix_is_kept_head() {
	atf_set descr "what is installed below PREFIX does not name another"
	atf_set timeout 120
}
prefix_is_kept_body() {
	atf_check -o ignore -e ignore make -C "$top/etc" install \
	    DESTDIR="$(pwd)/dest" PREFIX=/opt/nvmm
	atf_check -s exit:1 grep -r /usr/local dest
	atf_check -o ignore grep -r /opt/nvmm/share/nvmm/guests \
	    dest/etc/nvmmd.conf
}

atf_test_case sample_configuration_starts
sample_configuration_starts_head() {
	atf_set descr "nvmmd starts with the sample configuration as it is"
}
sample_configuration_starts_body() {
	[ -w /dev/nvmm ] || [ -w /dev/kvm ] ||
	    atf_skip "neither /dev/nvmm nor /dev/kvm is there for us"
	"$top/nvmmd/nvmmd" -f -c "$top/etc/nvmmd.conf" -s "$(pwd)/sock" \
	    2>log &
	daemon=$!
	for _ in $(seq 100); do
		[ -S sock ] && break
		sleep 0.05
	done
	answer=$("$top/nvmmctl/nvmmctl" -s "$(pwd)/sock" list -j) || true
	kill "$daemon"
	wait "$daemon" || atf_fail "nvmmd ended with $?: $(cat log)"
	[ -n "$answer" ] || atf_fail "no answer: $(cat log)"
}

atf_test_case manuals_are_clean
manuals_are_clean_head() {
	atf_set descr "mandoc has nothing to say against the manual pages"
	atf_set require.progs "mandoc"
}
manuals_are_clean_body() {
	for page in $(grep -lI "^\.Dd" "$top"/*/*.[1-9]) \
	    "$top/sys/dev/nvmm/nvmm.4"; do
		atf_check -o ignore mandoc -T lint -W warning "$page"
	done
}

atf_test_case parameters_are_documented
parameters_are_documented_head() {
	atf_set descr "nvmm(4) has every parameter and counter of the module"
}
parameters_are_documented_body() {
	cat "$top"/sys/dev/nvmm/os/linux/*.c |
	    sed -n 's/^module_param[a-z_]*(\([a-z_]*\),.*/\1/p' >names
	while read -r name; do
		grep -q -e "^\.Cm $name\( \|$\)" -e "^\.It Cm $name$" \
		    "$top/sys/dev/nvmm/nvmm.4" || atf_fail "$name is missing"
	done <names
}

atf_init_test_cases() {
	atf_add_test_case everything_is_installed
	atf_add_test_case prefix_is_kept
	atf_add_test_case sample_configuration_starts
	atf_add_test_case manuals_are_clean
	atf_add_test_case parameters_are_documented
}
