"""Find words that Diptych does not use, in all that a person may read: `python docs/check_words.py`.

Each has a reason, and most have an exception or two. This knows no grammar: what it finds can be said better,
what it does not find may still be badly said.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
READ = (".py", ".md", ".html", ".js", ".css", ".toml", "Makefile")
NOT_OURS = ("docs/check_words.py", "tests/data/")

_THING = (
    "answer|array|call|cell|collection|column|comparison|embedder|entry|file|hit|image|item|judgment|line|list|model|page"
    "|picture|query|request|row|run|task|text|token|vector"
)
WORDS = {
    rf"\b(one|an?) \w+ an? ({_THING})\b": 'say "per": one row per picture',
    rf"\bone an? ({_THING})\b": 'say "per": one per line',
    r"(?<!there )\b(is|are|was|were) no (?!longer|more|less|better|worse|other|such|limit|more)[a-z]+\b": (
        'say "is not a": it is not a folder'
    ),
    r"\bdearer\b": 'old: "more expensive"',
    r"\bpurses?\b": 'a private word: "budget"',
    r"\b(left|leaves?|put) aside\b": 'old: "ignored"',
    r"\bheld? (it )?against\b": 'translated: "compared with"',
    r"\bgoes on (here|from)\b": 'translated: "resume"',
    r"\bcan(not|'t)? be had\b|\bto be had\b": 'old: "fetched", "available"',
    r"\b(whither|thereof|wherefore|lest|thence)\b": "old",
    r"\bnull deviations? above the\b": 'nobody knows these: "× the scatter of unrelated texts"',
    r"\bpicture (that was )?asked with\b": 'the field says "query picture"',
    r"\bby your leave\b|\bwith your leave\b": 'old: "after you confirm"',
    r"\bare they its own\b": "a person for a program",
}


def files() -> list[Path]:
    """The files in the repository that hold our words."""
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / n for n in names.splitlines() if n.endswith(READ) and not n.startswith(NOT_OURS)]


def found_in(path: Path) -> Iterator[str]:
    """Each place of a word with what is wrong with it, as "file:line: word: reason"."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        for pattern, reason in WORDS.items():
            for match in re.finditer(pattern, line, re.IGNORECASE):
                yield f'{path.relative_to(ROOT)}:{number}: "{match[0]}": {reason}'


def main() -> int:
    """Print what was found; 1 where it is anything."""
    found = [line for path in files() for line in found_in(path)]
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
