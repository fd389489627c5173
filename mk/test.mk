#	What a folder of tests includes after mk/nvmm.mk: ATF programs written in
#	sh, listed in TESTS_SH without their ending. Those in C have rules of
#	their own, as each compiles the room that it tests.

ATF_SH	?= /usr/bin/atf-sh

.SUFFIXES: .sh

.sh:
	{ printf '#! %s\n' ${ATF_SH}; cat $<; } >$@
	chmod +x $@
