# chainrule: `make help` lists what there is to make.
# The environment .venv is made when it is missing, when pyproject.toml has changed, or when another
# interpreter is asked for by name: make test PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Workarounds for old OpenBLAS builds, which would choose its kernel for it: not while we measure.
UNHELPED := env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE
version = $(shell { $(1) -c 'import sys; print(sys.version)'; } 2>/dev/null)

.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test test-all check mutate bench bench-quick bench-check bench-sets docs clean other-interpreter
.DEFAULT_GOAL := help

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s%s\n", $$1, $$2 }' Makefile

demo: $(VENV)/.train ## see what chainrule does
	$(BIN)/chainrule demo

test: $(VENV)/.test $(VENV)/.programs ## run the tests, the README's and the documentation's examples included
	$(BIN)/python -m pytest -n 2

test-all: $(VENV)/.test $(VENV)/.programs ## run the tests over full products and with more examples
	$(BIN)/python -m pytest -n 2 --full

check: $(VENV)/.dev ## format, lint, types and documentation
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html

mutate: $(VENV)/.test ## change the engine's arithmetic, one sign at a time, and see who notices
	$(BIN)/python -m tools.mutate

bench: $(VENV)/.bench ## time chainrule beside its peers, 15 minutes: FLAGS=--write for the README
	$(UNHELPED) $(BIN)/python -m benchmarks $(FLAGS)

bench-quick: $(VENV)/.bench ## the same in 2 minutes: less of everything
	$(UNHELPED) $(BIN)/python -m benchmarks --quick $(FLAGS)

bench-check: $(VENV)/.test ## ask check about known mistakes: FLAGS=--write for the README, --full
	$(BIN)/python -m benchmarks.check $(FLAGS)

bench-sets: $(VENV)/.bench ## eight real data sets, learned by scikit-learn and by us: FLAGS=--write
	$(UNHELPED) $(BIN)/python -m benchmarks.sets $(FLAGS)

docs: $(VENV)/.docs ## build the documentation into docs/_build/html
	$(BIN)/sphinx-build -W --keep-going -b html docs docs/_build/html

clean: ## remove the environment and everything built
	rm -rf $(VENV) build dist docs/_build docs/reference docs/mistakes/generated
	rm -rf .hypothesis .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- the environment: a stamp for each set of extras that pyproject.toml names ----

$(VENV)/.%: $(VENV)/pyvenv.cfg
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

# ---- programs that tests of pages and PDFs need: a browser, LaTeX, a reader of PDFs ----

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
	@[ -n "$(missing)" ] || touch $@

$(VENV)/pyvenv.cfg: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "chainrule needs Python 3.11 or later; name one: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || $(install-venv)
	$(PYTHON) -m venv --clear $(VENV)

# Debian keeps venv in a package of its own, named after the interpreter's version.
define install-venv
{ package=$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; \
  then echo "$(PYTHON) has no venv: installing $$package"; \
    { apt-get update -qq && apt-get install -y -qq "$$package"; } </dev/null; \
  else echo "$(PYTHON) has no venv; install it first (on Debian: apt-get install $$package)" >&2; \
    exit 1; fi; }
endef

# An interpreter that was asked for by name replaces the one that the environment was made with.
ifneq ($(origin PYTHON),file)
ifneq ($(call version,$(PYTHON)),$(call version,$(BIN)/python))
$(VENV)/pyvenv.cfg: other-interpreter
endif
endif
