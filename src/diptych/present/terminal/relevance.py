"""What judgments say, in the terminal: the metrics, who is better, where to cut, and what to know of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.cells import cell_len
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from diptych.evaluation.abstention import Abstention
from diptych.evaluation.metrics.figures import DECIDES, metric_names
from diptych.evaluation.sentences import percent
from diptych.evaluation.significance import PairedComparison
from diptych.present.html.curves import letter
from diptych.present.html.relevance import BEHIND, decisive, which_scale
from diptych.present.terminal.names import shorten_all
from diptych.present.terminal.verdict import who
from diptych.result import OnScale, Relevance
from diptych.text import count, printable
from diptych.thresholds.threshold import Threshold

_NOTHING_JUDGED = (
    "None of these queries has judgments, so no figure is defined. `diptych judge` asks you; --labels and"
    " --judgments take what is known."
)
_LOSSES = (
    "Expected: means over queries, each cut at the threshold learned on the others; so is the F1, 1 less the"
    " two losses, which is not that of the mean precision and recall. The threshold loss is lost to one"
    " cut-off for all, the ranking loss to order."
)
_MOST = 10
_A_FIGURE = 6
_THRESHOLDS = "One threshold for all queries, the best by F1"
_LOSS: tuple[str, ...] = ("ranking loss", "threshold loss")
_OF_ONE: tuple[str, ...] = ("threshold", "F1", "expected precision", "expected recall")
_COLUMNS: dict[bool, tuple[tuple[str, ...], ...]] = {False: ((*_OF_ONE, *_LOSS),), True: (_OF_ONE, _LOSS)}
"""The columns of the table of thresholds; in a narrow terminal there are two tables."""
_ALL_THRESHOLDS = 108
_CONFIDENCES = {"highest": "its highest score", "spread": "the spread", "lead": "the first's lead"}


def relevance_part(
    relevance: Relevance, names: Sequence[str], width: int, *, full: bool
) -> Iterator[RenderableType]:
    """What judgments say; the verdicts stand among the findings.

    Args:
        relevance: What judgments say.
        names: The embedders' names.
        width: How wide the terminal is.
        full: Whether to give every figure, or the means alone.
    """
    notes = [Text(f"Note: {printable(note)}") for note in relevance.notes]
    if not any(query.relevant + query.irrelevant for query in relevance.queries):
        yield from (Text(_NOTHING_JUDGED, "bold"), *notes)
        return
    yield from _metrics(relevance, names, "Means over the queries", width, more=False)
    if full:
        yield from _each_query(relevance, names, width)
        yield from _differences(relevance, names)
        yield from _found(relevance, names)
        yield from _thresholds(relevance, names, width)
        yield from _contradictions(relevance)
        yield from _more(relevance, names, width)
    yield from notes


def _table(title: str, *headings: str | Text) -> Table:
    table = Table(
        title=Text(title, "italic") if title else None,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
    )
    table.add_column(headings[0])
    for heading in headings[1:]:
        table.add_column(heading, justify="right", no_wrap=heading == "interval")
    return table


def _beside(names: Sequence[str], fusions: Sequence[str], width: int) -> Iterator[tuple[str, ...]]:
    """The embedders and fusions in groups that stand side by side in so many columns."""
    group: list[str] = []
    left = width
    needed = dict.fromkeys(names, _A_FIGURE) | {name: max(_A_FIGURE, len(name)) for name in fusions}
    for name, cells in needed.items():
        needs = cells + 2
        if group and needs > left:
            yield tuple(group)
            group, left = [], width
        group.append(name)
        left -= needs
    yield tuple(group)


def _headings(some: Sequence[str], names: Sequence[str]) -> list[str | Text]:
    return [who(names.index(name)) if name in names else name for name in some]


def _each_query(relevance: Relevance, names: Sequence[str], width: int) -> Iterator[RenderableType]:
    title = f"Each query: {metric_names(relevance.k)[DECIDES]}"
    asked = shorten_all((query.query for query in relevance.queries), max(12, width // 4))
    longest = max(cell_len(shown) for shown in asked.values())
    for some in _beside(names, relevance.fusions, width - longest - 11):
        table = _table(title, "query", "relevant", *_headings(some, names))
        for query in relevance.queries:
            best = max(
                (value for name in names if (value := decisive(query, name)) is not None), default=None
            )
            cells = []
            for name in some:
                value = decisive(query, name)
                bold = bool(value) and value == best and name in names
                cells.append(Text(_figure(value), "bold" if bold else ""))
            table.add_row(Text(asked[query.query]), f"{query.relevant:,}", *cells)
        yield from (table, Text(""))


def _metrics(
    relevance: Relevance, names: Sequence[str], title: str, width: int, *, more: bool
) -> Iterator[RenderableType]:
    fields = {
        field: called
        for field, called in metric_names(relevance.k).items()
        if (field in BEHIND) == more and field in relevance.means[names[0]]
    }
    longest = max(map(len, fields.values()), default=0)
    for some in _beside(names, relevance.fusions, width - longest - 11):
        table = _table(title, "metric", "queries", *_headings(some, names))
        for field, called in fields.items():
            means = [relevance.means[name][field] for name in some]
            bold = "bold" if field == DECIDES else ""
            table.add_row(
                called, f"{means[0].queries:,}", *(_figure(mean.value) for mean in means), style=bold
            )
        yield from (table, Text(""))
    undefined: dict[str, list[str]] = {}
    for field, called in fields.items():
        mean = relevance.means[names[0]][field]
        if mean.value is None:
            undefined.setdefault("; ".join(mean.undefined), []).append(called)
    for why, called_so in undefined.items():
        yield Text(printable(f"Undefined: {', '.join(called_so)}: {why}."))


def _differences(relevance: Relevance, names: Sequence[str]) -> Iterator[RenderableType]:
    """Of two embedders by every metric, of more by the one that decides."""
    decides = metric_names(relevance.k)[DECIDES]
    behind = {metric_names(relevance.k)[field] for field in BEHIND}
    compared = relevance.comparisons if len(names) == 2 else relevance.decisive
    shown = [each for each in compared if each.metric not in behind]
    if not shown:
        return
    pairs = "" if len(names) == 2 else f", by {decides}"
    headings = ["", "difference", "interval", "better, equal, worse", "p"]
    table = _table(f"Who ranks better{pairs}", *headings, *(["p (Holm)"] if pairs else []))
    for each in shown:
        a, b = (letter(names.index(name)) for name in (each.a, each.b))
        what = f"{a} − {b}" if pairs else f"{each.metric}, {a} − {b}"
        bold = "bold" if each in relevance.decisive and not pairs else ""
        table.add_row(what, *_difference(each), *([_p(each.p_holm)] if pairs else []), style=bold)
    yield from (table, Text(""))
    undefined = {
        each.undefined[field]
        for each in shown
        for field in ("difference", "interval", "p")
        if each.metric == decides and field in each.undefined
    }
    for why in sorted(undefined):
        yield Text(f"Where a figure is –, {printable(why)}.")


def _within(interval: tuple[float, float], confidence: float) -> str:
    return f"{interval[0]:+.3f} to {interval[1]:+.3f} ({percent(confidence)})"


def _difference(each: PairedComparison) -> list[str]:
    return [
        "–" if each.difference is None else f"{each.difference:+.3f}",
        "–" if each.interval is None else _within(each.interval, each.confidence),
        f"{each.wins:,}–{each.ties:,}–{each.losses:,}",
        _p(each.p),
    ]


def _found(relevance: Relevance, names: Sequence[str]) -> Iterator[Text]:
    found = relevance.complementarity
    for pair in found.pairs:
        a, b = (letter(names.index(name)) for name in (pair.a, pair.b))
        first = f"are among the first {relevance.k} of"
        yield Text(
            f"Of {count(found.relevant, 'relevant picture')}, {pair.both:,} {first} both {a} and {b},"
            f" {pair.a_only:,} of {a} only, {pair.b_only:,} of {b} only, {pair.neither:,} of neither."
        )
    if found.union_recall is not None and len(names) > 1:
        yield Text(f"Together they have {found.union_recall:.0%}: the ceiling for any fusion.")
    yield Text("")


def _thresholds(relevance: Relevance, names: Sequence[str], width: int) -> Iterator[RenderableType]:
    for number, columns in enumerate(_COLUMNS[width < _ALL_THRESHOLDS]):
        table = _table("" if number else _THRESHOLDS, "", "scale", *columns)
        for index, name in enumerate(names):
            found = relevance.thresholds[name]
            raw = _on_scale(found.raw)
            table.add_row(who(index), "score", *(raw[column] for column in columns))
            if found.z is not None:
                z = _on_scale(found.z)
                table.add_row("", "z", *(z[column] for column in columns))
        yield from (table, Text(""))
    for index, name in enumerate(names):
        found = relevance.thresholds[name]
        if found.z is None:
            yield Text(f"{letter(index)} has no z: {printable(found.why_no_z or 'not said')}.")
        yield from (Text(f"{letter(index)}: {why}.") for why in _reasons(found.raw))
        if (sentence := which_scale(found)) is not None:
            yield Text(f"{letter(index)}: {sentence}")
    yield from (Text(_LOSSES, "dim"), Text(""))


def _on_scale(scale: OnScale) -> dict[str, str]:
    best, transfer = scale.best_f1, scale.transfer
    return {
        "threshold": "–" if best.value is None else f"{best.value:.4g}",
        "F1": _figure(best.f1),
        "expected precision": _share(best, "precision"),
        "expected recall": _share(best, "recall"),
        "ranking loss": _figure(transfer.ranking_loss),
        "threshold loss": _figure(transfer.threshold_loss),
    }


def _reasons(scale: OnScale) -> list[str]:
    return sorted(
        {printable(why) for part in (scale.best_f1, scale.transfer) for why in part.undefined.values()}
    )


def _share(best: Threshold, field: str) -> str:
    """What is expected over queries; in files made before that was, the share of the judgments."""
    of = best if best.expected is None else best.expected
    value, interval = getattr(of, field), getattr(of, f"{field}_interval")
    if value is None:
        return "–"
    return f"{value:.2f}{'' if interval is None else f' ({interval[0]:.2f} to {interval[1]:.2f})'}"


def _more(relevance: Relevance, names: Sequence[str], width: int) -> Iterator[RenderableType]:
    """Figures that few readers know."""
    yield from _metrics(relevance, names, "More figures", width, more=True)
    for pair in relevance.decisive:
        if pair.effect is not None:
            a, b = (letter(names.index(name)) for name in (pair.a, pair.b))
            yield Text(f"Effect size d_z of {pair.metric}, {a} − {b}: {pair.effect:+.2f}")
    for index, name in enumerate(names):
        confident = _confident(relevance.abstention[name])
        yield Text(f"Are {letter(index)}'s confident queries its good ones? {confident}")


def _confident(found: Abstention) -> str:
    said = [words for field in _CONFIDENCES if (words := _nauc(found, field)) is not None]
    if not said:
        return f"Cannot tell: {printable('; '.join(dict.fromkeys(found.undefined.values())))}."
    return f"nAUC {', '.join(said)} (1 is perfectly, 0 not at all)."


def _nauc(found: Abstention, field: str) -> str | None:
    value, interval = getattr(found, field), getattr(found, f"{field}_interval")
    if value is None:
        return None
    around = "" if interval is None else f" ({interval[0]:.2f} to {interval[1]:.2f})"
    return f"{value:.2f}{around} by {_CONFIDENCES[field]}"


def _contradictions(relevance: Relevance) -> Iterator[Text]:
    if relevance.contradictions:
        yield Text(f"{count(len(relevance.contradictions), 'contradiction')}; the last word counts:")
    for each in relevance.contradictions[:_MOST]:
        said = ", then ".join(f"{judge.grade}{f' ({judge.by})' if judge.by else ''}" for judge in each.said)
        yield Text(printable(f"  {each.image} for “{each.query}”: {said}"))


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _p(value: float | None) -> str:
    return "–" if value is None else f"{value:.2g}"
