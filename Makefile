# SPDX-License-Identifier: GPL-2.0-only
#
# The front door. `make help` lists what there is; everything made is in build/,
# everything fetched below $XDG_CACHE_HOME/mailbox (~/.cache/mailbox).
#
#	KERNEL=stock	the kernel to build for and boot, or 6.12, newest, kasan, kcsan: see selftests/qemu/cache.sh
#	KDIR=...	for `make module`: any prepared kernel tree instead
#	SECONDS=60 SEED=	of `make fuzz`
#	ROUNDS=5	of `make bench-ring` and of the ring in `make bench-scale`
#	RUN=build/bench	whose figures `make bench-readme` writes down
#	MAILBOX_EFFORT=1	how much the tests of chance do: see selftests/qemu/kselftest.sh

KERNEL	:= stock
KDIR	:=
SECONDS	:= 60
SEED	:=
ROUNDS	:= 5
RUN	:= build/bench

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.NOTPARALLEL:

qemu	:= selftests/qemu
# The folder of something the build needs, which is made if it is not there.
cached	= $(or $(shell $(qemu)/cache.sh $1),$(error $1: not to be had, see above))
kernel	= $(call cached,$(KERNEL))
kasan	= $(call cached,kasan)
kcsan	= $(call cached,kcsan)
source	= $(call cached,source)
# One folder for each kernel, so that several builds live side by side.
mbuild	:= build/$(if $(KDIR),kdir,$(KERNEL))
tests	= $(or $(TESTS),$(shell $(MAKE) -s -C selftests/mailbox list) \
	  libmailbox libmailbox-map libmailbox-direct libmailbox-receipt libmailbox-dlclose mailbox-terminal \
	  tool.sh tutorial.sh languages.sh)

# $(call build-module,FOLDER,KERNEL-TREE,ARGS): from links to the sources
define build-module
@mkdir -p $1
@cp -rsf $(abspath Kbuild module uapi) $1
@find $1 -xtype l -delete
@$(qemu)/kbuild.sh $2 $1 $3
endef

# The module, as kbuild installs it, and what the system does with it.
define install-module
@$(MAKE) module
$(MAKE) -s -C "$(KDIR)" M="$(abspath build/kdir)" INSTALL_MOD_DIR=updates INSTALL_MOD_PATH="$(DESTDIR)" CONFIG_MODULE_SIG_ALL= modules_install
install -D -m 644 -t "$(DESTDIR)/usr/lib/udev/rules.d" userlib/packaging/60-mailbox.rules
install -D -m 644 -t "$(DESTDIR)/usr/lib/modules-load.d" userlib/packaging/mailbox.conf
endef
release	= $(shell awk -F'"' '{ print $$2 }' "$(KDIR)/include/generated/utsrelease.h")
define uninstall-module
rm -f "$(DESTDIR)/lib/modules/$(release)"/updates/mailbox_dev.ko* \
	"$(DESTDIR)/usr/lib/udev/rules.d/60-mailbox.rules" "$(DESTDIR)/usr/lib/modules-load.d/mailbox.conf"
$(if $(DESTDIR),,depmod "$(release)")
endef

##@ Try it
demo: run-setup module lib ## boot a stock kernel in QEMU and watch processes exchange messages
	@$(MAKE) -s -C $(qemu)/demo OUT=$(abspath build/demo) LIB=$(abspath build/userlib/libmailbox.a)
	@$(qemu)/guest.sh demo "$(kernel)" $(mbuild)

shell: run-setup module lib ## the same guest with a prompt, module loaded, tool on the path
	@$(qemu)/guest.sh shell "$(kernel)" $(mbuild)

##@ Test it
check: check-setup ## every test; ends with 'N passed, N failed, N skipped'
	@$(qemu)/check.sh host-test lint kselftest 'kselftest KERNEL=kasan' mq-test kunit bench-gate 'model MODEL=^slot'

check-full: export MAILBOX_EFFORT = 25
check-full: check-setup ## the same at large, on every kernel, and what else takes hours
	@$(qemu)/check.sh host-test lint kselftest 'kselftest KERNEL=kasan' 'kselftest KERNEL=kcsan' \
		'kselftest KERNEL=6.12' 'kselftest KERNEL=newest' mq-test 'mq-test KERNEL=kasan' kunit 'fuzz KERNEL=kasan SECONDS=600' model cross \
		'cover MAILBOX_EFFORT=1' runner-test upstream 'deb-test MAILBOX_EFFORT=1'

