# Everything the project needs is set up under this folder and in the download cache; nothing is installed elsewhere.
#
#   make run     set up, then serve until Ctrl-C           make setup   set up alone
#   make test    set up for development, run all tests     make lint    style, types and process models
#   make test-postgresql   on PostgreSQL all that use a database
#   make test-fast   unit tests alone, within a minute     make bench   benchmarks
#   make mutants     how many faults the unit tests notice
#   make soak        faults that take minutes, under load (ARGS="--minutes 30 --write")
#
# PYTHON names the interpreter to start from (3.11 or later); TONGQUAN_MAVEN_MIRROR a Maven repository to use.
# TEST_WORKERS is how many processes share the tests; each may start an engine of its own (about 1.5 GB).
# A stamp file stands for each finished step, so that a second run is quick and needs no network.

PYTHON ?= python3
TEST_WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# Recipes run in the folder of this file, whatever the caller's.
MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:
.PHONY: help setup run test test-postgresql test-fast bench mutants soak lint develop check-python clean

help:
	@sed -n '3,9s/^#  *//p' Makefile

setup: $(VENV)/.product
	@$(BIN)/tongquan setup

run: setup
	@exec $(BIN)/tongquan up $(ARGS)

develop: $(VENV)/.development setup

test: develop
	@exec $(BIN)/python -m pytest -n $(TEST_WORKERS) $(ARGS)

test-postgresql: develop
	@exec $(BIN)/python -m pytest -n $(TEST_WORKERS) --database postgresql $(ARGS)

test-fast: develop
	@exec $(BIN)/python -m pytest -n $(TEST_WORKERS) tests/unit $(ARGS)

bench: $(VENV)/.benchmarks setup
	@exec $(BIN)/python -m bench $(ARGS)

mutants: $(VENV)/.development $(VENV)/.benchmarks
	@exec nice -n 19 $(BIN)/python -m bench.mutants $(ARGS)

soak: $(VENV)/.benchmarks setup
	@exec $(BIN)/python -m bench.soak $(ARGS)

lint: develop
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/tongquan lint

check-python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "✗ 需要 Python 3.11 以上版本：请安装后重试，或用 make PYTHON=/路径/python3.11 指定" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "✗ Python 缺少 venv 或 ensurepip：请安装系统的 python3-venv 软件包后重试" >&2; exit 1; }

$(VENV)/.created: | check-python
	@echo "· 建立 Python 环境 $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.product: requirements.lock pyproject.toml $(VENV)/.created
	@echo "· 安装 Python 依赖（requirements.lock）"
	@$(PIP) install --require-hashes -r requirements.lock && $(PIP) install --no-deps --no-build-isolation -e . || { \
	  echo "✗ Python 依赖未能安装：请检查网络或 pip 镜像（PIP_INDEX_URL）后重试" >&2; exit 1; }
	@touch $@

$(VENV)/.development: requirements-dev.lock $(VENV)/.product
	@echo "· 安装开发依赖（requirements-dev.lock）"
	@$(PIP) install --require-hashes -r requirements-dev.lock || { \
	  echo "✗ 开发依赖未能安装：请检查网络或 pip 镜像（PIP_INDEX_URL）后重试" >&2; exit 1; }
	@touch $@

$(VENV)/.benchmarks: requirements-bench.lock $(VENV)/.product
	@echo "· 安装基准测试依赖（requirements-bench.lock）"
	@$(PIP) install --require-hashes -r requirements-bench.lock || { \
	  echo "✗ 基准测试依赖未能安装：请检查网络或 pip 镜像（PIP_INDEX_URL）后重试" >&2; exit 1; }
	@touch $@

clean:
	rm -rf $(VENV) node_modules api/static/vendor
