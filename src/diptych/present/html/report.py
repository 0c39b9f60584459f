"""A comparison as one self-contained HTML file: pictures and script inside, nothing fetched.

Everything but the large view of a picture and the keys works without its script. Each picture is in the file
once, in an SVG that all its uses refer to. What is shown is computed elsewhere; here it is laid out.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, Environment, PackageLoader, StrictUndefined

from diptych.analysis.agreement import RankAgreement, SpaceAgreement
from diptych.analysis.stratification import Stratification
from diptych.analysis.summary import FIGURES, NO_PROOF
from diptych.concept import concepts
from diptych.embedders.base import EmbedderInfo
from diptych.evaluation.sentences import percent
from diptych.present.html import curves, front, layout
from diptych.present.html import relevance as judged
from diptych.present.html.pictures import MOST_CONTRADICTIONS, Embedded, embed_pictures
from diptych.result import Comparison, Hub
from diptych.result.breaks import break_in_words, verdict_in_words
from diptych.tabular import write_text
from diptych.text import count, dollars, printable


def write_report(comparison: Comparison, path: Path) -> Path:
    """Write the report.

    Args:
        comparison: What to show; one opened from a file finds its pictures again where they still are.
        path: The file to write.

    Returns:
        The path.

    Raises:
        DiptychError: The file can't be written.
    """
    write_text(path, render(comparison))
    return path


def render(comparison: Comparison, pictures: Mapping[str, Embedded] | None = None, kept: str = "") -> str:
    """The report as one HTML page.

    Args:
        comparison: What to show.
        pictures: Its pictures; by default made as large as a report carries them.
        kept: A sentence on what the file holds, where that is less than all.
    """
    if pictures is None:
        pictures = embed_pictures(comparison)
    script = files("diptych.present").joinpath("templates", "report.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    template = environment(PackageLoader("diptych.present")).get_template("report.html")
    return template.render(**parts(comparison, pictures), script=script, digest=digest, kept=kept)


def parts(comparison: Comparison, pictures: Mapping[str, Embedded]) -> dict[str, Any]:
    """What the templates lay out, by the names that they use.

    Args:
        comparison: What to show.
        pictures: How to show each picture, by its id.
    """
    names = [info.name for info in comparison.embedders]
    return {
        "comparison": comparison,
        "names": names,
        "index": {name: index for index, name in enumerate(names)},
        "pictures": pictures,
        "facts": {info.name: _facts(info) for info in comparison.embedders},
        "price": {info.name: _price(info) for info in comparison.embedders},
        "answers": layout.answers(comparison.overall.findings),
        "front": front.answers(comparison),
        "glances": front.glances(comparison),
        "disputes": layout.worst_disputes(comparison),
        "figures": (*layout.figures(), *(judged.figures() if comparison.relevance else ())),
        "command": layout.command(comparison),
        "list_concepts": concepts(Stratification),
        "cut_concepts": layout.cut_concepts(),
        "space_concepts": concepts(SpaceAgreement),
        "hub_concepts": concepts(Hub),
        "pair_concepts": concepts(RankAgreement),
        "most_contradictions": MOST_CONTRADICTIONS,
        "averaged": FIGURES,
        "no_proof": NO_PROOF,
    }


def environment(loader: BaseLoader) -> Environment:
    """An environment for the templates, with the filters and functions that they use."""
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": percent,
        "printable": printable,
        "letter": curves.letter,
        "short": layout.short,
        "file_name": layout.file_name,
        "figure": _figure,
        "count": count,
        "thousands": _thousands,
        "break_in_words": break_in_words,
        "verdict_in_words": verdict_in_words,
    }
    environment.globals |= {
        "columns": layout.columns,
        "judged": judged,
        "span": layout.span,
        "hinges": layout.hinges,
        "charts": curves.charts,
        "plotted": layout.Plotted,
        "rank_ticks": curves.rank_ticks,
        "height_ticks": curves.height_ticks,
        "row_height": layout.ROW,
        "headings": layout.HEADINGS,
        "order": layout.ORDER,
        "own_findings": layout.own_findings,
        "on_rivals": layout.on_rivals,
    }
    return environment


def _figure(value: Any) -> str:
    """A figure in a table: three digits, a range as `3–12`, a dash where there is none."""
    if value is None:
        return "–"
    if isinstance(value, tuple):
        return "–".join(map(_figure, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {part}" for name, part in value.items())
    if isinstance(value, float):
        digits = f"{value:.1g}" if 0 < abs(value) < 0.01 else f"{value:.2f}"
        return digits.replace("-", "−", 1) if value < 0 else digits
    return _thousands(value) if isinstance(value, int) else str(value)


def _thousands(number: int) -> str:
    """A count or a rank as a person reads it: 12,345."""
    return f"{number:,}"


def _facts(info: EmbedderInfo) -> list[tuple[str, str]]:
    """What the reader must know to judge whether the comparison is fair."""
    cut = f"cut after {info.max_text_tokens} tokens" if info.max_text_tokens else "no limit stated"
    facts = [
        ("model", info.model),
        ("sees", info.preprocessing),
        ("text", cut),
        *([("text put into", _templates(info))] if info.templates else []),
        ("vectors", f"{info.dimension:,} numbers"),
        ("price", _price(info)),
        ("licence", info.licence or "not stated"),
    ]
    return [*facts, ("retires", info.retires)] if info.retires else facts


def _templates(info: EmbedderInfo) -> str:
    quoted = ", ".join(f"“{template}”" for template in info.templates)
    return quoted if len(info.templates) == 1 else f"{quoted}: the mean of their unit vectors"


def _price(info: EmbedderInfo) -> str:
    if info.price_per_image is None and info.price_per_1k_characters is None:
        return "free" if info.price_known else "not known"
    prices = [f"{dollars(info.price_per_image or 0)} a picture"]
    if info.price_per_1k_characters:
        prices.append(f"{dollars(info.price_per_1k_characters)} for 1,000 characters of text")
    if not info.price_known:
        prices = [price for price in prices if not price.startswith("$0 ")] + ["the rest not known"]
    return ", ".join(prices)
