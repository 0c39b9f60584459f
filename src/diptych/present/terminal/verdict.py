"""The answers over all queries, which a person reads first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from diptych.analysis.summary import NO_PROOF
from diptych.embedders.base import real_models
from diptych.present.html.curves import letter
from diptych.present.terminal.columns import letter_style
from diptych.present.terminal.names import shorten_all
from diptych.result import Comparison, Finding
from diptych.text import count, printable

_QUESTIONS = {
    "better": "Is one better?",
    "alike": "Do they rank alike?",
    "break": "Does a list break?",
}
"""In the order of what is asked first."""

_NARROW = 72
"""Columns below which an answer stands below its question."""

_NAME = 30
"""Cells of an embedder's name within a sentence on a terminal."""

_ASK = " `diptych judge` asks you."


def who(index: int) -> Text:
    """An embedder's letter in its colour."""
    return Text(letter(index), letter_style(index))


def verdict(comparison: Comparison, console: Console, *, full: bool) -> Iterator[RenderableType]:
    """What was compared, and the answers to the questions; elsewhere than on a terminal each in a line.

    Args:
        comparison: The comparison.
        console: Where it is shown.
        full: Whether to give every answer in all its sentences; otherwise what holds between real models.
    """
    names = [info.name for info in comparison.embedders]
    short = shorten_all(names, _NAME if console.is_terminal else 10_000)
    yield from _about(comparison)
    yield from _legend(comparison, console.width)
    yield Text("")
    answers = _answers(comparison, full=full)
    if console.is_terminal:
        yield _grid(answers, names, short, narrow=console.width < _NARROW)
    else:
        yield from (Text(printable(str(answer))) for answer in answers)
    yield Text("")


def _about(comparison: Comparison) -> Iterator[Text]:
    queries = comparison.queries
    asked = f"“{queries[0].query}”" if len(queries) == 1 else f"{len(queries):,} queries"
    about = f"{count(comparison.images, 'picture')} of {comparison.source}, {asked}"
    yield Text(printable(about), "bold")
    relevance = comparison.relevance
    if relevance is not None:
        judged = sum(query.relevant + query.irrelevant > 0 for query in relevance.queries)
        relevant = sum(query.relevant for query in relevance.queries)
        yield Text(
            printable(
                f"Judged by {relevance.origin}: {count(judged, 'query', 'queries')},"
                f" {count(relevant, 'relevant picture')}"
            )
        )


def _legend(comparison: Comparison, width: int) -> Iterator[Text]:
    """Whose letter is whose; in a line where there is room."""
    each = []
    for index, info in enumerate(comparison.embedders):
        floor = " (baseline, to be beaten)" if info.floor else ""
        each.append(
            Text("  ").append_text(who(index)).append(f"  {printable(info.name)}").append(floor, "dim")
        )
    line = Text("  ").join(each)
    yield from [line] if line.cell_len <= width else each


def _answers(comparison: Comparison, *, full: bool) -> list[Finding]:
    """The findings in the order of the questions."""
    order = [*_QUESTIONS, None]
    findings = sorted(comparison.overall.findings, key=lambda finding: order.index(finding.question))
    if full:
        return findings
    real = set(real_models(comparison.embedders))
    if len(real) == 1:
        real = {info.name for info in comparison.embedders}
    return [_brief(f) for f in findings if real.issuperset(f.about) and not _compares_falls(f)]


def _compares_falls(finding: Finding) -> bool:
    return finding.question == "break" and len(finding.about) > 1


def _brief(finding: Finding) -> Finding:
    """The answer without what explains it."""
    text = finding.text
    if finding.question == "alike":
        text = re.split(r"(?<=\.) (?=[A-Z])", text, maxsplit=1)[0]
    if finding.question == "better" and text.endswith(NO_PROOF):
        text = text.removesuffix(f" {NO_PROOF}") + _ASK
    return Finding(finding.question, finding.about, text)


def _grid(
    answers: Sequence[Finding], names: Sequence[str], short: dict[str, str], *, narrow: bool
) -> RenderableType:
    """Question by question; where there is no room beside a question its answers stand below it."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    for question, said in groupby(answers, key=lambda finding: finding.question):
        asked = Text(_QUESTIONS.get(question or "", ""), "bold", no_wrap=True)
        told = Table.grid(padding=(0, 2, 0, 0))
        for finding in said:
            letters = Text(" ").join(who(names.index(name)) for name in finding.about)
            letters.no_wrap = True
            text = Text(printable(_shortened(finding.text, short)))
            told.add_row(*([letters, text] if finding.about else [text]))
        if narrow:
            grid.add_row(asked)
            grid.add_row(Padding(told, (0, 0, 0, 2)))
        else:
            grid.add_row(asked, told)
    return grid


def _shortened(text: str, short: dict[str, str]) -> str:
    """A sentence with embedders' names as short as they are shown."""
    longest_first = sorted((name for name in short if name in text), key=len, reverse=True)
    if not longest_first:
        return text
    return re.sub("|".join(map(re.escape, longest_first)), lambda found: short[found[0]], text)
