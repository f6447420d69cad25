# Every target installs what it needs; nothing has to be typed first. What has to be there already:
# Python 3.11 or later, make and git.
#
#   make run     play the main job on the local stack        make test    everything that is checked
#   make up      local stack in the background               make bench   benchmarks
#   make down    stop it and remove its files                make deploy  to AWS, with samconfig.toml
#   make load    mixed traffic on the local stack, and what it left, as docs/load.md
#   make soak    what chance decides, at length, and under load (up to 20 minutes)
#   make bench-peers    this ledger beside others (docs/peers.md)
#   make bench-scale    sweeps of many members, and what they make of twenty million (docs/scale.md)
#   make lint    the checks that need no stack               make lock    update all pinned versions
#   make status  the stack's addresses and passwords         make logs FUNCTION=members
#   make tail    follow all logs; FUNCTION=accrual, CORRELATION=… for some of them
#   make verify FILE=export.json    compute the entries of an export again
#   make schema  write docs/program.schema.json and the examples in docs/program.md again
#   make openapi write the description of the HTTP API again, which GET /openapi.json serves
#
# PORT (default 4566) moves the local stack.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory
.NOTPARALLEL:

PORT ?= 4566
export PORT

# Nothing of the caller's Python set-up may leak into the tools.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV
export SAM_CLI_TELEMETRY := 0
export UV_PYTHON_DOWNLOADS := never
export UV_LINK_MODE := copy
export UV_NO_PROGRESS := 1

TOOLS := .local/tools
BOOTSTRAP := $(TOOLS)/bootstrap
MINISTACK := $(TOOLS)/ministack
SAM := $(TOOLS)/sam
PEERS := $(TOOLS)/peer_nostro/.installed $(TOOLS)/peer_postgres/.installed \
	$(TOOLS)/peer_powertools/.installed
DEV := .venv

UV := $(BOOTSTRAP)/bin/uv
PY := $(DEV)/bin/python
# `sam` wants a region even where it asks AWS for nothing.
SAM_OFFLINE := AWS_DEFAULT_REGION=us-east-1 $(SAM)/bin/sam

.PHONY: help
help:
	@sed -n '/^#   make/,/^# PORT/s/^# *//p' Makefile

# ---- Set-up: an environment per tool, made again only when its lock file has changed.

.PHONY: setup
setup: $(DEV)/.package $(MINISTACK)/.installed $(SAM)/.installed

$(BOOTSTRAP)/.installed: requirements/bootstrap.txt
	@python=""; \
	for candidate in python3 python3.14 python3.13 python3.12 python3.11; do \
		if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			python="$$candidate"; break; \
		fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo "Python 3.11 or later is missing: install it (Debian, Ubuntu: apt-get install python3)." >&2; \
		exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "Installing python3-venv, which Debian leaves out of Python."; \
			version="$$("$$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')"; \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
				apt-get install -y -qq --no-install-recommends "$$version-venv" >/dev/null; \
		else \
			echo "Python's venv module is missing: apt-get install python3-venv" >&2; \
			exit 1; \
		fi; \
	fi; \
	echo "Setting up $(BOOTSTRAP)"; \
	rm -rf $(BOOTSTRAP); \
	"$$python" -m venv $(BOOTSTRAP)
	@$(BOOTSTRAP)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		--requirement requirements/bootstrap.txt
	@touch $@

$(DEV)/.installed: requirements/dev.txt
$(MINISTACK)/.installed: requirements/ministack.txt
$(SAM)/.installed: requirements/sam.txt
$(TOOLS)/peer_nostro/.installed: requirements/peer_nostro.txt
$(TOOLS)/peer_postgres/.installed: requirements/peer_postgres.txt
$(TOOLS)/peer_powertools/.installed: requirements/peer_powertools.txt
$(DEV)/.installed $(MINISTACK)/.installed $(SAM)/.installed $(PEERS): $(BOOTSTRAP)/.installed
	@echo "Setting up $(@D)"
	@$(UV) venv --quiet --clear --no-project --python $(BOOTSTRAP)/bin/python $(@D)
	@$(UV) pip install --quiet --python $(@D)/bin/python --require-hashes --compile-bytecode \
		--requirement $(filter requirements/%,$^)
	@touch $@

# The ledger itself, so that `python -m points_ledger.…` finds it from anywhere.
$(DEV)/.package: $(DEV)/.installed
	@$(PY) -c 'import os, pathlib, sysconfig; \
		site = sysconfig.get_path("purelib"); \
		pathlib.Path(site, "points-ledger.pth").write_text(os.path.relpath("layers/ledger", site))'
	@touch $@

# ---- The local stack

.PHONY: run up down status logs tail
run: setup
	@exec $(PY) -m local.demo

up: setup
	@$(PY) -m local up

down:
	@if [ -x $(PY) ]; then $(PY) -m local down; else echo "No local stack was running."; fi

status: setup
	@$(PY) -m local status

FUNCTION ?= webhooks
logs: setup
	@$(PY) -m local logs $(FUNCTION)

# Ends with ctrl-C. FUNCTION has a default for `logs`, which does not count here.
tail: setup
	@exec $(PY) -m local tail \
		$(if $(filter command line environment,$(origin FUNCTION)),--function '$(FUNCTION)') \
		$(if $(CORRELATION),--correlation '$(CORRELATION)')

# ---- Checks

.PHONY: test all-tests lint template format types imports fast-tests stack-tests bench
test: lint all-tests

lint: setup template format types imports

template: setup
	$(SAM_OFFLINE) validate --lint
	$(DEV)/bin/cfn-lint template.yaml

