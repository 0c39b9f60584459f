"""Untrusted text made fit for a terminal or a file name: names and queries may hold anything."""

from __future__ import annotations

import re
import unicodedata


def printable(text: str) -> str:
    """The text without characters that steer a terminal or turn the reading direction (each becomes �)."""
    return "".join("\ufffd" if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else c for c in text)


def file_stem(name: str) -> str:
    """A file name for an embedder: letters, digits, `.`, `_` and `-` stay, the rest becomes `_`."""
    return re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII).strip("._") or "embedder"
