"""A comparison made by hand: what a report says of it is known."""

from __future__ import annotations

from diptych.analysis.agreement import RankAgreement
from diptych.analysis.stratification import Stratification
from diptych.analysis.summary import summarise
from diptych.embedders.base import EmbedderInfo
from diptych.result import (
    Agreement,
    Comparison,
    ContrastResult,
    Curve,
    Disputed,
    Finding,
    Hit,
    Hub,
    NullBank,
    Overall,
    QueryResult,
    Won,
)

IMAGES = 40
RANKS = {"one": [0, 1, 2, 3, 4], "two": [2, 1, 0, 5, 6]}
"""Which images each embedder has first."""


def info(name: str) -> EmbedderInfo:
    """An embedder by name."""
    return EmbedderInfo(
        name=name, provider="p", model="m", dimension=4, preprocessing="whole", fingerprint=name
    )


def list_that(
    verdict: str, after: int | None = None, band: tuple[int, int] | None = (2, 3)
) -> Stratification:
    """What is said of a list of `IMAGES`."""
    return Stratification(
        verdict=verdict,  # type: ignore[arg-type]
        breakpoint=after,
        p=0.01 if after else 0.2,
        stability=0.64,
        band=band,
        stands_out=3,
        matches=3,
        z_gap=2.6,
        gap_share=0.4,
        excess_variance=-0.00043,
        tail_surprise=2.0,
        cuts={"null bank": 3, "gap": 3, "knee": 2, "autocut": 0},
    )


def hits(images: list[int]) -> tuple[Hit, ...]:
    """The first hits of a list, with falling scores."""
    return tuple(
        Hit(
            rank=rank,
            image=f"cat/{image}.png",
            id=f"id{image}",
            label="cat",
            score=1 - rank / 10,
            z=8.0 - rank,
        )
        for rank, image in enumerate(images, start=1)
    )


def query(text: str = "cat") -> QueryResult:
    """One query: the first list breaks after 3, the second falls gradually."""
    agreement = RankAgreement(
        k=10,
        rbo=0.61,
        rbo_by_chance=0.12,
        overlap_at_k=6,
        overlap_by_chance=2.5,
        overlap_above_chance=0.47,
        kendall_tau_b=0.3,
        tau_ap=0.2,
    )
    disputed = (
        Disputed(image="cat/4.png", id="id4", rank_a=5, rank_b=31),
        Disputed(image="cat/5.png", id="id5", rank_a=20, rank_b=4),
    )
    curve = Curve(ranks=tuple(range(1, IMAGES + 1)), scores=tuple(1 - rank / 50 for rank in range(IMAGES)))
    won = Won(image="cat/0.png", id="id0", label="cat", rank=1, margin=2.0, rival="dog")
    return QueryResult(
        query=text,
        kind="text",
        rankings={name: hits(images) for name, images in RANKS.items()},
        stratification={"one": list_that("break", 3), "two": list_that("gradual")},
        curves={"one": curve, "two": curve},
        agreement=(Agreement(a="one", b="two", figures=agreement, disputed=disputed),),
        contrast={
            "one": ContrastResult(
                rivals=("dog",), looked_at=9, wins=1, rivals_from=4, lost_before=0, won_after=0, won=(won,)
            )
        },
        related=("a cat on a mat",),
        findings=("Both rank cat/0.png first.",),
    )


def comparison(*queries: QueryResult) -> Comparison:
    """A comparison of two embedders without its pictures."""
    asked = queries or (query(),)
    hub = Hub(image="cat/9.png", id="id9", label="cat", effect=2.5)
    bank = NullBank(
        texts=64,
        left_out=("the sea",),
        unit=0.1,
        quantiles=tuple((percent - 50) / 20 for percent in range(101)),
        hubs=(hub,),
    )
    return Comparison(
        version="1.0",
        created="2026-01-02T03:04:05Z",
        source="my photos",
        images=IMAGES,
        skipped=(),
        embedders=(info("one"), info("two")),
        queries=asked,
        work={},
        overall=Overall(
            stratification={
                name: summarise([q.stratification[name] for q in asked if q.stratification] * 6)
                for name in RANKS
            },
            banks={"one": bank, "two": bank},
            findings=(
                Finding("alike", ("one", "two"), "In part: they share 6."),
                Finding("break", ("one",), "For 1 of 1 query."),
                Finding("break", ("two",), "For 0 of 1 query."),
                Finding("better", (), "Cannot tell: nothing has been judged."),
            ),
        ),
    )
