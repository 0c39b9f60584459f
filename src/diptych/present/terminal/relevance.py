"""What judgments say, in the terminal: the metrics, who is better, where to cut, and what to know of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from diptych.evaluation.abstention import Abstention
from diptych.evaluation.metrics.figures import DECIDES, metric_names
from diptych.evaluation.sentences import percent
from diptych.evaluation.significance import PairedComparison
from diptych.present.html.curves import letter
from diptych.present.html.relevance import BEHIND, decisive, which_scale
from diptych.result import OnScale, Relevance
from diptych.text import count, printable
from diptych.thresholds.threshold import Threshold

LETTER_STYLES = ("cyan", "red", "blue", "yellow")
"""One colour an embedder, always the same; the letters A, B, C say the same without colour."""

_NOTHING_JUDGED = (
    "Nothing that was asked is judged, so every figure is undefined. `diptych judge` asks you; --labels and"
    " --judgments take what is known."
)
_LOSSES = (
    "Expected: the mean over queries, each cut at the threshold learned on the others. Of an F1 of 1, the"
    " threshold loss is lost to one cut-off for all, the ranking loss to order."
)
_MOST = 10
_CONFIDENCES = {"highest": "its highest score", "spread": "the spread", "lead": "the first's lead"}


def relevance_part(relevance: Relevance, names: Sequence[str]) -> RenderableType:
    """All that judgments say; the verdicts stand among the findings."""
    notes = [Text(f"Note: {printable(note)}") for note in relevance.notes]
    judged = [query for query in relevance.queries if query.relevant + query.irrelevant]
    if not judged:
        return Group(Text(_NOTHING_JUDGED, "bold"), *notes)
    relevant = sum(query.relevant for query in relevance.queries)
    head = (
        f"Judged by {relevance.origin}: {count(len(judged), 'query', 'queries')},"
        f" {count(relevant, 'relevant picture')}"
    )
    return Group(
        Text(printable(head), "bold"),
        *(Text("  ").append(_who(index)).append(f" {printable(name)}") for index, name in enumerate(names)),
        _each_query(relevance, names),
        _metrics(relevance, names, "Means over the queries", more=False),
        *_differences(relevance, names),
        *_found(relevance, names),
        _thresholds(relevance, names),
        *_contradictions(relevance),
        *_more(relevance, names),
        *notes,
    )


def _table(title: str, *headings: str | Text) -> Table:
    table = Table(title=Text(title, "italic"), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(headings[0])
    for heading in headings[1:]:
        table.add_column(heading, justify="right")
    return table


def _who(index: int) -> Text:
    return Text(letter(index), LETTER_STYLES[index % len(LETTER_STYLES)])


def _each_query(relevance: Relevance, names: Sequence[str]) -> Table:
    title = f"Each query: {metric_names(relevance.k)[DECIDES]}"
    whose = (_who(index) for index in range(len(names)))
    table = _table(title, "query", "relevant", *whose, *relevance.fusions)
    for query in relevance.queries:
        values = [decisive(query, name) for name in (*names, *relevance.fusions)]
        best = max((value for value in values[: len(names)] if value is not None), default=None)
        cells = (Text(_figure(value), "bold" if value == best and value else "") for value in values)
        table.add_row(Text(printable(query.query)), str(query.relevant), *cells)
    return table


def _metrics(relevance: Relevance, names: Sequence[str], title: str, *, more: bool) -> RenderableType:
    whose = (_who(index) for index in range(len(names)))
    table = _table(title, "metric", "queries", *whose, *relevance.fusions)
    undefined: dict[str, list[str]] = {}
    for field, called in metric_names(relevance.k).items():
        if (field in BEHIND) != more or field not in relevance.means[names[0]]:
            continue
        means = [relevance.means[name][field] for name in (*names, *relevance.fusions)]
        table.add_row(called, str(means[0].queries), *(_figure(mean.value) for mean in means))
        if means[0].value is None:
            undefined.setdefault("; ".join(means[0].undefined), []).append(called)
    lines = (f"Undefined: {', '.join(called)}: {why}." for why, called in undefined.items())
    return Group(table, *(Text(printable(line)) for line in lines))


def _differences(relevance: Relevance, names: Sequence[str]) -> Iterator[RenderableType]:
    """Of two embedders by every metric, of more by the one that decides."""
    decides = metric_names(relevance.k)[DECIDES]
    behind = {metric_names(relevance.k)[field] for field in BEHIND}
    compared = relevance.comparisons if len(names) == 2 else relevance.decisive
    shown = [each for each in compared if each.metric not in behind]
    if not shown:
        return
    pairs = "" if len(names) == 2 else f", by {decides}"
    headings = ["", "difference", "interval", "better–equal–worse", "p"]
    table = _table(f"Who ranks better{pairs}", *headings, *(["p (Holm)"] if pairs else []))
    for each in shown:
        a, b = (letter(names.index(name)) for name in (each.a, each.b))
        what = f"{a} − {b}" if pairs else f"{each.metric}, {a} − {b}"
        bold = "bold" if each.metric == decides and not pairs else ""
        table.add_row(what, *_difference(each), *([_p(each.p_holm)] if pairs else []), style=bold)
    yield table
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
        f"{each.wins}–{each.ties}–{each.losses}",
        _p(each.p),
    ]


def _found(relevance: Relevance, names: Sequence[str]) -> Iterator[Text]:
    found = relevance.complementarity
    for pair in found.pairs:
        a, b = (letter(names.index(name)) for name in (pair.a, pair.b))
        first = f"are among the first {relevance.k} of"
        yield Text(
            f"Of {count(found.relevant, 'relevant picture')}, {pair.both} {first} both {a} and {b},"
            f" {pair.a_only} of {a} only, {pair.b_only} of {b} only, {pair.neither} of neither."
        )
    if found.union_recall is not None and len(names) > 1:
        yield Text(f"Together they have {found.union_recall:.0%}: the most that fusing could bring.")


def _thresholds(relevance: Relevance, names: Sequence[str]) -> RenderableType:
    headings = (
        "scale", "threshold", "F1", "expected precision", "expected recall", "ranking loss", "threshold loss",
    )  # fmt: skip
    table = _table("One threshold for all queries, the best by F1", "", *headings)
    lines = []
    for index, name in enumerate(names):
        thresholds = relevance.thresholds[name]
        table.add_row(_who(index), "score", *_on_scale(thresholds.raw))
        if thresholds.z is not None:
            table.add_row("", "z", *_on_scale(thresholds.z))
        else:
            lines.append(Text(f"{letter(index)} has no z: {printable(thresholds.why_no_z or 'not said')}."))
        lines += [Text(f"{letter(index)}: {why}.") for why in _reasons(thresholds.raw)]
        if (sentence := which_scale(thresholds)) is not None:
            lines.append(Text(f"{letter(index)}: {sentence}"))
    return Group(table, *lines, Text(_LOSSES, "dim"))


def _on_scale(scale: OnScale) -> list[str]:
    best, transfer = scale.best_f1, scale.transfer
    return [
        "–" if best.value is None else f"{best.value:.4g}",
        _figure(best.f1),
        _share(best, "precision"),
        _share(best, "recall"),
        _figure(transfer.ranking_loss),
        _figure(transfer.threshold_loss),
    ]


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


def _more(relevance: Relevance, names: Sequence[str]) -> Iterator[RenderableType]:
    """Figures that few readers know."""
    yield _metrics(relevance, names, "More figures", more=True)
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
