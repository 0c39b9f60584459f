"""Make the notebooks from their sources and run them, offline: `python notebooks/make.py [NAME …]`.

A source is a Python file. `# %%` begins a cell of code and `# %% [markdown]` one of text; `# @title` and
`# @param` become Colab's form fields. BADGE and INSTALL_FROM are filled in here.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode, v4

HERE = Path(__file__).parent
SOURCES = sorted(path for path in HERE.glob("*.py") if path != Path(__file__))
SECONDS_A_CELL = 300

OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "OMP_NUM_THREADS": "2"}
ACCOUNTS = (
    "DIPTYCH_CONTACT",
    "GOOGLE_CLOUD_PROJECT",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "VERTEX_ACCESS_TOKEN",
)


def build(source: Path) -> NotebookNode:
    """A notebook without outputs."""
    repository = _repository()
    install_from = f"git+{repository}" if repository else ""
    text = source.read_text(encoding="utf-8")
    text = text.replace("# BADGE", f"# {_badge(source.stem, repository)}")
    text = text.replace("INSTALL_FROM", install_from)
    cells = []
    for number, part in enumerate(re.split(r"^# %%", text, flags=re.MULTILINE)[1:], start=1):
        kind, _, body = part.partition("\n")
        cell = _text(body) if kind.strip() == "[markdown]" else _code(body)
        cell.id = f"cell-{number}"
        cells.append(cell)
    metadata = {
        "colab": {"provenance": [], "toc_visible": True},
        "accelerator": "GPU",
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return v4.new_notebook(cells=cells, metadata=metadata)


def _text(body: str) -> NotebookNode:
    lines = (line.removeprefix("#").removeprefix(" ") for line in body.strip().splitlines())
    return v4.new_markdown_cell("\n".join(lines))


def _code(body: str) -> NotebookNode:
    code = re.sub(r"^# @(title|markdown)", r"#@\1", body.strip(), flags=re.MULTILINE)
    code = code.replace("  # @param", "  #@param")
    metadata = {"cellView": "form"} if code.startswith("#@title") else {}
    return v4.new_code_cell(code, metadata=metadata)


def _repository() -> str:
    """Where the project is on GitHub, once pyproject.toml says so."""
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project.get("urls", {}).get("Repository", ""))


def _badge(name: str, repository: str) -> str:
    """Colab's badge; until the project has an address it opens Colab's search on GitHub."""
    place = repository.removeprefix("https://github.com/")
    path = f"{place}/blob/main/notebooks/{name}.ipynb" if place else ""
    image = "![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)"
    return f"[{image}](https://colab.research.google.com/github/{path})"


def run(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """The notebook with its outputs, as it comes out without network or account.

    Args:
        notebook: What to run; it is changed.
        folder: Where it runs, with a store and a cache of its own.
    """
    with _offline(folder):
        client = NotebookClient(
            notebook,
            timeout=SECONDS_A_CELL,
            kernel_name="python3",
            resources={"metadata": {"path": str(folder)}},
            allow_errors=True,
            coalesce_streams=True,
        )
        client.execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    return notebook


@contextlib.contextmanager
def _offline(folder: Path) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(OFFLINE)
    os.environ.update(DIPTYCH_STORE=str(folder / "store.sqlite"), DIPTYCH_CACHE=str(folder / "cache"))
    for name in ACCOUNTS:
        os.environ.pop(name, None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def problems(notebook: NotebookNode) -> list[str]:
    """What is wrong with a run: cells that failed, complained, or show nothing."""
    found = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        begin = cell.source.splitlines()[0]
        for output in cell.outputs:
            if output.output_type == "error":
                found.append(f"{begin}: {output.ename}: {output.evalue}")
            elif output.output_type == "stream" and output.name == "stderr":
                found.append(f"{begin}: {output.text.strip()}")
        if not any(_words(output).strip() for output in cell.outputs):
            found.append(f"{begin}: no output")
    return found


def _words(output: NotebookNode) -> str:
    data = output.get("data", {})
    return str(output.get("text") or data.get("text/html") or data.get("text/plain") or "")


def main() -> None:
    """Make those that are named, or all."""
    for source in [HERE / f"{Path(name).stem}.py" for name in sys.argv[1:]] or SOURCES:
        with tempfile.TemporaryDirectory() as folder:
            notebook = run(build(source), Path(folder))
        if found := problems(notebook):
            raise SystemExit("\n".join([f"{source.name} does not run:", *found]))
        nbformat.write(notebook, source.with_suffix(".ipynb"))
        print(f"{source.stem}.ipynb: {source.with_suffix('.ipynb').stat().st_size / 1024:.0f} kB")


if __name__ == "__main__":
    main()
