"""Print the JSON Schema of a comparison: `python docs/make_schema.py > docs/schema/comparison.schema.json`.

Most of it is made from the dataclasses and what their docstrings say of each field. Where the JSON has another
shape (result/saved.py), that is said here.
"""  # noqa: E501

from __future__ import annotations

import dataclasses
import json
import re
import sys
import types
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from diptych.analysis.agreement import Likeness, RankAgreement, SpaceAgreement
from diptych.analysis.separation import Separation
from diptych.analysis.stratification import Stratification
from diptych.analysis.summary import StratificationSummary
from diptych.embedders.base import EmbedderInfo
from diptych.images import Skipped
from diptych.result.rankings import (
    ContrastResult,
    Curve,
    Disputed,
    DisputedNeighbours,
    Hit,
    NullBank,
    QueryResult,
    Work,
)
from diptych.result.relevance import Relevance
from diptych.store.judgment import Judgment
from diptych.thresholds.threshold import Threshold
from diptych.thresholds.transfer import Transfer

Schema = dict[str, Any]

PLAIN: Mapping[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
}
SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}


class Definitions:
    """The dataclasses met so far, as definitions to refer to."""

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {}

    def of(self, kind: Any) -> Schema:
        """The schema of a type."""
        if kind in PLAIN:
            return dict(PLAIN[kind])
        if dataclasses.is_dataclass(kind):
            return self._refer(kind)
        origin, inner = get_origin(kind), get_args(kind)
        if origin in {Union, types.UnionType}:
            return {"anyOf": [self.of(each) for each in inner]}
        if origin is Literal:
            return {"enum": list(inner)}
        if isinstance(origin, type) and issubclass(origin, Mapping):
            return {"type": "object", "additionalProperties": self.of(inner[1])}
        if origin is tuple and inner[1:] == (Ellipsis,):
            return {"type": "array", "items": self.of(inner[0])}
        if origin is tuple:
            return {"type": "array", "prefixItems": [self.of(each) for each in inner], "items": False}
        raise TypeError(f"no schema for {kind}")

    def _refer(self, kind: Any) -> Schema:
        name = kind.__name__
        if name not in self.schemas:
            self.schemas[name] = self.object(kind)
        return {"$ref": f"#/$defs/{name}"}

    def object(self, kind: Any, leave_out: tuple[str, ...] = (), **other: Schema) -> Schema:
        """A dataclass with all of its fields but some, and `other` properties, which are required too."""
        hints, described = get_type_hints(kind), descriptions(kind)
        own = {
            f.name: self.of(hints[f.name]) | described[f.name]
            for f in dataclasses.fields(kind)
            if f.name not in leave_out and f.name not in other
        }
        if "id" in own:
            own["id"] |= SHA256
        return obj(own | other)


def descriptions(kind: Any) -> dict[str, Schema]:
    """What a dataclass's docstring, or its concepts, say of each field."""
    text = re.sub(r"\s+", " ", (kind.__doc__ or "").partition("Attributes:")[2]).partition(" Raises:")[0]
    names = "|".join(f.name for f in dataclasses.fields(kind))
    parts = re.split(rf" ({names}): ", text)
    said = dict(zip(parts[1::2], parts[2::2], strict=True))
    for f in dataclasses.fields(kind):
        if "concept" in f.metadata and f.name not in said:
            said[f.name] = f.metadata["concept"].reading
    return {
        f.name: {"description": said[f.name].strip()} if f.name in said else {}
        for f in dataclasses.fields(kind)
    }


