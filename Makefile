# The commands of this repository. `make` or `make help` lists them.
# Paths are relative throughout: the directory's own may hold a space.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export LEADCRM_DEV ?= true
export PYTHONUNBUFFERED = 1

UV_VERSION = 0.13.8
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
LOCK = uv pip compile -q --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-header --no-emit-index-url pyproject.toml
INSTALL = uv pip install -q --compile-bytecode --python .venv/bin/python --require-hashes
SOURCES = leadcrm leads integrations tests manage.py
STACK = python -m leadcrm.devstack

JOBS ?= 2
ARGS ?=

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

.PHONY: run
run: .venv/.runtime static/vendor/.copied ## Run leadcrm with a demo workspace; Ctrl-C stops it
	@exec $(STACK) python -m leadcrm.serve

.PHONY: test
test: .venv/.dev static/vendor/.copied ## Run every test (ARGS="-k capture" for some, JOBS=4 for more at once)
	@python -m tests.chromium
	@python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

.PHONY: lint
lint: .venv/.dev ## Check style, templates and the direction of imports
	ruff check $(SOURCES)
	ruff format --check $(SOURCES)
	@files=$$(find templates -name '*.html' 2>/dev/null); \
	[ -z "$$files" ] || { echo "djade --check templates"; djade --target-version 5.2 --check $$files; }
	lint-imports

.PHONY: format
format: .venv/.dev ## Put code and templates into the one style
	ruff check --fix-only $(SOURCES)
	ruff format $(SOURCES)
	@files=$$(find templates -name '*.html' 2>/dev/null); \
	[ -z "$$files" ] || djade --target-version 5.2 $$files

.PHONY: types
types: .venv/.dev ## Check types
	mypy

.PHONY: migrations
migrations: .venv/.dev ## Fail when a model's change has no migration
	@DATABASE_URL='postgresql:///none?host=/nowhere' python -W ignore::RuntimeWarning \
		manage.py makemigrations --check --dry-run

.PHONY: bench
bench: .venv/.dev ## Measure against floors of the same run (ARGS="--leads 10000 --rounds 2" for a quick look)
	@python -m tests.benchmarks $(ARGS)

.PHONY: demo
demo: .venv/.runtime ## Make the demo workspace anew; other workspaces stay (ARGS="--leads 1000")
	@$(STACK) --join sh -c 'python manage.py migrate -v0 && python manage.py demo $(ARGS)'

.PHONY: volume
volume: .venv/.runtime ## Fill ten workspaces with 1,000,000 leads in one of them (ARGS="--leads 100000")
	@$(STACK) --join sh -c 'python manage.py migrate -v0 && python manage.py volume $(ARGS)'

.PHONY: screenshots
screenshots: .venv/.dev static/vendor/.copied ## Take the pictures of docs/images anew, from the demo
	@python -m tests.chromium
	@python -m pytest -q tests/browser/screenshots.py $(ARGS)

.PHONY: shell
shell: .venv/.runtime ## A Python shell on the database, also beside `make run`
	@exec $(STACK) --join python manage.py shell

.PHONY: lock
lock: | .venv/bin/uv ## Resolve the dependencies of pyproject.toml and package.json anew
	$(LOCK) -o requirements.txt
	$(LOCK) --group dev -c requirements.txt -o requirements-dev.txt
	npm install --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts --no-audit --no-fund

.venv/bin/uv:
	@if [ -z "$(PYTHON)" ]; then echo "leadcrm needs Python 3.11 or newer as python3." >&2; exit 1; fi
	@sh .ci/venv "$(PYTHON)"
	@.venv/bin/python -m pip install -q --disable-pip-version-check uv==$(UV_VERSION)

.venv/.runtime: requirements.txt | .venv/bin/uv
	@echo "Installing the Python packages…"
	@$(INSTALL) -r requirements.txt
	@touch $@

.venv/.dev: requirements-dev.txt | .venv/bin/uv
	@echo "Installing the Python packages, those for development too…"
	@$(INSTALL) -r requirements-dev.txt
	@touch $@

static/vendor/.copied: package-lock.json leadcrm/frontend.py | .venv/bin/uv
	@[ -e .venv/.runtime ] || [ -e .venv/.dev ] || $(MAKE) .venv/.runtime
	@echo "Installing the front-end files…"
	@python -m leadcrm.frontend
	@touch $@