format: setup
	$(DEV)/bin/ruff check
	$(DEV)/bin/ruff format --check

# Every function's module is called app, so that a bare run over functions/ would find the same
# module ten times; explicit package bases make them functions.<name>.app.
types: setup
	$(DEV)/bin/mypy

imports: setup
	PYTHONPATH=layers/ledger $(DEV)/bin/lint-imports --no-cache

# Tests that need the stack mostly wait, so the fast ones run beside them: at the lowest priority, so
# that they take only what is left over. Their report comes when both are through.
FAST_REPORT := .local/fast-tests.txt
all-tests: setup browser
	@mkdir -p .local; \
	nice -n 19 $(MAKE) fast-tests >$(FAST_REPORT) 2>&1 & fast=$$!; \
	trap 'kill $$fast 2>/dev/null || true' EXIT; \
	stack=0; $(MAKE) stack-tests || stack=$$?; \
	failed=0; wait $$fast || failed=$$?; \
	cat $(FAST_REPORT); \
	exit $$((stack ? stack : failed))

fast-tests: setup
	$(PY) -m pytest -m "not stack and not bench and not soak" --numprocesses 2 --dist worksteal

# What chance decides, at length: with SOAK whole suites are marked for it (tests/conftest.py), beside
# the tests that are run here only. Those of the stack wait for the most part, as above. A night is
# well spent with HYPOTHESIS_PROFILE=long.
SOAK_REPORT := .local/soak.txt
soak: export SOAK := 1
soak: export HYPOTHESIS_PROFILE ?= soak
.PHONY: soak
soak: setup
	@mkdir -p .local; \
	nice -n 19 $(PY) -m pytest -m "soak and not stack" --numprocesses 2 --dist worksteal \
		>$(SOAK_REPORT) 2>&1 & rest=$$!; \
	trap 'kill $$rest 2>/dev/null || true' EXIT; \
	stack=0; $(PY) -m local within $(PY) -m pytest -m "soak and stack" || stack=$$?; \
	failed=0; wait $$rest || failed=$$?; \
	cat $(SOAK_REPORT); \
	exit $$((stack ? stack : failed))

.PHONY: load
load: setup
	$(PY) -m local within $(PY) -m tests.load

# Pages are looked at in Debian's Chromium.
.PHONY: browser
browser:
	@if ! command -v chromium chromium-browser google-chrome >/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "Installing Chromium for the tests of the pages."; \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
				--no-install-recommends chromium fonts-dejavu-core >/dev/null; \
		else \
			echo "Chromium is missing: apt-get install chromium fonts-dejavu-core" >&2; \
			exit 1; \
		fi; \
	fi

# The stack of its own is stopped whatever the tests do; pictures are left in .local/screenshots.
stack-tests: setup browser
	$(PY) -m local within $(PY) -m pytest -m "stack and not soak"

bench: setup browser
	$(PY) -m local within $(PY) -m tests.benchmarks

# Each peer in an environment of its own; PostgreSQL from Debian, on a port and in a folder of its own.
bench-peers: setup postgres $(PEERS)
	$(PY) -m local within $(PY) -m tests.benchmarks.peers

.PHONY: bench-peers postgres
postgres:
	@if ! ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "Installing PostgreSQL to compare with."; \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
				--no-install-recommends postgresql >/dev/null; \
		else \
			echo "PostgreSQL is missing: apt-get install postgresql" >&2; \
			exit 1; \
		fi; \
	fi

# Curves of the sweeps, and what they make of twenty million members: docs/scale.md.
.PHONY: bench-scale
bench-scale: setup
	PYTHONPATH=layers/ledger:. $(PY) -m local within $(PY) -m tests.benchmarks.scale

# ---- Checking an export (docs/receipts.md); PROGRAMS names a file of program versions

.PHONY: verify
verify: $(DEV)/.package
	@if [ -z "$(FILE)" ]; then echo "Name an export: make verify FILE=export.json" >&2; exit 2; fi
	@$(PY) -m points_ledger.verify $(FILE) $(if $(PROGRAMS),--programs $(PROGRAMS))

.PHONY: schema
schema: $(DEV)/.package
	@$(PY) -m local.program_documents

.PHONY: openapi
openapi: $(DEV)/.package
	@$(PY) -m local.openapi

# ---- AWS

.PHONY: deploy
deploy: setup
	PATH="$(abspath $(SAM)/bin):$(abspath $(BOOTSTRAP)/bin):$(abspath $(DEV)/bin):$$PATH" sam build
	$(SAM)/bin/sam deploy

# ---- Pinned versions: the newest that fit requirements/*.in, with the hashes of every file. The
# address of no package index gets into the files.

COMPILE := $(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-emit-find-links --no-emit-index-annotation

.PHONY: lock
lock: $(BOOTSTRAP)/.installed
	$(COMPILE) requirements/bootstrap.in --output-file requirements/bootstrap.txt
	$(COMPILE) requirements/ministack.in --output-file requirements/ministack.txt
	$(COMPILE) requirements/sam.in --output-file requirements/sam.txt
	$(COMPILE) requirements/peer_nostro.in --output-file requirements/peer_nostro.txt
	$(COMPILE) requirements/peer_postgres.in --output-file requirements/peer_postgres.txt
	$(COMPILE) layers/dependencies/requirements.in --output-file layers/dependencies/requirements.txt
	$(COMPILE) requirements/peer_powertools.in --output-file requirements/peer_powertools.txt
	$(COMPILE) requirements/dev.in --output-file requirements/dev.txt
