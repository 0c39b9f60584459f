# Each target sets up what it needs in .venv by itself.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
DEMO := build/demo

.PHONY: demo test lint format bench clean

demo: .venv/core
	@mkdir -p $(DEMO)
	@$(BIN)/python examples/draw_pictures.py $(DEMO)/pictures
	@$(BIN)/diptych compare $(DEMO)/pictures -e palette -e random \
	    -q "orange sunset" -q "green forest" -q "white snow under a blue sky" -q "dark night" \
	    --image "$(DEMO)/pictures/sea/sea-3.png" -k 6 \
	    --store $(DEMO)/store.sqlite --json $(DEMO)/result.json --report $(DEMO)/report.html
	@echo
	@echo "The report is $(DEMO)/report.html: open it in a browser."
	@echo "With your own pictures and OpenAI's CLIP:"
	@echo "    . .venv/bin/activate"
	@echo "    pip install -c constraints.txt '.[clip]'"
	@echo "    diptych compare YOUR-FOLDER -e clip-ViT-L-14 -e palette -q 'a dog' --report report.html"

test: .venv/test
	$(BIN)/python -m pytest

lint: .venv/test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/test
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/hosted.py

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
