from __future__ import annotations

from pathlib import Path

import pytest

from diptych.analysis.null import FEWEST_TEXTS
from diptych.errors import DiptychError
from diptych.queries import TextQuery
from diptych.retrieval.null_bank import default_bank, open_bank, related

TWENTY = [f"text {number}" for number in range(FEWEST_TEXTS)]


def test_the_texts_that_come_along_are_64_different_ones_spread_over_themes() -> None:
    texts = [query.text for query in default_bank()]
    assert len(texts) == len(set(texts)) == 64
    assert open_bank(None) == default_bank()
    shared = [len(related(default_bank(), query)) - 1 for query in default_bank()]
    assert max(shared) <= 3


@pytest.mark.parametrize(
    ("query", "left_out"),
    [
        ("a horse", ["a horse race"]),
        ("Horses!", ["a horse race"]),
        ("two benches", ["a bench in a park"]),
        ("a baby", ["crying babies"]),
        ("grass", ["tall grasses"]),
        ("a glass", ["three glasses"]),
        ("PARK, bench", ["a bench in a park"]),
        ("a photo of the sea with someone in it", []),
        ("cow", []),
        ("", []),
    ],
)
def test_a_text_that_shares_a_content_word_is_related(query: str, left_out: list[str]) -> None:
    texts = ["a horse race", "a bench in a park", "crying babies", "tall grasses", "three glasses", "cowboys"]
    bank = [TextQuery(text) for text in texts]
    assert [texts[row] for row in related(bank, TextQuery(query))] == left_out


def test_a_file_has_one_text_a_line_with_comments_blank_lines_and_repetitions_left_out(
    tmp_path: Path,
) -> None:
    file = tmp_path / "bank.txt"
    file.write_text(
        "\ufeff# ours\n\n" + "\n".join(f"  {text} " for text in TWENTY + TWENTY), encoding="utf-8"
    )
    assert [query.text for query in open_bank(file)] == TWENTY
    assert open_bank(str(file)) == open_bank(file) == open_bank(TWENTY)


def test_a_tsv_has_an_id_and_a_text_a_line_as_files_of_queries_do(tmp_path: Path) -> None:
    file = tmp_path / "bank.tsv"
    file.write_text("".join(f"n{number}\t{text}\n" for number, text in enumerate(TWENTY)))
    assert open_bank(file) == open_bank(TWENTY)


@pytest.mark.parametrize("nothing", [[], ["", "  "]])
def test_no_texts_are_no_bank(nothing: list[str]) -> None:
    assert open_bank(nothing) == ()


def test_what_is_no_bank_is_said_in_a_line(tmp_path: Path) -> None:
    cases: dict[str, str] = {
        "absent.txt": "can't read .*absent.txt: No such file",
        "latin.txt": "line 1: not UTF-8",
        "few.txt": "has 19 different",
    }
    (tmp_path / "latin.txt").write_bytes("caf\u00e9\n".encode("latin-1"))
    (tmp_path / "few.txt").write_text("\n".join(TWENTY[:19] + TWENTY[:5]), encoding="utf-8")
    for name, says in cases.items():
        with pytest.raises(DiptychError, match=says) as caught:
            open_bank(tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(DiptychError, match="at least 20, or none"):
        open_bank(["one"])
