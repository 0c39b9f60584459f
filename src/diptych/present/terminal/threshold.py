"""A learned threshold in the terminal, and what to expect of a threshold in a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from diptych.text import count, printable
from diptych.thresholds.expected import Expected
from diptych.thresholds.learn import LearnedThreshold
from diptych.thresholds.saved import SavedThreshold, Scale
from diptych.thresholds.threshold import Promise
from diptych.thresholds.transfer import scale_difference

AUTO = (
    "auto: what matches more than the null bank's unrelated texts do, about one in ten of it by chance;"
    " how much of it is relevant only judgments can tell"
)
"""What to expect without a threshold."""

SCALES: dict[Scale, str] = {"raw": "the raw score", "z": "z"}


def show_threshold(learned: LearnedThreshold, console: Console) -> None:
    """Print a threshold, what it does to the judged pictures, and what it costs on other queries."""
    judged, relevant = learned.judgments
    queries = count(len(learned.queries), "query", "queries")
    heading = Text(printable(learned.embedder.name), "bold").append(f", {SCALES[learned.scale]}", "not bold")
    console.print(heading)
    console.print(
        Text(
            f"from {printable(learned.origin)}: {queries}, {count(judged, 'judgment')}, {relevant:,} relevant"
        )
    )
    for said in learned.notes:
        console.print(Text(printable(said)))
    console.print()
    console.print(_figures(learned))
    console.print()
    for line in _elsewhere(learned):
        console.print(line)


def promise(threshold: SavedThreshold) -> str:
    """What to expect of a saved threshold, and from what."""
    value = f"{threshold.value:.4f} on {SCALES[threshold.scale]}"
    silent = f", and {threshold.unjudged:,} more reached it that nobody had judged"
    return f"{value}: {_meaning(threshold)}{silent if threshold.unjudged else ''}"


def _meaning(threshold: SavedThreshold) -> str:
    expected = threshold.expected
    if threshold.promise is not None:
        return promised(threshold.promise)
    if expected is None:
        return _as_before(threshold)
    queries = count(expected.queries, "query", "queries")
    if expected.precision is None or expected.recall is None:
        return f"what to expect on a new query can't be said from {queries}"
    if expected.left_out:
        return f"on a new query expect {_both(expected)}, {_means(expected)}, each left out once"
    return f"{_both(expected)}, {_means(expected)} that it was chosen by; expect less elsewhere"


def _as_before(threshold: SavedThreshold) -> str:
    """What a file says that was made before queries were the sample, or from a single one."""
    learned = count(threshold.judgments, "judgment")
    queries = count(len(threshold.queries), "query", "queries")
    return (
        f"precision {_share(threshold.precision)}{within(threshold.precision_interval)},"
        f" recall {_share(threshold.recall)}{within(threshold.recall_interval)}"
        f" on the {learned} of {queries} that it was learned from; expect less elsewhere"
    )


def promised(made: Promise) -> str:
    """What a promise says, in a sentence without its full stop."""
    return (
        f"promised: over new queries like these for which anything passes, a precision of at least"
        f" {100 * made.precision:.4g}% on average; of 100 sets of judgments like this one, at most"
        f" {100 * made.risk:.0f} lead to such a promise that is wrong"
    )


def _both(expected: Expected) -> str:
    return (
        f"precision about {_share(expected.precision)}{within(expected.precision_interval)}"
        f" and recall about {_share(expected.recall)}{within(expected.recall_interval)}"
    )


def _means(expected: Expected) -> str:
    """What these two are, so that nobody reckons with them as with those of one query."""
    means = f"means over {count(expected.queries, 'query', 'queries')}"
    if expected.passing == expected.queries:
        return means
    return f"{means}, precision over the {expected.passing:,} for which anything passes"


def _figures(learned: LearnedThreshold) -> Text:
    found = learned.threshold
    if found.value is None:
        return Text(f"No threshold: {found.undefined['value']}.")
    aim = "with the best F1"
    if learned.target is not None:
        aim = f"the lowest at which a precision of {100 * learned.target:.4g}% can be promised"
    kept, relevant = count(found.kept, "picture"), count(learned.judgments[1], "relevant picture")
    rows = [
        ("threshold", f"{found.value:.4f}", aim),
        ("precision", _share(found.precision), f"of {kept} kept{within(found.precision_interval)}"),
        ("recall", _share(found.recall), f"of {relevant}{within(found.recall_interval)}"),
        ("F1", _share(found.f1), ""),
    ]
    if learned.unjudged:
        rows.append(("unjudged", f"{learned.unjudged:,}", "more reach it: of these precision says nothing"))
    return _aligned(rows)


def _elsewhere(learned: LearnedThreshold) -> Iterator[Text]:
    """What to expect of a query that the threshold was not learned on."""
    found = learned.threshold
    if found.promise is not None:
        rests = f"It rests on {count(found.promise.queries, 'query', 'queries')} for which anything passes"
        yield Text(f"{promised(found.promise).capitalize()}. {rests}.")
    elif found.expected is not None and found.expected.left_out and found.expected.recall is not None:
        yield Text(f"On a new query, expect {_both(found.expected)}: {_means(found.expected)}.")
    own = learned.transfer[learned.scale]
    if own.ranking_loss is None or own.threshold_loss is None:
        yield Text(f"What to expect of F1 on a new query can't be said: {own.undefined['ranking_loss']}.")
        return
    aim = (
        "Expect a mean F1"
        if learned.target is None
        else "With the best threshold by F1 instead, expect a mean F1"
    )
    queries = count(len(own.queries), "query", "queries")
    yield Text(
        f"{aim} of about {1 - own.ranking_loss - own.threshold_loss:.2f}, which is not that of the mean"
        f" precision and recall: {own.threshold_loss:.2f} lost to one cut-off for all,"
        f" {own.ranking_loss:.2f} to order ({queries}, each left out once)."
    )
    z = learned.transfer.get("z")
    difference = None if z is None else scale_difference(learned.transfer["raw"], z)
    if difference is not None and difference.tells:
        yield Text(difference.sentence)


def _aligned(rows: Sequence[tuple[str, str, str]]) -> Text:
    """Rows of a name, a figure and what there is to say of it."""
    names, figures = (max(len(row[column]) for row in rows) for column in (0, 1))
    lines = [f"{name:<{names}}  {figure:>{figures}}  {words}".rstrip() for name, figure, words in rows]
    return Text("\n".join(lines))


def _share(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.2f}"


def within(interval: tuple[float, float] | None) -> str:
    """A 95 % interval in brackets; nothing where there is none."""
    return "" if interval is None else f" (95 % {interval[0]:.2f} to {interval[1]:.2f})"
