# Every target sets itself up; a fresh machine needs Python >= 3.11 and make.
SHELL := /bin/bash
# Empty is unset: a machine that forbids keeping compiled modules would compile all of them at every start.
export PYTHONDONTWRITEBYTECODE :=
.DEFAULT_GOAL := help
PY := .venv/bin/python
READY := .venv/.ready
PROJECTS := shared services/ingest services/dispatcher services/print-queue deploy/onebox sandbox
UV_VERSION = $(shell sed -n "s/^uv==\([0-9.]*\).*/\1/p" requirements.lock)

.PHONY: help setup up demo test chaos bench soak texts lint check lock audit english
help: ## these targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

setup: $(READY) ## the virtual environment with everything in it
$(READY): requirements.lock pyproject.toml $(addsuffix /pyproject.toml,$(PROJECTS))
	@command -v python3 >/dev/null || { echo "Нужен Python 3.11 или новее"; exit 1; }
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Нужен Python 3.11 или новее, найден $$(python3 --version)"; exit 1; }
	@test -x $(PY) || python3 -m venv .venv
	@$(PY) -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@.venv/bin/uv pip install --quiet --compile-bytecode --python $(PY) --require-hashes -r requirements.lock
	@.venv/bin/uv pip install --quiet --python $(PY) --no-deps --no-build-isolation $(addprefix -e ./,$(PROJECTS))
	@touch $(READY)

up: $(READY) ## the single-school installation
	@.venv/bin/vestnik up

demo: $(READY) ## one school week through the real services
	@.venv/bin/vestnik demo

test: $(READY) ## everything that must hold
	@$(PY) -m pytest -n 2 --dist loadgroup

texts: $(READY) ## what families read, written anew for review: read the diff of tests/unit/texts/golden
	@UPDATE_GOLDEN=1 $(PY) -m pytest -q tests/unit/texts/test_golden.py && git diff --stat -- tests/unit/texts/golden

lint: $(READY) ## style, types, walls between packages
	@.venv/bin/ruff check . && .venv/bin/ruff format --check .
	@$(PY) -m mypy shared/src services/ingest/src services/dispatcher/src services/print-queue/src deploy/onebox/src sandbox/src
	@.venv/bin/lint-imports

english: $(READY) ## English catalogues anew after texts changed
	@$(PY) -m shared.web.catalogues

audit: $(READY) ## known vulnerabilities of what we depend on
	@.venv/bin/pip-audit --require-hashes --disable-pip -r requirements.lock

check: lint audit test ## what CI runs

chaos: $(READY) ## what must hold whatever dies: about an hour and a half
	@$(PY) -m pytest tests/chaos --run-slow -s --timeout 3600

bench: $(READY) ## planning and sending beside their ceilings, and immediate news from 202 to the gateway
	@$(PY) -m bench

soak: $(READY) ## a million messages through the same processes: memory and speed, half an hour
	@$(PY) -m bench --soak 1000000

lock: ## requirements.lock anew: hashes, no addresses
	@test -x $(PY) || python3 -m venv .venv
	@test -x .venv/bin/uv || $(PY) -m pip install --quiet uv
	@.venv/bin/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--python-version 3.11 --no-emit-package vestnik-shared --no-emit-package vestnik-ingest \
		--no-emit-package vestnik-dispatcher --no-emit-package vestnik-print-queue --no-emit-package vestnik-onebox \
		--no-emit-package vestnik-sandbox --no-emit-package vestnik \
		--group dev pyproject.toml -o requirements.lock
