"""Pictures that pass a threshold as CSV or JSON Lines, each line written when it is known."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, TextIO

from diptych.images import Collection, Skipped, count_files, gathered
from diptych.judgments.judgments import Judgments
from diptych.text import count, printable
from diptych.thresholds.filter import Passed

COLUMNS = ("query", "image", "id", "label", "score", "z", "file")


class FilterListing:
    """The list that `filter` writes, and what there is to say of it at the end.

    Args:
        out: Where to; on a terminal, names can't steer it.
        form: CSV with a header, or JSON Lines with the same keys.
        queries: The queries, in order.
        judgments: What is known of the collection's pictures.
    """

    def __init__(
        self, out: TextIO, form: Literal["csv", "jsonl"], queries: Sequence[str], judgments: Judgments
    ) -> None:
        self._out, self._form = out, form
        self._plain = printable if out.isatty() else str
        self._grades = {query: judgments.grades(query) for query in queries}
        self._passed: Counter[str] = Counter()
        self._judged: Counter[bool] = Counter()
        if form == "csv":
            self._write_csv(COLUMNS)

    def write(self, passed: Passed, file: Path | None) -> None:
        """Write one picture, at once."""
        picture = passed.picture
        told = (self._plain(passed.query), self._plain(picture.name), picture.id)
        label = None if picture.label is None else self._plain(picture.label)
        row = (*told, label, passed.score, passed.z, None if file is None else self._plain(str(file)))
        if self._form == "csv":
            self._write_csv(row)
        else:
            self._out.write(json.dumps(dict(zip(COLUMNS, row, strict=True)), ensure_ascii=False) + "\n")
        self._out.flush()
        self._passed[passed.query] += 1
        grade = self._grades[passed.query].get(picture.id)
        if grade is not None:
            self._judged[grade > 0] += 1

    def outcome(self, collection: Collection, skipped: Sequence[Skipped]) -> Iterator[str]:
        """What passed, what is known of it, and what was skipped, in lines."""
        each = ", ".join(f"{self._passed[query]:,} “{printable(query)}”" for query in self._grades)
        several = f": {each}" if len(self._grades) > 1 else ""
        yield f"{self._passed.total()} of {count(len(collection), 'picture')} pass{several}"
        yield from self._by_judgments()
        if skipped:
            yield f"{count_files(skipped):,} skipped:"
        for each_skipped in gathered(skipped):
            yield f"  {printable(each_skipped.called)}: {printable(each_skipped.reason)}"

    def _by_judgments(self) -> Iterator[str]:
        """How many of the pictures judged relevant pass, and of those judged not relevant."""
        grades = [grade > 0 for of_query in self._grades.values() for grade in of_query.values()]
        if not grades:
            return
        relevant, others = sum(grades), len(grades) - sum(grades)
        right, wrong = self._judged[True], self._judged[False]
        passing = "pass" if len(self._grades) == 1 else "are listed for the query that they were judged for"
        said = f"{right:,} of {relevant:,} relevant and {wrong:,} of {others:,} not relevant {passing}"
        precision = f": precision {right / (right + wrong):.2f}" if right + wrong else ""
        yield f"Of the pictures judged, {said}{precision}"

    def _write_csv(self, row: Sequence[object]) -> None:
        csv.writer(self._out, lineterminator="\n").writerow(row)
