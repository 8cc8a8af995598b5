# Everything a newcomer needs: make demo, make test. All of it lives in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
# The CPU build of torch is not on PyPI for Linux; the extra `train` is only installed where asked.
EXTRAS ?= dev
export GUESTSTAR_DATA ?= ../shared/data

.PHONY: help install demo test lint format bench docs docs-test kafka kafka-stop postgres postgres-stop clean

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(BIN)/python:
	@if [ -n "$(UV)" ]; then $(UV) venv -q --python $(PYTHON) $(VENV); else $(PYTHON) -m venv $(VENV); fi

# One stamp file a set of extras, so that a second make does not install again.
$(VENV)/.installed-%: pyproject.toml | $(BIN)/python
	@echo "Installing gueststar and what it needs into $(VENV) (once) ..."
	@if [ -n "$(UV)" ]; then $(UV) pip install -q --python $(BIN)/python -e '.$(if $(filter-out core,$*),[$*])'; \
	else $(BIN)/python -m pip install -q --disable-pip-version-check -e '.$(if $(filter-out core,$*),[$*])'; fi
	@touch $@

install: $(VENV)/.installed-$(EXTRAS)  ## Install for development into .venv (EXTRAS=dev,train adds torch)

demo: $(VENV)/.installed-core  ## A simulated night, scored, stored, in your browser
	$(BIN)/gueststar demo $(DEMO)

# A file's tests share what it sets up, so they stay with one worker.
WORKERS ?= $(if $(TESTS),0,auto)
test: install  ## Run all tests on all cores (TESTS=tests/test_batch.py for some, WORKERS=0 for one core)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(TESTS)

lint: install  ## Check style and types
	$(BIN)/ruff check src tests docs examples benchmarks tools
	$(BIN)/ruff format --check src tests docs examples benchmarks
	$(BIN)/mypy

format: install  ## Mend style where it can be mended by itself
	$(BIN)/ruff check --fix src tests docs examples benchmarks
	$(BIN)/ruff format src tests docs examples benchmarks

bench: install  ## Print our speed beside a rival's
	$(BIN)/gueststar bench decode --rival fastavro

# With what the site needs beside what is asked for.
comma := ,
DOCS_EXTRAS := $(if $(findstring docs,$(EXTRAS)),$(EXTRAS),$(EXTRAS)$(comma)docs)
docs: $(VENV)/.installed-$(DOCS_EXTRAS)  ## Build the documentation: docs/_build/html/index.html
	$(BIN)/sphinx-build -W --keep-going -q docs docs/_build/html
	@echo "Look at docs/_build/html/index.html"

docs-test: install  ## Run every example of the documentation
	$(BIN)/python -m pytest -q tests/test_docs.py

kafka:  ## Start a real Apache Kafka on 127.0.0.1:9092 (KAFKA_PORT=...), fetched by Maven once
	$(PYTHON) tools/kafka_server.py start $(if $(KAFKA_PORT),--port $(KAFKA_PORT))

kafka-stop:  ## Stop it
	$(PYTHON) tools/kafka_server.py stop

postgres:  ## Start a real PostgreSQL on 127.0.0.1:5433 (POSTGRES_PORT=...), from Debian's package
	$(PYTHON) tools/postgres_server.py start $(if $(POSTGRES_PORT),--port $(POSTGRES_PORT))

postgres-stop:  ## Stop it
	$(PYTHON) tools/postgres_server.py stop

clean:  ## Remove what make made
	rm -rf docs/_build docs/gallery docs/reference/generated
	rm -rf $(VENV) gueststar-demo .pytest_cache .mypy_cache .ruff_cache
