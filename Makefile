# Python 3.11 or newer, git and make are all that must be there; the rest is installed into .venv
# and web/node_modules. `make help` lists what can be made.
PYTHON ?= python3
export PYTHON
SITES ?= 63
BIN := .venv/bin
NPM := PATH="$(CURDIR)/.venv/bin:$$PATH" npm --prefix web
PAGES := signaling/pages/operator.html
SOURCES := $(shell find web -path web/node_modules -prune -o -type f -print 2>/dev/null)
TESTS ?= tests

.PHONY: help run drill test check bench format locks schema clean prepare prepare-test

help:
	@echo "make run              start everything on this machine and print where to sign in"
	@echo "make drill SITES=63   rehearse a whole conference with synthetic sites"
	@echo "make test             install what the tests need and run all of them"
	@echo "make bench            measure, and write docs/measurements.md"
	@echo "make format           format Python and TypeScript"
	@echo "make locks            resolve the dependencies anew"
	@echo "make schema           write the types that are generated from signaling/wire"

run: prepare $(PAGES)
	$(BIN)/diemcau up

drill: prepare $(PAGES)
	$(BIN)/diemcau drill --sites $(SITES)

test: prepare-test check $(PAGES)
	$(BIN)/python -m pytest $(TESTS)

check: prepare-test web/node_modules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(NPM) run check

bench: prepare-test $(PAGES)
	$(BIN)/python -m tests.bench

format: prepare-test web/node_modules
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format .
	$(NPM) run format

schema: prepare
	$(BIN)/python -m signaling.wire.schema
	$(BIN)/python -m signaling.api

locks: prepare-test
	$(BIN)/python -m pip install -q uv
	$(BIN)/uv pip compile -q pyproject.toml --extra build --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade -o requirements.lock
	$(BIN)/uv pip compile -q pyproject.toml --extra build --extra test --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --no-annotate -c requirements.lock -o requirements-test.lock
	$(NPM) update --package-lock-only
	$(BIN)/python deploy/strip-lock web/package-lock.json

clean:
	rm -rf .venv .stamps web/node_modules signaling/pages *.egg-info build

prepare:
	@deploy/prepare run

prepare-test:
	@deploy/prepare test

web/node_modules: web/package-lock.json | prepare
	$(NPM) ci --no-audit --no-fund --loglevel=error
	@touch $@

$(PAGES): web/node_modules $(SOURCES)
	$(NPM) run build
	@touch $@
