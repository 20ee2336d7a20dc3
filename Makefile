# SPDX-License-Identifier: GPL-2.0-only
#
# The front door. `make help` lists what there is; everything made is in build/,
# everything fetched below $XDG_CACHE_HOME/mailbox (~/.cache/mailbox).
#
#	KERNEL=stock	the kernel to build for and boot: see selftests/qemu/cache.sh
#	KDIR=...	for `make module`: any prepared kernel tree instead

KERNEL	:= stock
KDIR	:=

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.NOTPARALLEL:

qemu	:= selftests/qemu
kernel	= $$($(qemu)/cache.sh $(KERNEL))
source	= $$($(qemu)/cache.sh source)
# One folder for each kernel, so that several builds live side by side.
mbuild	:= build/$(if $(KDIR),kdir,$(KERNEL))

##@ Try it
demo: run-setup module lib ## boot a stock kernel in QEMU and watch processes exchange messages
	@$(MAKE) -s -C $(qemu)/demo OUT=$(abspath build/demo)
	@$(qemu)/guest.sh demo "$(kernel)" $(mbuild)

shell: run-setup module lib ## the same guest with a prompt, module loaded, tool on the path
	@$(qemu)/guest.sh shell "$(kernel)" $(mbuild)

##@ Test it
check: check-setup ## every test; ends with 'N passed, N failed, N skipped'
	@$(qemu)/check.sh host-test lint kselftest

kselftest selftests: check-setup module ## tests in QEMU, by system calls and by library; TESTS='poll lanes' runs a few
	@mkdir -p build/selftests build/userlib
	@$(MAKE) -s -C selftests/mailbox OUT=$(abspath build/selftests) KSELFTEST="$(source)/tools/testing/selftests"
	@$(MAKE) -s -C userlib live OUT=$(abspath build/userlib)
	@$(qemu)/kselftest.sh "$(kernel)" $(mbuild) \
		$(or $(TESTS),$(shell $(MAKE) -s -C selftests/mailbox list) libmailbox tool.sh)

host-test: check-setup ## library and slot protocol on this machine, under the sanitizers
	@mkdir -p build/userlib
	@$(qemu)/tally.pl host $(MAKE) -s -C userlib check OUT=$(abspath build/userlib)

lint: check-setup module ## sparse, checkpatch, shellcheck, kernel-doc, arrows, docs against headers
	@$(qemu)/tally.pl lint selftests/lint/lint.sh "$(kernel)" "$(source)"

bench-kernel: run-setup module ## instructions of a write + read, beside pipe and POSIX mq
	@mkdir -p build/bench
	@$(MAKE) -s -C selftests/bench OUT=$(abspath build/bench)
	@$(qemu)/guest.sh bench "$(kernel)" $(mbuild)

##@ Build it
module: $(if $(KDIR),,run-setup) ## mailbox_dev.ko, in build/KERNEL/
	@mkdir -p $(mbuild)
	@cp -rsf $(abspath Kbuild module uapi) $(mbuild)
	@find $(mbuild) -xtype l -delete
	@$(MAKE) -s -C "$(or $(KDIR),$(kernel)/build)" M=$(abspath $(mbuild)) $(kbuild_flags) modules

lib: run-setup ## libmailbox and the tool `mailbox`, in build/userlib/
	@mkdir -p build/userlib
	@$(MAKE) -s -C userlib OUT=$(abspath build/userlib)

setup: check-setup ## install the Debian packages that building and testing take
run-setup:
	@$(qemu)/setup.sh run
check-setup:
	@$(qemu)/setup.sh check

clean: ## remove build/
	rm -rf build

help: ## this list
	@awk -F ':.*## ' '/^##@ /{print "\n" substr($$0, 5) ":"} /^[a-z].*:.*## /{printf "  %-22s %s\n", "make " $$1, $$2}' $(MAKEFILE_LIST)

# Packaged headers bring no vmlinux to take type information from.
kbuild_flags := CONFIG_DEBUG_INFO_BTF_MODULES=
SHELL := /bin/bash

.PHONY: demo shell check kselftest selftests host-test lint bench-kernel module lib \
	setup run-setup check-setup clean help