def obj(properties: Mapping[str, Schema], optional: tuple[str, ...] = ()) -> Schema:
    """An object with these properties; keys may be added to it."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": dict(properties), "required": required}


def each(schema: Schema, description: str = "by the embedder's name") -> Schema:
    """An object whose keys are names."""
    return {"type": "object", "additionalProperties": schema, "description": description}


def array(schema: Schema) -> Schema:
    """Any number of these."""
    return {"type": "array", "items": schema}


def described(schema: Schema, description: str) -> Schema:
    """A schema with a word on it."""
    return schema | {"description": description}


def definitions() -> tuple[Definitions, Schema]:
    """The definitions, and the properties of a whole comparison."""
    found = Definitions()
    hit = found.object(Hit)
    rare = {"caption", "aliases", "itself", "labels"}
    hit["required"] = [name for name in hit["required"] if name not in rare]
    found.schemas["Hit"] = hit
    found.of(Skipped)
    found.schemas["Skipped"]["required"] = ["name", "reason"]
    found.schemas["Ranking"] = obj(
        {
            "hits": described(array({"$ref": "#/$defs/Hit"}), "the first k, best first"),
            "stratification": found.of(Stratification),
            "curve": found.of(Curve),
        },
        optional=("stratification", "curve"),
    )
    found.schemas["Agreement"] = found.object(
        RankAgreement,
        leave_out=("overlap_at_k",),
        a=PLAIN[str],
        b=PLAIN[str],
        overlap_at_10=found.of(int | None) | descriptions(RankAgreement)["overlap_at_k"],
        disputed=array(found.of(Disputed)),
    )
    found.schemas["Spaces"] = found.object(
        SpaceAgreement, a=PLAIN[str], b=PLAIN[str], disputed=array(found.of(DisputedNeighbours))
    )
    query = found.object(
        QueryResult,
        leave_out=("stratification", "curves"),
        rankings=each({"$ref": "#/$defs/Ranking"}),
        agreement=array({"$ref": "#/$defs/Agreement"}),
        contrast=each(found.of(ContrastResult)),
        image_id=SHA256,
    )
    query["required"] = [
        name for name in query["required"] if name not in {"image_id", "thumbnail", "passing"}
    ]
    query["if"] = {"properties": {"kind": {"const": "image"}}}
    query["then"] = {"required": ["image_id", "thumbnail"]}
    found.schemas["Query"] = query
    threshold = found.object(Threshold)
    threshold["required"] = [name for name in threshold["required"] if name not in {"expected", "promise"}]
    found.schemas["Threshold"] = threshold
    infinite = {"type": "array", "items": {"type": ["number", "null"]}}
    found.schemas["Transfer"] = found.object(
        Transfer,
        thresholds=described(
            infinite, descriptions(Transfer)["thresholds"]["description"] + " null keeps everything."
        ),
    )
    grade = described(PLAIN[int], "0 to 3; 0 is irrelevant.")
    found.schemas["Judgment"] = found.object(Judgment, leave_out=("query", "image", "blind"), grade=grade)
    found.schemas["Relevance"] = found.object(Relevance, leave_out=("judgments",))
    return found, {
        "diptych": described(PLAIN[str], "the version that wrote it"),
        "created": {"type": "string", "format": "date-time", "description": "when, in UTC"},
        "collection": obj(
            {
                "source": described(PLAIN[str], "the collection as the person named it"),
                "images": described(PLAIN[int], "how many pictures were ranked"),
                "skipped": array(found.of(Skipped)),
            }
        ),
        "embedders": array(found.of(EmbedderInfo)),
        "queries": array({"$ref": "#/$defs/Query"}),
        "summary": obj(
            {
                "work": each(found.of(Work)),
                "stratification": each(found.of(StratificationSummary)),
                "banks": each(found.of(NullBank)),
                "agreement": array({"$ref": "#/$defs/Spaces"}),
                "findings": array(PLAIN[str]),
                "likeness": array(found.of(Likeness)),
                "separation": array(found.of(Separation)),
            }
        ),
        "relevance": {"$ref": "#/$defs/Relevance", "description": "what judgments say; absent without any"},
    }


def main() -> None:
    """Print the schema."""
    found, properties = definitions()
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A comparison, as Diptych saves it",
        "description": "Keys may be added; none is renamed or removed. docs/json.md says it in words.",
        **obj(properties, optional=("relevance",)),
        "$defs": dict(sorted(found.schemas.items())),
    }
    sys.stdout.write(json.dumps(schema, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
