"""Text files are read alike whatever program wrote them, and a fault is named with its line."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diptych.errors import DiptychError
from diptych.images import open_collection
from diptych.images.manifest import read_addresses
from diptych.judgments.files import read_judgments
from diptych.judgments.labels import read_mapping
from diptych.judgments.qrels import read_query_ids
from diptych.retrieval.null_bank import open_bank
from diptych.tabular import Record, read_json, read_lines, read_list, read_table, write_text
from support import picture_bytes

BOM = b"\xef\xbb\xbf"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
LINES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=8)
LINE_ENDS = st.sampled_from(["\n", "\r\n", "\r"])
COLUMNS = [" Path", "a, b; c\td", "CAPTION "]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tabular")


def saved(path: Path, text: str, bom: bool = False) -> Path:
    path.write_bytes(BOM * bom + text.encode())
    return path


def lines_of(text: str) -> int:
    return len(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))


def as_csv(rows: list[list[str]], delimiter: str, line_end: str) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=line_end).writerow(COLUMNS)
    csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue()


ROWS = st.lists(st.tuples(TEXTS, TEXTS, TEXTS).map(list), max_size=4)


@given(
    rows=ROWS, delimiter=st.sampled_from(",;\t"), line_end=LINE_ENDS, bom=st.booleans(), told=st.booleans()
)
def test_a_csv_is_read_as_it_was_written_by_whatever_program(
    folder: Path, rows: list[list[str]], delimiter: str, line_end: str, bom: bool, told: bool
) -> None:
    head = f"sep={delimiter}{line_end}" if told else ""
    path = saved(folder / "a.csv", head + as_csv(rows, delimiter, line_end), bom)
    starts = [lines_of(head + as_csv(rows[:number], delimiter, line_end)) for number in range(len(rows))]
    assert list(read_table(path)) == [
        Record(line, f"{path}, line {line}", dict(zip(["path", "a, b; c\td", "caption"], row, strict=True)))
        for line, row in zip(starts, rows, strict=True)
        if any(field.strip() for field in row)
    ]


@given(rows=ROWS, wrong=st.sampled_from(['x"";y', 'x;y;z;"1"', '"x";"y" ;z', 'x;y;"']), line_end=LINE_ENDS)
def test_a_malformed_row_is_named_with_the_line_it_begins_in(
    folder: Path, rows: list[list[str]], wrong: str, line_end: str
) -> None:
    before = as_csv(rows, ";", line_end)
    path = saved(folder / "wrong.csv", f"{before}{wrong}{line_end}a;b;c{line_end}")
    with pytest.raises(DiptychError) as caught:
        list(read_table(path))
    assert str(caught.value).startswith(f"{path}, line {lines_of(before)}: ")


VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS | st.lists(TEXTS)


@given(
    objects=st.lists(st.dictionaries(st.sampled_from(["Path", " LABEL", "e"]), VALUES), min_size=1),
    line_end=LINE_ENDS,
    bom=st.booleans(),
    readable=st.booleans(),
)
def test_json_lines_are_read_as_they_were_written(
    folder: Path, objects: list[dict[str, object]], line_end: str, bom: bool, readable: bool
) -> None:
    lines = [json.dumps(each, ensure_ascii=not readable) for each in objects]
    path = saved(folder / "a.jsonl", (line_end * 2).join(lines), bom)
    assert [(record.line, record.fields) for record in read_table(path)] == [
        (2 * index + 1, {key.strip().lower(): value for key, value in each.items()})
        for index, each in enumerate(objects)
    ]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("{", "not valid JSON (Expecting property name enclosed in double quotes)"),
        ("[" * 100_000, "not valid JSON (nested too deeply)"),
        ("9" * 5000, "not valid JSON (a number has too many digits)"),
        ("[1]", "not a JSON object"),
    ],
)
def test_a_line_that_is_no_json_object_is_named(tmp_path: Path, wrong: str, said: str) -> None:
    path = saved(tmp_path / "a.ndjson", f"{{}}\r\r{{}}\r{wrong}\r")
    with pytest.raises(DiptychError) as caught:
        list(read_table(path))
    assert str(caught.value) == f"{path}, line 4: {said}"


def test_a_field_is_text_or_a_number_without_surrounding_spaces() -> None:
    record = Record(3, "a.jsonl, line 3", {"a": " b ", "year": 2026, "none": None, "yes": True, "list": []})
    assert [record.text(column) for column in ("a", "year", "none", "gone")] == ["b", "2026", "", ""]
    assert record.columns == "a, year, none, yes, list"
    for column in ("yes", "list"):
        with pytest.raises(DiptychError, match=f"a.jsonl, line 3: {column} must be a string"):
            record.text(column)


@given(lines=st.lists(LINES), line_end=LINE_ENDS, bom=st.booleans())
def test_a_list_has_its_lines_whatever_ends_them(
    folder: Path, lines: list[str], line_end: str, bom: bool
) -> None:
    path = saved(folder / "a.txt", line_end.join(lines), bom)
    numbered = list(enumerate(lines, start=1))
    assert list(read_lines(path)) == [(number, line) for number, line in numbered if line.strip()]
    assert list(read_list(path)) == [
        (number, line.strip())
        for number, line in numbered
        if line.strip() and not line.strip().startswith("#")
    ]


@given(lines=st.lists(LINES, min_size=1), line_end=LINE_ENDS, bom=st.booleans())
def test_what_is_not_utf_8_is_named_with_its_line(
    folder: Path, lines: list[str], line_end: str, bom: bool
) -> None:
    path = folder / "latin.txt"
    path.write_bytes(BOM * bom + line_end.join(lines).encode() + "é".encode("latin-1") + b"\nmore")
    for read in (read_lines, read_json):
        with pytest.raises(DiptychError) as caught:
            read(path)
        assert str(caught.value) == f"{path}, line {len(lines)}: not UTF-8 text; save the file as UTF-8"


def test_a_json_file_is_named_with_the_line_of_its_fault(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.json", '{"a": 1,\r"b":\roops}', bom=True)
    with pytest.raises(DiptychError, match=r"a\.json, line 3: not valid JSON \(Expecting value\)"):
        read_json(path)


def test_a_file_that_can_not_be_read_or_written_is_named_in_one_line(tmp_path: Path) -> None:
    for read in (read_lines, read_json, lambda path: list(read_table(path))):
        with pytest.raises(DiptychError) as caught:
            read(tmp_path / "go\nne")
        assert str(caught.value) == f"can't read {tmp_path}/go�ne: No such file or directory"
        with pytest.raises(DiptychError, match=r"can't read .*: Is a directory"):
            read(tmp_path)
    with pytest.raises(DiptychError, match=r"can't write .*gone/a\.txt: No such file or directory"):
        write_text(tmp_path / "gone" / "a.txt", "")
    write_text(tmp_path / "a.txt", "é\r\nb\n")
    assert (tmp_path / "a.txt").read_bytes() == b"\xc3\xa9\r\nb\n"


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\nPath;Caption\na.png;one, two, three\n",
        "SEP=|\rPATH|caption\ra.png|one, two, three\r",
        'sep=,\r\npath,caption\r\na.png,"one, two, three"\r\n',
        '\r\n \r\npath\tcaption\t\r\na.png\t"one, two, three"\t\r\n\t\t\r\n',
        "path;caption\ra.png;one, two, three\r",
    ],
)
def test_the_delimiter_is_told_or_that_of_the_header(tmp_path: Path, text: str) -> None:
    (record,) = read_table(saved(tmp_path / "a.csv", text))
    assert (record.text("path"), record.text("caption")) == ("a.png", "one, two, three")


def test_commas_in_a_quoted_column_do_not_count(tmp_path: Path) -> None:
    (record,) = read_table(saved(tmp_path / "a.csv", '"a, b, c";path\n1;x.png\n'))
    assert record.fields == {"a, b, c": "1", "path": "x.png"}


@pytest.mark.parametrize(
    ("start", "delimiter", "line_end"),
    [
        ("", ",", "\n"),
        ("\ufeff", ",", "\n"),
        ("", ";", "\r\n"),
        ("", "\t", "\n"),
        ("", ";", "\r"),
        ("\ufeffsep=;\r\n", ";", "\r\n"),
    ],
)
def test_manifests_and_judgments_agree(tmp_path: Path, start: str, delimiter: str, line_end: str) -> None:
    (tmp_path / "a.png").write_bytes(picture_bytes())

    def table(*rows: tuple[str, ...]) -> str:
        return start + "".join(delimiter.join(row) + line_end for row in rows)

    manifest = saved(tmp_path / "m.csv", table(("PATH", "label "), ("", ""), ("a.png", "wolf")))
    (picture,) = open_collection(manifest).pictures
    assert (picture.name, picture.label) == ("a.png", "wolf")
    (other,) = open_collection(manifest.rename(tmp_path / "m.tsv")).pictures
    assert other == picture
    judged = saved(
        tmp_path / "j.csv", table(("QUERY", "image ", "grade"), ("", "", ""), ("wolf", "a.png", "1"))
    )
    imported = read_judgments(judged, [(picture.name, picture.id)])
    assert imported.judgments.grades("wolf") == {picture.id: 1}


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_lists_agree(tmp_path: Path, line_end: str, start: str) -> None:
    """Banks, queries, addresses, ids, qrels, mappings: the same line ends and comments."""
    texts = [f"text\u2028{number}" for number in range(20)]
    listed = saved(tmp_path / "a.txt", start + line_end.join(["# ours", "", *texts]))
    assert [query.text for query in open_bank(listed)] == list(read_query_ids(listed).values()) == texts
    pairs = saved(tmp_path / "a.tsv", start + line_end.join(f"n{text}\t{text}" for text in texts))
    assert [query.text for query in open_bank(pairs)] == list(read_query_ids(pairs).values()) == texts
    urls = saved(tmp_path / "urls.txt", start + line_end.join(["# ours", "", "http://a/1", "http://a/2"]))
    assert [row.url for row in read_addresses(urls)] == ["http://a/1", "http://a/2"]
    qrels = saved(tmp_path / "q.trec", start + line_end.join(["wolf 0 x 1", "", "wolf 0 y 0"]))
    judged = read_judgments(qrels, [("x", "a" * 64), ("y", "b" * 64)]).judgments
    assert judged.grades("wolf") == {"a" * 64: 1, "b" * 64: 0}
    mapping = saved(tmp_path / "map.json", start + line_end.join(['{"dog":', '"pug"}']))
    assert read_mapping(mapping) == {"dog": ("pug",)}


@pytest.mark.parametrize(
    ("name", "captions", "labels"),
    [
        ("cr.csv", {"red.jpg": "one, two, three", "green.jpg": "four, five, six"}, {None}),
        ("sep.csv", {"red.jpg": None, "green.jpg": None}, {"r", "g"}),
    ],
)
def test_spreadsheets_files_are_read(
    shared: Path, name: str, captions: dict[str, str | None], labels: set[str | None]
) -> None:
    pictures = open_collection(shared / "cases" / "csv" / name).pictures
    assert {picture.name: picture.caption for picture in pictures} == captions
    assert {picture.label for picture in pictures} == labels
