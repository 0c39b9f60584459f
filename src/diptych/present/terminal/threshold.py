"""A learned threshold in the terminal, and what a threshold promises in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from diptych.text import count, printable
from diptych.thresholds.learn import LearnedThreshold
from diptych.thresholds.saved import SavedThreshold, Scale

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
        Text(f"from {printable(learned.origin)}: {queries}, {count(judged, 'judgment')}, {relevant} relevant")
    )
    for said in learned.notes:
        console.print(Text(printable(said)))
    console.print()
    console.print(_figures(learned))
    console.print()
    console.print(_transfer(learned))


def promise(threshold: SavedThreshold) -> str:
    """What precision and recall to expect of a saved threshold, and from what."""
    learned = count(threshold.judgments, "judgment")
    queries = count(len(threshold.queries), "query", "queries")
    silent = f", and {threshold.unjudged} more reached it that nobody had judged"
    return (
        f"{threshold.value:.4f} on {SCALES[threshold.scale]}: precision"
        f" {_share(threshold.precision)}{within(threshold.precision_interval)},"
        f" recall {_share(threshold.recall)}{within(threshold.recall_interval)}"
        f" on the {learned} of {queries} that it was learned from; expect less elsewhere"
        f"{silent if threshold.unjudged else ''}"
    )


def _figures(learned: LearnedThreshold) -> Text:
    found = learned.threshold
    if found.value is None:
        return Text(f"No threshold: {found.undefined['value']}.")
    aim = "with the best F1"
    if learned.target is not None:
        aim = f"the lowest whose precision is at least {learned.target:.0%} by the interval's lower end"
    kept, relevant = count(found.kept, "picture"), count(learned.judgments[1], "relevant picture")
    rows = [
        ("threshold", f"{found.value:.4f}", aim),
        ("precision", _share(found.precision), f"of {kept} kept{within(found.precision_interval)}"),
        ("recall", _share(found.recall), f"of {relevant}{within(found.recall_interval)}"),
        ("F1", _share(found.f1), ""),
    ]
    if learned.unjudged:
        rows.append(("unjudged", str(learned.unjudged), "more reach it: of these precision says nothing"))
    return _aligned(rows)


def _transfer(learned: LearnedThreshold) -> Text:
    """What one threshold costs a query that it was not learned on, on either scale."""
    own = learned.transfer[learned.scale]
    if own.ranking_loss is None:
        why = own.undefined["ranking_loss"]
        return Text(f"What a threshold costs another query can't be said: {why}.")
    rows = []
    for scale, transfer in learned.transfer.items():
        ranking = f"to the threshold, and {_share(transfer.ranking_loss)} to the ranking"
        rows.append((SCALES[scale], _share(transfer.threshold_loss), ranking))
    queries = count(len(own.queries), "query", "queries")
    heading = f"A query that it was not learned on loses, of an F1 of 1 ({queries}, each left out once):\n"
    return Text(heading).append(_aligned(rows))


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
