# The two commands a newcomer needs are `make demo` and `make test`; both set everything up.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready

.PHONY: demo test check tools bench setup clean

demo: setup
	$(BIN)/lookalike demo --output demo

test: check tools
	$(BIN)/python -m pytest -n auto --dist loadfile

# Without them the tests that read a trace of system calls or drive a browser are skipped.
tools:
	@command -v strace >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get install -y -qq strace >/dev/null 2>&1; } || \
		echo 'strace is not installed: one test is skipped'
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get install -y -qq chromium >/dev/null 2>&1; } || \
		echo 'Chromium is not installed: the tests of the page are skipped'

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup
	$(BIN)/python -m benchmarks

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Lookalike needs Python 3.11 or newer, found " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[efficientnet,dev]'
	touch $(READY)

clean:
	rm -rf $(VENV) demo
