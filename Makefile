# Two commands do everything:
#   make sync SRC=/usr/share/doc/ DEST=/tmp/doc-copy     make test
# ARGS= hands further options of parsync (before SRC), OPTIONS= options of rsync (after DEST).

VENV ?= .venv
BIN := $(VENV)/bin
# The system's Python first: other users can start it, which some tests need.
PYTHON ?= $(shell for p in /usr/bin/python3 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && echo $$p && break; done)

# Paths reach the shell through the environment, so that nothing in them is run or taken apart.
export SRC DEST

.PHONY: sync test lint types tests bench bench-full chaos clean

sync: $(VENV)/.installed rsync
	@test -n "$$SRC" && test -n "$$DEST" || { echo "make sync: give SRC=... and DEST=... (see README.md)" >&2; exit 2; }
	@$(BIN)/parsync $(ARGS) "$$SRC" "$$DEST" $(OPTIONS)

test: $(VENV)/.installed-test rsync lint types tests

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:
	$(BIN)/mypy

tests:
	$(BIN)/pytest -n 4 --dist worksteal tests

bench: $(VENV)/.installed-test
	$(BIN)/python bench/run.py --quick

bench-full: $(VENV)/.installed-test
	$(BIN)/python bench/run.py --full

chaos: $(VENV)/.installed-test
	PARSYNC_CHAOS=long $(BIN)/pytest -n 2 -rP tests/crash/test_chaos.py

clean:
	rm -rf $(VENV) build *.egg-info

.PHONY: rsync
rsync:
	@command -v rsync >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get install -y -q rsync; \
	  else echo "make: rsync is not installed: apt-get install rsync (or your system's package)" >&2; exit 1; fi; }

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "make: Python 3.10 or later is needed" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -q && apt-get install -y -q python3-venv; \
	  else echo "make: this Python cannot make environments: apt-get install python3-venv" >&2; exit 1; fi; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml
	$(BIN)/pip install -q --disable-pip-version-check -e .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed pyproject.toml
	$(BIN)/pip install -q --disable-pip-version-check -e '.[test]'
	@touch $@
