"""Where a list breaks, in a few words: the same in the terminal, reports, notebooks and on the page."""

from __future__ import annotations

from diptych.analysis.stratification import Stratification

NO_BREAK = "no clear break"
"""Said of a list that falls gradually."""

PLACE_UNSURE = "place unsure"
"""Said of a break whose place changes with which pictures there are."""

_VERDICTS = {"break": "break", "gradual": NO_BREAK, "too few images": "too few pictures to tell"}


def break_in_words(ranking: Stratification) -> str:
    """What a list does: "break after 7", "break, place unsure: after 1 to 5", "no clear break".

    A file made before says what it said.
    """
    if ranking.breakpoint is None:
        return verdict_in_words(ranking.verdict)
    return f"break, {PLACE_UNSURE}: {place(ranking)}" if ranking.unsure else f"break {place(ranking)}"


def verdict_in_words(verdict: str) -> str:
    """The same of any list with this verdict."""
    return _VERDICTS.get(verdict, verdict)


def place(ranking: Stratification) -> str:
    """After which rank a list breaks: "after 7", where that is unsure "after 1 to 5"."""
    if ranking.unsure and ranking.place is not None:
        low, high = ranking.place
        return f"after {low:,} to {high:,}"
    return f"after {ranking.breakpoint:,}"
