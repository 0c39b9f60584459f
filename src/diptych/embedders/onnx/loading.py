"""What must be there before an exported model is opened: options that make sense, and the packages."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass

from diptych.embedders import speed
from diptych.embedders.base import EmbedderUnavailable
from diptych.embedders.onnx.layout import SUFFIXES
from diptych.embedders.onnx.sessions import short_name
from diptych.embedders.registry import whole_number

MODULES = ("onnxruntime", "tokenizers", "huggingface_hub")
"""The packages, by import name."""


@dataclass(frozen=True)
class OnnxSettings:
    """The options of a spec, checked.

    Attributes:
        variant: A name that `layout.SUFFIXES` knows.
        threads: Of one call with pictures.
        threads_of_texts: Of one call with texts; 0 for as many as there are cores.
        provider: What onnxruntime runs the model on.
        revision: Of a model on the Hub; None for its main branch.
        batch_size: Items in one call.
        concurrency: How many calls run at once.
        fast: Whether large JPEGs are decoded at a reduced size.
    """

    variant: str
    threads: int
    threads_of_texts: int
    provider: str
    revision: str | None
    batch_size: int
    concurrency: int
    fast: bool

    @classmethod
    def parse(cls, options: Mapping[str, str]) -> OnnxSettings:
        """Read options as they are written in a spec; raises `EmbedderUnavailable` for one that can't be."""
        variant = options.get("variant", "fp32")
        if variant not in SUFFIXES:
            raise EmbedderUnavailable(f"variant is one of {', '.join(SUFFIXES)}, not {variant!r}")
        precision = options.get("precision", "exact")
        if precision not in {"exact", "fast"}:
            raise EmbedderUnavailable(
                f"precision is exact or fast, not {precision!r}: an export's numbers are chosen with variant"
            )
        threads = whole_number("threads", options.get("threads", "1"))
        provider = options.get("provider") or "cpu"
        asked = whole_number("batch_size", options["batch_size"]) if "batch_size" in options else None
        cores = max(1, (os.cpu_count() or 1) // threads)
        batch_size, concurrency = speed.calls(short_name(provider), asked, cores)
        return cls(
            variant=variant,
            threads=threads,
            threads_of_texts=threads if "threads" in options else 0,
            provider=provider,
            revision=options.get("revision") or None,
            batch_size=batch_size,
            concurrency=concurrency,
            fast=precision == "fast",
        )


def import_libraries() -> None:
    """Import the packages, or say what to install.

    Raises:
        EmbedderUnavailable: One of them is missing or broken.
    """
    for name in MODULES:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
            raise EmbedderUnavailable(f"{name} is not installed: pip install 'diptych[onnx]'") from None
        except ImportError as error:  # a system library is missing
            first_line = next(iter(str(error).splitlines()), name)
            raise EmbedderUnavailable(
                f"{name} is installed but can't be imported ({first_line}): "
                f"pip install --force-reinstall {name}"
            ) from error
