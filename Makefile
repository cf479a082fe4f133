# `make demo` and `make test` set up all they need: a virtual environment in .venv, the package built into
# it, and no more than the target asks for. A second run finds the stamps and skips the work.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PEERS := .venv-peers
RUNTIMES := .venv-runtimes
LIBRARIES := aeon sktime
SITE := .venv-docs
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
NATIVE := CMakeLists.txt pyproject.toml $(wildcard native/*/*)
# Changes when a module is added, moved or removed: an editable install knows those it was made with.
MODULES := $(VENV)/.modules-$(firstword $(shell find src -name '*.py' | LC_ALL=C sort | cksum))
CXX_SOURCES := $(wildcard native/*/*.h native/*/*.cpp)

# What the kernel is built with; `make ELMAN_REQUIRE_NATIVE=1 ...` turns a missing compiler into an error.
export ELMAN_REQUIRE_NATIVE

.PHONY: help demo test check format bench bench-quick accuracy accuracy-tuned accuracy-torch accuracy-libraries \
  learning learning-torch learning-linear benchmark-data parity runtimes adapters same-bits cluster proofs fuzz docs \
  figures clean

help:
	@echo "make demo        learn a rule that takes memory, then who is speaking; tables and pictures"
	@echo "make test        the test suite"
	@echo "make check       lint, formats, types"
	@echo "make format      put formats right"
	@echo "make parity      compare live with PyTorch (installs it in $(PEERS))"
	@echo "make runtimes    exported models in the runtimes they are for: tract, Node, a browser, Keras, C on small machines"
	@echo "make adapters    the adapters to aeon and sktime under these libraries' own checks (each installed in .venv-NAME)"
	@echo "make bench       time us beside PyTorch, JAX, ONNX Runtime and Keras; bench-quick for two minutes of it"
	@echo "make accuracy    test accuracy of the defaults on public data sets, over 10 seeds, beside linear models;"
	@echo "                 accuracy-tuned what tuning finds in 5 minutes each, accuracy-torch PyTorch's GRU,"
	@echo "                 accuracy-libraries networks of aeon and sktime beside the adapters"
	@echo "make learning    what each cell learns, over 10 seeds: rules on bits, digits pixel by pixel, sums, words;"
	@echo "                 learning-torch trains PyTorch the same way, learning-linear fits linear models"
	@echo "make benchmark-data  fetch the wheels with data of others that benchmarks read, and check their digests"
	@echo "make same-bits   whether a bit differs: OLD=main, and NEW=. (the files as they are) or a commit"
	@echo "make cluster     training on pools, Dask and MPI: every number of workers, every fault"
	@echo "make proofs      the long proofs: tanh of every float32, the kernel under sanitizers"
	@echo "make fuzz        damaged files for every reader: ARGS=\"--minutes 10 --readers ts npz\""
	@echo "make docs        the documentation as a site, in build/docs; every tutorial is run"
	@echo "make figures     rewrite the tables and the picture that a command makes"
	@echo "make clean       remove what the other targets made"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "elman needs Python 3.11 or later; name one with make PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP_INSTALL) --upgrade "pip>=25.1"

# The package, editable: Python files are read from src/, the kernel is rebuilt when native/ changes.
$(MODULES): $(BIN)/python
	@rm -f $(VENV)/.modules-*
	@touch $@

$(VENV)/.package: $(MODULES) $(NATIVE)
	@echo "Installing elman and building its kernel in $(VENV) (about a minute the first time)..."
	@$(BIN)/python $(PIP_INSTALL) --group build
	@$(BIN)/python $(PIP_INSTALL) --no-build-isolation --editable ".[plot]"
	@touch $@

$(VENV)/.test: $(VENV)/.package
	@$(BIN)/python $(PIP_INSTALL) --group test
	@touch $@

$(VENV)/.check: $(BIN)/python pyproject.toml
	@$(BIN)/python $(PIP_INSTALL) --group check
	@touch $@

demo: $(VENV)/.package
	$(BIN)/elman demo

test: $(VENV)/.test
	$(BIN)/python -m pytest -n auto $(ARGS)

check: $(VENV)/.check $(VENV)/.package
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run --Werror $(CXX_SOURCES)

format: $(VENV)/.check
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/clang-format -i $(CXX_SOURCES)

# PyTorch first and alone, pinned: a looser requirement pulls gigabytes of another build.
$(PEERS)/.torch: $(NATIVE)
	$(PYTHON) -m venv $(PEERS)
	@$(PEERS)/bin/python $(PIP_INSTALL) --upgrade "pip>=25.1"
	@echo "Installing PyTorch in $(PEERS)..."
	@$(PEERS)/bin/python $(PIP_INSTALL) torch==2.13.0
	@$(PEERS)/bin/python $(PIP_INSTALL) --group build --group test
	@$(PEERS)/bin/python $(PIP_INSTALL) --no-build-isolation --editable .
	@touch $@

$(PEERS)/.all: $(PEERS)/.torch
	@echo "Installing JAX, ONNX Runtime and Keras in $(PEERS)..."
	@$(PEERS)/bin/python $(PIP_INSTALL) --group bench
	@touch $@

parity: $(PEERS)/.torch
	$(PEERS)/bin/python -m pytest tests/parity $(ARGS)

# What exported models run in. Programs that pip does not have (a C compiler for ARM, qemu, Node, Chromium) are
# used where they are; ELMAN_REQUIRE_RUNTIMES=1 makes a missing one an error.
$(RUNTIMES)/.all: $(NATIVE)
	$(PYTHON) -m venv $(RUNTIMES)
	@$(RUNTIMES)/bin/python $(PIP_INSTALL) --upgrade "pip>=25.1"
	@echo "Installing other runtimes in $(RUNTIMES)..."
	@$(RUNTIMES)/bin/python $(PIP_INSTALL) --group build --group test --group runtimes
	@$(RUNTIMES)/bin/python $(PIP_INSTALL) --no-build-isolation --editable .
	@if command -v npm > /dev/null; then \
	  npm install --silent --no-audit --no-fund --ignore-scripts --prefix $(RUNTIMES) onnxruntime-web@1.30.0 onnxruntime-node@1.30.0; fi
	@touch $@

runtimes: $(RUNTIMES)/.all
	$(RUNTIMES)/bin/python -m pytest tests/runtimes $(ARGS)

# Each library has an environment of its own: they do not agree with each other, nor always with the newest
# numpy, pandas and scikit-learn.
$(LIBRARIES:%=.venv-%/.library): .venv-%/.library: $(MODULES) $(NATIVE)
	@$(PYTHON) -m venv .venv-$*
	@.venv-$*/bin/python $(PIP_INSTALL) --upgrade "pip>=25.1"
	@echo "Installing $* in .venv-$*..."
	@.venv-$*/bin/python $(PIP_INSTALL) --group build --group adapters
	@.venv-$*/bin/python $(PIP_INSTALL) --no-build-isolation --editable ".[$*]"
	@touch $@

adapters: $(LIBRARIES:%=.venv-%/.library)
	@for library in $(LIBRARIES); do \
	  echo "$$library:"; \
	  .venv-$$library/bin/python -m pytest tests/adapters/test_both.py tests/adapters/test_page.py \
	    tests/adapters/test_$$library.py $(ARGS) || exit 1; \
	done

# What the networks of each library are made with.
sktime_NETWORKS := torch==2.13.0
aeon_NETWORKS := tensorflow-cpu==2.21.0
$(LIBRARIES:%=.venv-%/.networks): .venv-%/.networks: .venv-%/.library
	@echo "Installing $($*_NETWORKS) in .venv-$*..."
	@.venv-$*/bin/python $(PIP_INSTALL) $($*_NETWORKS)
	@touch $@

accuracy-libraries: $(LIBRARIES:%=.venv-%/.networks)
	OMP_NUM_THREADS=1 .venv-sktime/bin/python -m benchmarks.accuracy --library sktime $(ARGS)
	OMP_NUM_THREADS=1 TF_CPP_MIN_LOG_LEVEL=2 .venv-aeon/bin/python -m benchmarks.accuracy --library aeon $(ARGS)

bench: $(PEERS)/.all
	$(PEERS)/bin/python -m benchmarks $(ARGS)

bench-quick: $(PEERS)/.all
	$(PEERS)/bin/python -m benchmarks --quick $(ARGS)

accuracy: $(VENV)/.test
	$(BIN)/python -m benchmarks.accuracy $(ARGS)

accuracy-tuned: $(VENV)/.test
	$(BIN)/python -m benchmarks.accuracy --tuned $(ARGS)

accuracy-torch: $(PEERS)/.torch
	OMP_NUM_THREADS=1 $(PEERS)/bin/python -m benchmarks.accuracy --torch $(ARGS)

learning: $(VENV)/.test
	$(BIN)/python -m benchmarks.learning $(ARGS)

learning-torch: $(PEERS)/.torch
	OMP_NUM_THREADS=1 $(PEERS)/bin/python -m benchmarks.learning --torch $(ARGS)

learning-linear: $(VENV)/.test
	$(BIN)/python -m benchmarks.learning --linear $(ARGS)

benchmark-data: $(VENV)/.package
	$(BIN)/python -m benchmarks.wheels

OLD ?= main
NEW ?= .
same-bits: $(VENV)/.test
	$(BIN)/python -m benchmarks.same_bits $(OLD) $(NEW) $(ARGS)

cluster: $(VENV)/.test
	$(BIN)/python -m pytest tests/distributed -m "not sanitize" $(ARGS)

proofs: $(VENV)/.test
	$(BIN)/python -m pytest tests/proofs -s $(ARGS)
	$(BIN)/python -m pytest tests/backends/test_native_unit.py -m sanitize

fuzz: $(VENV)/.test
	$(BIN)/python tests/proofs/fuzz_readers.py $(ARGS)

# Sphinx and what it needs, over the packages of $(VENV), elman among them: tutorials and docstrings are
# those of the package that the tests run.
SITE_PACKAGES := -c 'import sysconfig; print(sysconfig.get_path("purelib"))'
$(SITE)/.tools: $(VENV)/.test
	@echo "Installing Sphinx in $(SITE)..."
	@$(PYTHON) -m venv $(SITE)
	@echo "import site; site.addsitedir('$$($(BIN)/python $(SITE_PACKAGES))')" \
	  > "$$($(SITE)/bin/python $(SITE_PACKAGES))/elman-packages.pth"
	@$(SITE)/bin/python $(PIP_INSTALL) --upgrade "pip>=25.1"
	@$(SITE)/bin/python $(PIP_INSTALL) --group docs
	@touch $@

docs: $(SITE)/.tools
	@$(SITE)/bin/python -m sphinx -W -n --keep-going -q -a -d build/docs-pages docs build/docs $(ARGS)
	@echo "Open build/docs/index.html"

figures: $(VENV)/.test
	$(BIN)/python docs/front_picture.py
	$(BIN)/python docs/explanation/the_seed_gradient.py
	$(BIN)/python -m benchmarks.tables
	$(BIN)/python -m benchmarks.picture
	$(BIN)/python -m benchmarks.scale.picture

clean:
	rm -rf $(VENV) $(PEERS) $(RUNTIMES) $(LIBRARIES:%=.venv-%) $(SITE) build dist docs/generated elman-demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
