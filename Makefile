# Everything runs from here; each target makes and uses .venv by itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
export LAMPWAY_CACHE ?= $(CURDIR)/.cache
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Trust what the machine trusts, so that mirrors and proxies with certificates of their own work as they do with pip.
export UV_SYSTEM_CERTS ?= 1

.PHONY: setup dev demo test test-postgres test-platforms check fix bench chaos lock screens schemas clean

setup: $(VENV)/.runtime ## make .venv with lampway in it

dev: $(VENV)/.dev ## the same, with what the tests and checks need

demo: $(VENV)/.runtime ## see the whole story on three real Node-RED instances
	@$(BIN)/lampway demo

test: $(VENV)/.dev ## everything up to a real Node-RED
	@echo "tests; the first time, Node and Node-RED are installed into $(LAMPWAY_CACHE)"
	@$(BIN)/python -m pytest --ignore=tests/heavy $(PYTEST_ARGS)

test-postgres: $(VENV)/.dev ## what the engine does, on a Postgres of the tests' own
	@LAMPWAY_TEST_STATE=postgres $(BIN)/python -m pytest tests/engine $(PYTEST_ARGS)

test-platforms: $(VENV)/.dev ## what is heavy to install: real n8n, browsers, the built package as a user installs it
	@$(BIN)/python -m pytest tests/heavy -o addopts="-ra --strict-markers --strict-config" $(PYTEST_ARGS)

check: $(VENV)/.dev ## format, lint, types, imports, docs
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/interrogate -q src
	@$(BIN)/typos

fix: $(VENV)/.dev ## format and mend what can be mended
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(VENV)/.dev ## measure; tables on the screen, JSON in bench/results
	@$(BIN)/python -m bench $(BENCH_ARGS)

chaos: $(VENV)/.dev ## kill engines and workers ten thousand times; SEED=... plays again what went wrong
	@$(BIN)/python -m chaos $(if $(SEED),--seed $(SEED)) $(CHAOS_ARGS)

lock: $(VENV)/.uv ## bring the locks up to date with pyproject.toml
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		pyproject.toml -o requirements/runtime.lock
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--group build -o requirements/build.lock
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		-c requirements/runtime.lock pyproject.toml --group dev -o requirements/dev.lock

screens: $(VENV)/.dev ## take the pictures of the console in the docs, from real runs
	@$(BIN)/python tools/screens.py

schemas: $(VENV)/.dev ## write the JSON Schemas of the governance files
	@$(BIN)/python -m lampway.config.schemas

clean: ## remove what these targets made, the cache included
	@rm -rf $(VENV) .cache dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/.uv: Makefile
	@echo "making $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q uv==$(UV_VERSION)
	@touch $@

$(VENV)/.runtime: $(VENV)/.uv requirements/runtime.lock requirements/build.lock pyproject.toml
	@echo "installing what lampway needs"
	@$(BIN)/uv pip install -q --compile-bytecode --require-hashes -r requirements/runtime.lock -r requirements/build.lock
	@$(BIN)/uv pip install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.lock
	@echo "installing what tests and checks need"
	@$(BIN)/uv pip install -q --require-hashes -r requirements/dev.lock
	@touch $@