kselftest selftests: module test-programs ## tests in QEMU, by system calls and by library; TESTS='poll lanes' runs a few
	@$(qemu)/kselftest.sh "$(kernel)" $(mbuild) $(tests)

kunit: check-setup ## tests inside the kernel, of what no system call shows alone
	$(call build-module,build/kunit,"$(kasan)/build",MAILBOX_KUNIT=1)
	@$(qemu)/kunit.sh "$(kasan)" build/kunit

fuzz: module ## random calls on the module for SECONDS=60; SEED=... repeats a run, KERNEL=kasan has checkers
	@mkdir -p build/fuzz
	@$(MAKE) -s -C selftests/fuzz OUT=$(abspath build/fuzz)
	@selftests/fuzz/fuzz.sh "$(kernel)" $(mbuild) $(SECONDS) $(SEED)

cover: test-programs ## which lines of the module the tests reach
	$(call build-module,build/cover,"$(kasan)/build",GCOV_PROFILE=y)
	@$(qemu)/kselftest.sh "$(kasan)" build/cover $(tests)
	@$(qemu)/tally.pl cover $(qemu)/cover.pl build/cover

mq-test: check-setup module ## POSIX message queues on ports: a conformance test, stress-ng and pmqtest, beside the kernel's own
	@$(MAKE) -s -C userlib mq OUT=$(abspath build/userlib)
	@$(qemu)/queues.sh test "$(kernel)" $(mbuild) "$(call cached,queues)"

runner-test: check-setup ## deliberate bugs: does the runner of the tests see them?
	$(call build-module,build/kasan,"$(kasan)/build")
	$(call build-module,build/kcsan,"$(kcsan)/build")
	@mkdir -p build/kasan/bugs build/kcsan/bugs
	@cp -sf $(abspath $(qemu)/bugs/Kbuild $(qemu)/bugs/mailbox_bugs.c) build/kasan/bugs
	@cp -sf $(abspath $(qemu)/bugs/Kbuild $(qemu)/bugs/mailbox_bugs.c) build/kcsan/bugs
	@$(qemu)/kbuild.sh "$(kasan)/build" build/kasan/bugs
	@$(qemu)/kbuild.sh "$(kcsan)/build" build/kcsan/bugs
	@$(qemu)/tally.pl runner $(qemu)/bugs/runner-test.sh "$(kasan)" build/kasan "$(kcsan)" build/kcsan

upstream: check-setup ## the project as part of a kernel tree, built and tested by that tree's own means
	@$(qemu)/setup.sh upstream
	@$(qemu)/tally.pl upstream selftests/upstream/upstream.sh "$(call cached,linux)/linux.tar.xz" "$(call cached,stock)/busybox"

host-test: check-setup ## library and slot protocol on this machine, under the sanitizers
	@mkdir -p build/userlib
	@$(qemu)/tally.pl host $(MAKE) -s -C userlib check OUT=$(abspath build/userlib)

lint: check-setup module lib ## sparse, checkpatch, shellcheck, kernel-doc, arrows, docs against headers
	@$(qemu)/tally.pl lint selftests/lint/lint.sh "$(kernel)" "$(source)"

model: ## the slot protocol, searched exhaustively by spin; MODEL='^slot|^poll' leaves some out
	@$(qemu)/setup.sh model
	@$(qemu)/tally.pl model selftests/model/check.sh "$(MODEL)"

bench: bench-kernel bench-scale bench-ring ## all of these, a quarter of an hour: tables, CSV and plots in build/bench
	@selftests/bench/readme.sh build/bench

bench-kernel: bench-program ## instructions of a write + read, beside pipe, POSIX mq, SysV, SEQPACKET
	@$(qemu)/setup.sh bench || echo "bench-kernel: what is missing is left out" >&2
	@$(qemu)/guest.sh bench "$(kernel)" $(mbuild)
	@selftests/bench/kernel-plot.sh build/bench/kernel.csv build/bench
	@selftests/bench/kernel-table.sh build/bench/kernel.csv

bench-scale: bench-program ring-program ## the same beside 1 to 1000 ports, endpoints, sleepers; after 10^9 messages; memory
	@$(qemu)/guest.sh scale "$(kernel)" $(mbuild)
	@build/bench/ring-bench --scale build/bench/scale.csv --rounds $(ROUNDS)
	@selftests/bench/scale-plot.sh build/bench/scale.csv build/bench

