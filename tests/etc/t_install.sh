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
	    share/man/man5/nvmmd.conf.5 share/man/man8/nvmmd.8 \
	    share/man/man8/nvmmctl.8 \
	    share/examples/nvmm/nvmmd.conf share/examples/nvmm/rc.d/nvmmd \
	    share/examples/nvmm/systemd/nvmmd.service; do
		[ -f "dest/opt/nvmm/$file" ] || atf_fail "$file is missing"
	done
}

atf_test_case sample_configuration_is_accepted
sample_configuration_is_accepted_head() {
	atf_set descr "nvmmd -n accepts the sample configuration"
}
sample_configuration_is_accepted_body() {
	# The user that it names need not exist where this runs.
	sed '/"user"/d' "$top/etc/nvmmd.conf" >nvmmd.conf
	atf_check -o ignore -e ignore "$top/nvmmd/nvmmd" -n -c nvmmd.conf
}

atf_test_case manuals_are_clean
manuals_are_clean_head() {
	atf_set descr "mandoc has nothing to say against the manual pages"
	atf_set require.progs "mandoc"
}
manuals_are_clean_body() {
	for page in $(grep -lI "^\.Dd" "$top"/*/*.[1-9]); do
		atf_check -o ignore mandoc -T lint -W warning "$page"
	done
}

atf_init_test_cases() {
	atf_add_test_case everything_is_installed
	atf_add_test_case sample_configuration_is_accepted
	atf_add_test_case manuals_are_clean
}
