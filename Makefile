#	NVMM: see README.md. For GNU make and for NetBSD's make (bmake) alike.
#
#	all		everything that installs
#	deps		install what the build and the tests need
#	demo		show the kernel driver, nvmmd and smallkern in a disposable
#			host with emulated AMD-V; does its own set-up
#	demo-here	the same on this machine's /dev/nvmm or /dev/kvm
#	check		build and run all tests, here and on the kernel's driver in
#			the testhost; does its own set-up
#	check-differ	the instruction assists against this processor and a
#			disassembler, a million cases each: CASES=n SEED=n
#	check-asan	the hosted tests under ASan and UBSan
#	fuzz		libFuzzer on what reads bytes that nobody vouches for, each
#			target for SECONDS=n; its kept inputs are part of check
#	check-netbsd	the NetBSD module against NETBSDSRC=dir, and, given
#			KERNEL=image, machines in that kernel; fetches nothing
#	check-bochs	the driver's tests in Bochs, which has NRIPS; takes long
#	check-debugkernel	the driver's tests in a kernel with KASAN, lockdep
#			and kmemleak, built the first time; takes long
#	check-qemu	QEMU with its own NVMM accelerator, from Debian's source, on
#			our library and driver, beside KVM and TCG; takes long
#	bench-boot, bench-control, bench-exits	figures beside the peers' in the
#			same run; bench-exits is exact
#	install		into ${DESTDIR}${PREFIX}
#	clean

PREFIX	?= /usr/local

ROOMS	= smallkern libnvmm libnvmm/guest toyvirt nvmmd nvmmctl

all: ${ROOMS}

toyvirt nvmmd: libnvmm libnvmm/guest

${ROOMS}:
	cd $@ && ${MAKE} all

tests: all
	cd tests && ${MAKE} all

deps:
	sh mk/deps.sh

demo: deps
	${MAKE} all
	sh mk/demo.sh

demo-here: deps
	${MAKE} all
	sh mk/demo.sh here

check: deps
	${MAKE} tests
	sh mk/check.sh .

check-differ: deps
	${MAKE} all
	cd tests/libnvmm/differ && ${MAKE} all check-differ

fuzz: deps
	sh mk/deps.sh fuzz
	cd tests/fuzz && ${MAKE} fuzz

check-asan: deps
	MAKE="${MAKE}" sh mk/asan.sh

check-netbsd:
	@[ -n "${NETBSDSRC}" ] || { \
	    echo 'check-netbsd: NETBSDSRC=dir [KERNEL=image]' >&2; exit 2; }
	sh mk/check-netbsd.sh . "${NETBSDSRC}" "${KERNEL}"

check-bochs: deps
	sh mk/deps.sh bochs
	${MAKE} tests
	sh mk/check.sh . bochs

check-debugkernel: deps
	sh mk/deps.sh debugkernel
	${MAKE} tests
	sh mk/check.sh . debugkernel

check-qemu: deps
	sh mk/deps.sh qemu
	${MAKE} tests
	sh tests/qemu/check.sh .

bench-boot bench-control: deps
	sh mk/deps.sh bench
	${MAKE} tests
	cd tests/bench && ${MAKE} $@

bench-exits: deps
	${MAKE} tests
	cd tests/bench && ${MAKE} $@

install: all
	for room in ${ROOMS} etc; do (cd $$room && \
	    ${MAKE} install PREFIX=${PREFIX} DESTDIR=${DESTDIR}) || exit 1; done

clean:
	for room in ${ROOMS} tests; do (cd $$room && ${MAKE} clean) || exit 1; \
	    done
	rm -rf build

.PHONY: all ${ROOMS} tests deps demo demo-here check check-differ fuzz check-asan \
    check-netbsd check-bochs check-debugkernel check-qemu bench-boot bench-control \
    bench-exits install clean
