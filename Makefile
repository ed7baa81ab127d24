# `make` alone prints the verbs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PROTO_VENV := .venv-protos
PROTOS := $(shell find protos -name '*.proto' | sort)

.DEFAULT_GOAL := help
.PHONY: help setup demo up test check story protos clean

help: ## Print the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

protos: $(PROTO_VENV)/ready ## Generate the stubs and the descriptor set from protos/
	$(PROTO_VENV)/bin/python -m grpc_tools.protoc -I protos -I third_party/googleapis \
	  --plugin=protoc-gen-mypy=$(PROTO_VENV)/bin/protoc-gen-mypy \
	  --plugin=protoc-gen-mypy_grpc=$(PROTO_VENV)/bin/protoc-gen-mypy_grpc \
	  --python_out=$(or $(OUT),.) --grpc_python_out=$(or $(OUT),.) --mypy_out=quiet:$(or $(OUT),.) --mypy_grpc_out=quiet:$(or $(OUT),.) \
	  --include_imports --include_source_info --descriptor_set_out=$(or $(OUT),.)/archwright/descriptors.binpb $(PROTOS)

# An older generator: its stubs run clean on new runtimes and do not raise users' floor.
$(PROTO_VENV)/ready: Makefile
	$(PYTHON) -m venv $(PROTO_VENV)
	$(PROTO_VENV)/bin/pip install -q grpcio-tools==1.71.2 mypy-protobuf==3.6.0 types-protobuf==7.35.1.20260906 setuptools==80.9.0
	touch $@
