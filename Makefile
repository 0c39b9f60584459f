# Each target sets up what it needs in .venv by itself.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
DEMO := build/demo

.PHONY: demo test test-lowest lint format docs screenshots notebooks bench attack sizes models release real clean

demo: .venv/core
	@mkdir -p $(DEMO)
	@$(BIN)/diptych compare sample -e mini-s -e mini-b -e palette -k 8 --store $(DEMO)/store.sqlite --json $(DEMO)/result.json --report $(DEMO)/report.html --quiet
	@echo "Report: $(DEMO)/report.html    JSON: $(DEMO)/result.json"
	@echo "On a page, to ask and to judge: $(BIN)/diptych serve sample -e mini-s -e mini-b -e palette"

# Modules are compiled once, not anew in each of the hundreds of processes that tests start, whatever the machine says.
test test-lowest: export PYTHONDONTWRITEBYTECODE =

test: .venv/test
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

# The lowest versions that pyproject.toml allows, of core and of what is not large; torch's are not tried.
LIGHT := onnx vertex bedrock heif pandas plots
test-lowest: build/lowest/ready
	build/lowest/bin/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

lint: .venv/test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/check_words.py

format: .venv/test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The documents as a site in build/site; a link that leads nowhere is an error.
docs: export NO_MKDOCS_2_WARNING = 1
docs: .venv/test
	$(BIN)/mkdocs build --strict --quiet
	@echo "The site is build/site: open build/site/index.html, or python -m http.server --directory build/site to search it."

# What Diptych looks like, for the README and the documents; about a minute. Needs a Chromium on PATH.
screenshots: .venv/test
	$(BIN)/python docs/make_screenshots.py

# The notebooks from their sources, run offline; the outputs in the repository come from here.
notebooks: .venv/test
	$(BIN)/python notebooks/make.py

# About a quarter of an hour on two cores that do nothing else; makes models and pictures under build/bench first.
bench: .venv/bench
	$(BIN)/python benchmarks/run.py

# Fuzzers, hostile services and clients, 200 kills: ten minutes on two cores, nothing leaves this machine. Not in CI.
# With DIPTYCH_CORPORA, a folder of public projects' test pictures, these too.
attack: .venv/test
	$(BIN)/python attacks/run.py --write

# What core, each extra and all take on disk, into docs/install.md.
sizes: .venv/test
	$(BIN)/python maintenance/install_sizes.py docs/install.md

# make release VERSION=0.2.0, and first with DRY=1: maintenance/release.py says what it does.
release: .venv/test
	$(BIN)/python maintenance/release.py $(VERSION) $(if $(DRY),--dry-run)

# Against reality, for a person with a network, and accounts where hosted services are to be asked; never in CI.
real: .venv/test
	$(BIN)/python maintenance/real.py docs/verified.md

# The built-in models and the sample anew: about an hour on two cores. Needs Debian's fonts-noto-color-emoji.
models: export OMP_WAIT_POLICY = passive
models: .venv/test
	$(BIN)/python training/train.py mini-s
	$(BIN)/python training/train.py mini-b
	$(BIN)/python training/draw_sample.py
	$(BIN)/python training/evaluate.py

clean:
	rm -rf .venv build

.venv/core: pyproject.toml
	$(PYTHON) -m venv .venv
	$(PIP) --editable .
	@touch $@

.venv/test: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) --editable '.[test]'
	@touch .venv/core $@

build/lowest/ready: pyproject.toml
	$(PYTHON) -m venv build/lowest
	build/lowest/bin/python -m pip install --quiet --disable-pip-version-check uv
	build/lowest/bin/uv pip install --quiet --python build/lowest/bin/python --resolution lowest-direct \
	    $(LIGHT:%=--extra %) --extra test-light -r pyproject.toml
	build/lowest/bin/uv pip install --quiet --python build/lowest/bin/python --no-deps --editable .
	@touch $@

.venv/bench: .venv/test
	$(PIP) --editable '.[bench]'
	@touch $@
