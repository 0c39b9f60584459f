"""The published JSON Schema, compared with what tests write."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

FILE = Path(__file__).resolve().parents[1] / "docs" / "schema" / "comparison.schema.json"


@cache
def validator() -> jsonschema.Draft202012Validator:
    """The schema, closed: published it allows for keys to come, but what this version writes is all in it."""
    return jsonschema.Draft202012Validator(_closed(json.loads(FILE.read_text(encoding="utf-8"))))


def assert_valid(comparison: Any) -> None:
    """Fail, naming each place, where a comparison's JSON is not as the schema says."""
    found = [f"{error.json_path}: {error.message}" for error in validator().iter_errors(comparison)]
    assert found == []


def assert_valid_json_in(folder: Path) -> None:
    """The same for every comparison that this version saved somewhere in a folder."""
    for path in folder.rglob("*.json"):
        try:
            saved = json.loads(path.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError, RecursionError):
            continue  # a test's own, torn or not JSON
        if isinstance(saved, dict) and {"diptych", "queries", "summary"} <= saved.keys():
            assert_valid(saved)


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        closed["additionalProperties"] = False
    return closed
