"""One judgment as a file has it, whatever the file's format."""

from __future__ import annotations

import re
from dataclasses import dataclass

from diptych.errors import DiptychError
from diptych.store.judgment import GRADES
from diptych.text import printable

_NO_DECIMALS = re.compile("[.,]0*$")


@dataclass(frozen=True, kw_only=True)
class JudgmentRow:
    """One judgment as a file has it.

    Attributes:
        line: Its line's number, from 1.
        query: The query's text or id.
        image: The image's id or name.
        grade: 0 to 3.
        by: Who judged.
        at: When.
        blind: Whether it was judged without seeing who found the image.
    """

    line: int
    query: str
    image: str
    grade: int
    by: str = ""
    at: str = ""
    blind: bool = False


def read_grade(value: object, where: str) -> int:
    """A grade as written; tools that keep columns of numbers as decimals write 1.0 for 1, or 1,0.

    Raises:
        DiptychError: It is not a whole number from 0 to 3.
    """
    text = "" if isinstance(value, bool) else _NO_DECIMALS.sub("", str(value).strip())
    if text not in map(str, GRADES):
        shown = printable(str(value))
        raise DiptychError(f"{where}: grade {shown!r}; grades are 0 (irrelevant) to {GRADES[-1]}")
    return int(text)