bench-readme: ## tables of README.md anew, of the CSV files in RUN=build/bench
	@selftests/bench/readme.sh "$(RUN)" README.md

bench-mq: run-setup module ## what programs for POSIX message queues say of the kernel's and of ours, in build/bench/mq.txt
	@$(MAKE) -s -C userlib mq OUT=$(abspath build/userlib)
	@$(MAKE) -s -C selftests/bench $(abspath build/bench)/mq-cost OUT=$(abspath build/bench)
	@$(qemu)/queues.sh report "$(kernel)" $(mbuild) "$(call cached,queues)" | tee build/bench/mq.txt

bench-gate: bench-program ## are these instructions as many as selftests/bench/baseline.csv says?
	@$(qemu)/tally.pl gate selftests/bench/gate.sh check "$(kernel)" $(mbuild)

bench-baseline: bench-program ## write that file anew; whoever changes a count says why
	@selftests/bench/gate.sh baseline "$(kernel)" $(mbuild)

bench-program: run-setup module lib
	@mkdir -p build/bench
	@$(MAKE) -s -C selftests/bench OUT=$(abspath build/bench) LIB=$(abspath build/userlib/libmailbox.a)

bench-ring: ring-program ## messages without system calls, beside pipe, mq, SEQPACKET, Boost, ConcurrencyKit, DPDK; ROUNDS=5
	@build/bench/ring-bench --rounds $(ROUNDS) --csv build/bench/ring.csv
	@selftests/bench/ring-plot.sh build/bench/ring.csv build/bench

ring-program: lib
	@$(qemu)/setup.sh bench || echo "ring-bench: what is missing is left out" >&2
	@mkdir -p build/bench
	@$(MAKE) -s -C selftests/bench ring OUT=$(abspath build/bench) LIB=$(abspath build/userlib/libmailbox.a)

##@ Build it
module: $(if $(KDIR),,run-setup) ## mailbox_dev.ko, in build/KERNEL/
	$(call build-module,$(mbuild),"$(or $(KDIR),$(kernel)/build)")

cross: check-setup ## module and library for arm64, library for 32-bit x86
	@mkdir -p build
	@$(qemu)/tally.pl cross $(qemu)/cross.sh "$(call cached,arm64)"

lib: run-setup ## libmailbox and the tool `mailbox`, in build/userlib/
	@mkdir -p build/userlib
	@$(MAKE) -s -C userlib OUT=$(abspath build/userlib)

##@ Install it
install: ## library, tool and man pages, below DESTDIR= PREFIX=/usr/local; with KDIR= the module too
	@$(qemu)/setup.sh build
	@mkdir -p build/userlib
	@$(MAKE) -s -C userlib install OUT=$(abspath build/userlib)
	$(if $(KDIR),$(install-module))

uninstall: ## take them away again
	@$(MAKE) -s -C userlib uninstall OUT=$(abspath build/userlib)
	$(if $(KDIR),$(uninstall-module))

deb: ## Debian packages, in build/deb/
	@$(qemu)/setup.sh deb
	@userlib/packaging/deb.sh build/deb

deb-test: deb test-programs ## install them in a virtual machine with Debian, boot it, test, remove, purge them
	@userlib/packaging/deb.sh build/deb/next 999
	@$(qemu)/tally.pl -l build/deb-test/console.log deb-test $(qemu)/debs.sh "$(call cached,debian)" build/deb build/deb/next $(tests)

test-programs: check-setup
	@mkdir -p build/selftests build/userlib
	@$(MAKE) -s -C selftests/mailbox OUT=$(abspath build/selftests) KSELFTEST="$(source)/tools/testing/selftests"
	@$(MAKE) -s -C userlib live OUT=$(abspath build/userlib)

picture: ## userlib/doc/architecture.svg, of the .dot beside it
	@$(qemu)/setup.sh picture
	@userlib/doc/picture.sh

setup: check-setup ## install the Debian packages that building and testing take
run-setup:
	@$(qemu)/setup.sh run
check-setup:
	@$(qemu)/setup.sh check

clean: ## remove build/
	rm -rf build

help: ## this list
	@awk -F ':.*## ' '/^##@ /{print "\n" substr($$0, 5) ":"} /^[a-z].*:.*## /{printf "  %-22s %s\n", "make " $$1, $$2}' $(MAKEFILE_LIST)

SHELL := /bin/bash

.PHONY: $(shell grep -oE '^[a-z][a-z -]*:( |$$)' $(firstword $(MAKEFILE_LIST)) | tr -d :)
