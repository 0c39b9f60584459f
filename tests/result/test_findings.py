"""The sentences for given figures, word by word; and that none is said where a figure is not defined."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from diptych.analysis.agreement import Likeness, RankAgreement
from diptych.analysis.separation import Separation
from diptych.analysis.stratification import Stratification
from diptych.analysis.summary import NO_PROOF, Interval
from diptych.evaluation.significance import PairedComparison, compare_embedders
from diptych.result import Agreement, ContrastResult, Disputed, Finding, Hit, QueryResult
from diptych.result.findings import overall_findings, query_findings

UNDEFINED = dict.fromkeys(
    ("rbo", "rbo_by_chance", "overlap_by_chance", "overlap_above_chance", "kendall_tau_b", "tau_ap")
)


def hits(*names: str, itself: str = "", score: float = 0.9) -> tuple[Hit, ...]:
    return tuple(
        Hit(rank=rank, image=name, id=name, label=None, score=score - rank / 10, itself=name == itself)
        for rank, name in enumerate(names, start=1)
    )


def agreement(disputed: tuple[str, int, int] | None = None, k: int = 10, **figures: Any) -> Agreement:
    figures = UNDEFINED | {"overlap_at_k": None} | figures
    worst = (
        ()
        if disputed is None
        else (Disputed(image=disputed[0], id="", rank_a=disputed[1], rank_b=disputed[2]),)
    )
    return Agreement(a="A", b="B", figures=RankAgreement(k=k, **figures), disputed=worst)


def overlap(shared: int, above_chance: float) -> dict[str, Any]:
    return {"overlap_at_k": shared, "overlap_by_chance": 10 / 3, "overlap_above_chance": above_chance}


def query(**parts: Any) -> QueryResult:
    return QueryResult(**({"query": "cat", "kind": "text", "rankings": {}} | parts))


def said(images: int = 88, flat: tuple[str, ...] = (), **parts: Any) -> list[str]:
    return list(query_findings(query(**parts), images, flat))


@pytest.mark.parametrize(
    ("rankings", "sentences"),
    [
        ({"A": hits("x", "y")}, []),
        ({"A": hits("x", "y"), "B": hits("x")}, ["Both rank x first."]),
        ({"A": hits("x"), "B": hits("x"), "C": hits("x")}, ["All rank x first."]),
        ({"A": hits("x"), "B": hits("y")}, ["A ranks x first; B ranks y first."]),
        (
            {"A": hits("x"), "B": hits("y"), "C": hits("x")},
            ["A ranks x first; B ranks y first; C ranks x first."],
        ),
        ({"A": (), "B": hits("x")}, []),
        (
            {"A": hits("me", "x", itself="me"), "B": hits("me", "x", itself="me")},
            ["The query picture is in the collection: each list begins with it.", "Both rank x first."],
        ),
        (
            {"A": hits("x", "me", itself="me"), "B": hits("me", "y", itself="me")},
            [
                "The query picture is in the collection, yet A does not rank it first.",
                "A ranks x first; B ranks y first.",
            ],
        ),
        (
            {"A": hits("x", "me", itself="me"), "B": hits("y", "x")},
            [
                "The query picture is in the collection, yet A and B do not rank it first.",
                "A ranks x first; B ranks y first.",
            ],
        ),
        (
            {"A": hits("me", itself="me"), "B": hits("x")},
            ["The query picture is in the collection, yet B does not rank it first."],
        ),
    ],
)
def test_who_ranks_what_first(rankings: dict[str, tuple[Hit, ...]], sentences: list[str]) -> None:
    assert said(rankings=rankings) == sentences


def test_where_several_share_the_first_place_none_is_called_first() -> None:
    level = tuple(
        Hit(rank=rank, image=name, id=name, label=None, score=0.5) for rank, name in ((1, "x"), (2, "y"))
    )
    assert said(rankings={"A": level, "B": hits("x", "y")}) == []


def test_a_twin_that_scores_the_same_may_stand_before_the_picture_asked_with() -> None:
    twin, me = hits("twin", "me", itself="me")
    level = (twin, Hit(rank=2, image="me", id="me", label=None, score=twin.score, itself=True))
    assert me.score != twin.score
    assert said(rankings={"A": level}) == [
        (
            "The query picture is in the collection: each list begins with it, or with one that scores"
            " the same."
        )
    ]


def test_an_embedder_that_tells_nothing_apart_is_named_and_says_no_more() -> None:
    flat = Stratification(verdict="all equal", stands_out=0)
    sentences = said(
        rankings={"A": hits("x"), "B": hits("y")},
        stratification={"A": Stratification(verdict="gradual"), "B": flat},
        flat=("B",),
    )
    assert sentences == [
        "B gives all 88 pictures the same score: they stand in the order of their names.",
        "No clear break in the list of A.",
    ]


@pytest.mark.parametrize(
    ("pair", "sentences"),
    [
        (agreement(), []),
        (agreement(("x", 2, 7)), ["A puts x second, B seventh."]),
        (agreement(("x", 7, 4)), []),  # less than twice as deep
        (agreement(("x", 21, 1)), ["A puts x 21st, B first."]),
        (agreement(("x", 10, 112)), ["A puts x tenth, B 112th."]),
        (agreement(("x", 1, 1_003)), ["A puts x first, B 1,003rd."]),
        (agreement(("x", 11, 22)), ["A puts x 11th, B 22nd."]),
        (
            agreement(**overlap(7, 0.55)),
            ["Of their first 10, A and B share 7 (by luck: about 3)."],
        ),
        (
            agreement(overlap_at_k=2, overlap_by_chance=0.2, overlap_above_chance=0.18),
            ["Of their first 10, A and B share 2 (by luck: less than 1)."],
        ),
        (
            agreement(k=3, overlap_at_k=3, overlap_by_chance=3.0),
            [],
        ),  # of 3 pictures all are among the first 3
    ],
)
def test_how_a_pair_differs(pair: Agreement, sentences: list[str]) -> None:
    assert said(agreement=(pair,)) == sentences


@pytest.mark.parametrize(
    ("images", "figures", "sentence"),
    [
        (
            88,
            {"verdict": "break", "breakpoint": 1, "z_gap": 4.24, "stability": 0.914, "stands_out": 30},
            (
                "The list of A breaks after 1: the scores drop sharply there (4.2 × the scatter of unrelated"
                " texts; same place in 91 % when pictures are left out at random). 30 stand out from"
                " unrelated texts (about 3 by chance)."
            ),
        ),
        (
            88,
            {"verdict": "break", "breakpoint": 2, "z_gap": 4.0, "stability": 0.4},
            (
                "The list of A breaks, place unsure: after 2; the scores drop sharply after 2 (4.0 × the"
                " scatter of the list's lower half; same place in 40 % when pictures are left out at random)."
            ),  # of a file made before the place was known
        ),
        (
            88,
            {"verdict": "break", "breakpoint": 2, "z_gap": 4.0, "stability": 0.38, "place": (1, 5)},
            (
                "The list of A breaks, place unsure: after 1 to 5; the scores drop sharply after 2 (4.0 × the"
                " scatter of the list's lower half; same place in 38 % when pictures are left out at random)."
            ),
        ),
        (
            88,
            {"verdict": "break", "breakpoint": 2},
            "The list of A breaks after 2: the scores drop sharply there.",
        ),
        (
            88,
            {"verdict": "break", "breakpoint": 2, "stands_out": 0},
            (
                "The list of A breaks after 2: the scores drop sharply there. None stands out from unrelated"
                " texts."
            ),
        ),
        (
            7,
            {"verdict": "gradual", "p": 0.14, "z_gap": 8.0, "cuts": {"gap": 1}, "stands_out": 1},
            (
                "No clear break in the list of A: the most unusual fall, after 1, is 8.0 × the"
                " scatter of unrelated texts; with 7 pictures that comes about by chance in 14 of 100 lists."
                " 1 stands out from unrelated texts (1 in 10 of such by chance)."
            ),
        ),
        (
            300,
            {"verdict": "gradual", "p": 1.0, "z_gap": 0.4, "cuts": {"gap": 40}},
            (
                "No clear break in the list of A: the most unusual fall, after 40, is 0.4 × the"
                " scatter of the list's lower half; with 300 pictures that comes about by chance in any list."
            ),
        ),
        (
            300,
            {"verdict": "gradual", "p": 0.01, "z_gap": 0.4, "cuts": {"gap": 40}},
            (
                "No clear break in the list of A: the most unusual fall, after 40, is 0.4 × the"
                " scatter of the list's lower half, too small to separate anything."
            ),
        ),
        (88, {"verdict": "gradual"}, "No clear break in the list of A."),
        (
            88,
            {"verdict": "all equal", "stands_out": 0},  # but for the query picture
            "A gives all other pictures the same score: there is no break.",
        ),
        (
            1,
            {"verdict": "too few images"},
            "1 picture: too few to tell whether the list of A breaks.",
        ),
        (
            3,
            {"verdict": "too few images", "stands_out": 0},
            (
                "3 pictures: too few to tell whether the list of A breaks. None stands out from"
                " unrelated texts."
            ),
        ),
    ],
)
def test_whether_a_list_breaks(images: int, figures: dict[str, Any], sentence: str) -> None:
    card = {"A": Stratification(**figures)}
    assert said(images, rankings={"A": hits("x")}, stratification=card) == [sentence]


@pytest.mark.parametrize(
    ("rivals", "figures", "sentence"),
    [
        (
            ("dog",),
            (0, 0, None, 0, 0),
            "With A no picture stands out for cat or dog: there is nothing to tell apart.",
        ),
        (("dog",), (1, 1, None, 0, 0), "With A, cat beats dog on 1 of 1 picture, down to the last."),
        (
            ("dog",),
            (20, 9, 11, 1, 0),
            "With A, cat beats dog on 9 of 20 pictures; from rank 11 on dog wins, 1 exception aside.",
        ),
        (
            ("dog", "fox"),
            (20, 10, 11, 1, 1),
            (
                "With A, cat beats dog and fox on 10 of 20 pictures; from rank 11 on dog and fox win,"
                " 2 exceptions aside."
            ),
        ),
        (("dog",), (20, 0, 1, 0, 0), "With A, cat beats dog on none of 20 pictures."),
        (
            ("dog",),
            (20, 10, 11, 3, 3),
            (
                "With A, cat beats dog on 10 of 20 pictures, mixed all down its list: there is no rank where"
                " one ends and the other begins."
            ),
        ),
        (
            ("dog",),
            (10, 6, None, 4, 0),  # won to the end, and as often lost before it
            (
                "With A, cat beats dog on 6 of 10 pictures, mixed all down its list: there is no rank where"
                " one ends and the other begins."
            ),
        ),
    ],
)
def test_where_rivals_take_over(
    rivals: tuple[str, ...], figures: tuple[int, int, int | None, int, int], sentence: str
) -> None:
    names = ("looked_at", "wins", "rivals_from", "lost_before", "won_after")
    result = ContrastResult(rivals=rivals, won=(), **dict(zip(names, figures, strict=True)))
    assert said(contrast={"A": result}) == [sentence]


def over_all(*queries: QueryResult, images: int = 88, decisive: Sequence[PairedComparison] = ()) -> list[str]:
    return [str(finding) for finding in overall_findings(queries, images, decisive)]


def asked(verdict: str, pair: Agreement | None = None, names: str = "A") -> QueryResult:
    none = verdict == "nothing stands out"
    one = Stratification(
        verdict="gradual" if none else verdict,
        breakpoint=3 if verdict == "break" else None,
        stands_out=0 if none else 2,
    )
    card = dict.fromkeys(names, one)
    return query(rankings=dict.fromkeys(names, ()), stratification=card, agreement=(pair,) if pair else ())


@pytest.mark.parametrize(
    ("verdicts", "images", "answer"),
    [
        (["break"], 88, "Yes, after 3."),
        (["gradual"], 88, "No clear break."),
        (["nothing stands out"], 88, "No clear break. No picture stands out."),
        (["all equal"], 88, "It gives all pictures the same score: there is nothing to cut."),
        (["break", "gradual", "break"], 88, "A break for 2 of 3 queries."),
        (
            ["break", "nothing stands out"],
            88,
            "A break for 1 of 2 queries; for 1 no picture stands out.",
        ),
        (["too few images"], 1, "Cannot tell with 1 picture."),
        (["too few images", "all equal"], 3, "Cannot tell with 3 pictures."),
        (["gradual", "gradual"], 88, "No clear break for any of 2 queries."),
        (
            ["too few images", "break"],
            7,
            "A break for 1 of 1 query; for 1 more there are too few pictures to tell.",
        ),  # one was asked with a picture
    ],
)
def test_does_a_list_break(verdicts: list[str], images: int, answer: str) -> None:
    assert over_all(*map(asked, verdicts), images=images) == [f"Does the list of A break? {answer}"]


def test_a_break_whose_place_is_unsure_is_not_called_clear() -> None:
    unsure = Stratification(verdict="break", breakpoint=3, stability=0.38, place=(1, 5))
    firm = Stratification(verdict="break", breakpoint=3, stability=0.9, place=(3, 3))

    def of(ranking: Stratification) -> QueryResult:
        return query(rankings={"A": ()}, stratification={"A": ranking})

    answers = ["Yes, place unsure: after 1 to 5.", "Yes, after 3."]
    for ranking, answer in zip((unsure, firm), answers, strict=True):
        assert over_all(of(ranking)) == [f"Does the list of A break? {answer}"]
    assert over_all(of(unsure), of(unsure)) == [
        "Does the list of A break? A break for 2 of 2 queries, place unsure."
    ]
    assert over_all(of(unsure), of(firm)) == [
        "Does the list of A break? A break for 2 of 2 queries, place unsure for 1."
    ]


def alike(**figures: Any) -> Likeness:
    return Likeness(**({"a": "A", "b": "B", "queries": 8, "k": 10} | figures))


def mean(value: float, low: float | None = None, high: float | None = None, queries: int = 8) -> Interval:
    return Interval(mean=value, low=low, high=high, queries=queries)


SHARE: dict[str, Any] = {"shared": 7.1, "by_chance": 0.8, "above_chance": mean(0.68), "overlap_p": 0.0}
FIRSTS: dict[str, Any] = {"first_shared": 3, "first_queries": 4, "first_interval": (0.301, 0.954)}


@pytest.mark.parametrize(
    ("figures", "answer"),
    [
        (
            SHARE | {"words": ("in part",)},
            "In part: of their first 10 they share 7.1 on average over 8 queries (by luck: about 1).",
        ),
        (
            SHARE | {"words": ("in part", "largely")},
            (
                "Somewhere between in part and largely: of their first 10 they share 7.1 on average over 8"
                " queries (by luck: about 1)."
            ),
        ),
        (
            SHARE | {"words": ("hardly", "in part", "largely")},
            (
                "Somewhere between hardly and largely: of their first 10 they share 7.1 on average over 8"
                " queries (by luck: about 1)."
            ),
        ),
        (
            SHARE | {"queries": 4},
            (
                "Of their first 10 they share 7.1 on average over 4 queries (by luck: about 1); too few"
                " queries to put that in a word."
            ),
        ),
        (
            SHARE | {"by_chance": 9.09, "overlap_p": 0.4},
            (
                "No more than luck explains: of their first 10 they share 7.1 on average over 8 queries (by"
                " luck: about 9)."
            ),
        ),
        (SHARE | {"queries": 1, "shared": 7.0}, "They share 7 of their first 10 (by luck: about 1)."),
        (
            SHARE | {"queries": 1, "shared": 10.0, "by_chance": 9.09, "overlap_p": 0.09},
            "They share 10 of their first 10 (by luck: about 9), no more than luck explains.",
        ),
        (FIRSTS | {"queries": 4}, "Same first picture in 3 of 4 queries (95 % interval 30 to 95 %)."),
        ({"queries": 1, "first_interval": (0.2, 1.0), "first_shared": 1}, "The same picture comes first."),
        ({"queries": 1, "first_interval": (0.0, 0.8), "first_shared": 0}, "Another picture comes first."),
        (
            {"taus": (0.81, 0.62, 0.14, -0.43), "tau": mean(0.285), "tau_p": 0.01},
            (
                "Their whole lists agree more than by luck (rank correlation 0.81, 0.62, 0.14, −0.43; 1: one"
                " order)."
            ),
        ),
        (
            {"taus": (0.1,), "tau": mean(0.1), "tau_p": 0.3},
            "Their whole lists agree no more than luck may explain (rank correlation 0.10; 1: one order).",
        ),
        (
            {"taus": (0.4,) * 8, "tau": mean(0.4, 0.36, 0.44), "tau_p": 0.0},
            (
                "Their whole lists agree more than by luck (rank correlation 0.40 on average, 95 % 0.36 to"
                " 0.44; 1: one order)."
            ),
        ),
        (
            {"taus": (0.4,) * 8, "tau": mean(0.2, -0.01, 0.44), "tau_p": 0.0},
            (
                "Their whole lists agree no more than luck may explain (rank correlation 0.20 on average, 95"
                " % −0.01 to 0.44; 1: one order)."
            ),
        ),
    ],
)
def test_do_they_rank_alike(figures: dict[str, Any], answer: str) -> None:
    first, *_ = overall_findings([asked("gradual", names="AB")], 88, likeness=[alike(**figures)])
    assert str(first) == f"Do A and B rank alike? {answer}"


@pytest.mark.parametrize(
    ("verdicts", "images", "why"),
    [
        ([("gradual", "all equal")], 88, "B gives all pictures the same score"),
        ([("all equal", "all equal")] * 2, 88, "A and B both give all pictures the same score"),
        (
            [("all equal", "gradual"), ("gradual", "all equal")],
            88,
            "for each query one of them gives all pictures the same score",
        ),
        ([("too few images", "too few images")], 1, "there is only 1 picture"),
        (
            [("too few images", "all equal"), ("too few images", "too few images")],
            2,
            "there are only 2 pictures",
        ),
    ],
)
def test_why_two_rankings_can_not_be_compared(verdicts: list[tuple[Any, Any]], images: int, why: str) -> None:
    queries = [
        query(
            rankings={"A": (), "B": ()},
            stratification={"A": Stratification(verdict=a), "B": Stratification(verdict=b)},
        )
        for a, b in verdicts
    ]
    first, *_ = overall_findings(queries, images, likeness=[alike(queries=0)])
    assert str(first) == f"Do A and B rank alike? Cannot tell: {why}."


APART: dict[str, Any] = {"a": "A", "b": "B", "queries": 4, "ratio": 2.8, "p": 0.125, "p_holm": 0.125}


@pytest.mark.parametrize(
    ("figures", "answer"),
    [
        (
            {"verdict": "suggestive"},
            (
                "At the largest drop, A's lists fall 2.8 times as far as B's (4 queries: suggestive, not"
                " shown); that is not proof of better ranking."
            ),
        ),
        (
            {"verdict": "shown", "queries": 22, "interval": (1.9, 4.1)},
            (
                "At the largest drop, A's lists fall 2.8 times as far as B's (22 queries, interval 1.9 to"
                " 4.1: shown); that is not proof of better ranking."
            ),
        ),
        (
            {"verdict": "shown", "queries": 8, "ratio": 0.4, "interval": (0.2, 0.8)},
            (
                "At the largest drop, B's lists fall 2.5 times as far as A's (8 queries, interval 1.2 to"
                " 5: shown); that is not proof of better ranking."
            ),
        ),
        (
            {"verdict": "not seen", "queries": 8, "ratio": 1.1, "interval": (0.8, 1.5)},
            (
                "No difference seen (at the largest drop, A's lists fall 1.1 times as far as B's; 8 queries,"
                " interval 0.8 to 1.5)."
            ),
        ),
        (
            {"verdict": "too few queries", "queries": 2},
            (
                "Too few queries to tell (at the largest drop, A's lists fall 2.8 times as far as B's; 2"
                " queries)."
            ),
        ),
    ],
)
def test_whose_lists_fall_further(figures: dict[str, Any], answer: str) -> None:
    found = Separation(**APART | figures)
    two = [asked("gradual", names="AB")] * 2
    *_, said, _ = overall_findings(two, 88, separation=[found])
    assert str(said) == f"Do the lists of A and B fall equally far? {answer}"
    assert said.question == "break"
    assert len(overall_findings(two[:1], 88, separation=[found])) == 3  # its own sentences say it


def test_nothing_is_said_of_whose_lists_fall_further_where_no_query_tells() -> None:
    none = Separation(a="A", b="B", queries=0)
    assert len(overall_findings([asked("gradual", names="AB")] * 2, 88, separation=[none])) == 3


def test_nothing_is_said_of_which_is_better_without_judgments() -> None:
    *_, better = over_all(asked("gradual", agreement(), "AB"))
    assert better == f"Is one better? Cannot tell: nothing has been judged. {NO_PROOF}"


def test_what_judgments_say_is_said_in_sentences_in_which_names_stay_as_they_are() -> None:
    two, eight = ({"with": [0.9] * n, "cannot": [0.1] * n} for n in (2, 8))
    decisive = [*compare_embedders("AP", two), *compare_embedders("AP", eight)]
    assert over_all(asked("gradual", agreement(), "AB"), decisive=decisive)[-3:] == [
        "Is one better? Cannot tell with from cannot with 2 queries.",
        "Is one better? They differ on 2 queries, which is too few to reach significance: it takes 6.",
        "Is one better? with ranks better than cannot (AP +0.80, 8 queries).",
    ]


ODD = ("A", "A break? B", "A and B", "B rank alike? A", "for\nB")


@pytest.mark.parametrize(
    "finding",
    [
        *(Finding("alike", pair, "In part: they share 6.") for pair in itertools.combinations(ODD, 2)),
        *(Finding("break", (name,), "For 1 of 2 queries; nothing matches for 1.") for name in ODD),
        *(Finding("break", pair, "No difference seen.") for pair in itertools.combinations(ODD, 2)),
        Finding("better", (), "A break? B ranks better than A."),
        Finding(None, (), "Does the list of C break? For 1 of 1 query."),
    ],
    ids=str,
)
def test_a_finding_is_known_from_its_sentence_whatever_the_embedders_are_called(finding: Finding) -> None:
    assert Finding.from_sentence(str(finding), ODD) == finding
