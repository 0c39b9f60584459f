"""What all embedders that run on torch have in common: the packages, the device, the options of a spec."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from diptych.embedders import huggingface
from diptych.embedders.base import EmbedderUnavailable
from diptych.embedders.registry import whole_number
from diptych.embedders.speed import FAST

PRECISIONS = ("float32", "bfloat16", "float16", FAST)

OPTIONS = ("device", "revision", "batch_size", "precision")

PACKAGES = ("torch", "torchvision", "transformers", "tokenizers")
"""What a model's facts may depend on, as it is installed."""

_COMPILED = ("nms", "qnms")
"""Operations of torchvision's compiled half that its other half asks for while it is imported."""

_kept: list[Any] = []  # torch forgets what a library declared when the library is forgotten


@dataclass(frozen=True)
class TorchSettings:
    """The options of a spec, checked.

    Attributes:
        device: Where torch runs the model; None for the fastest here.
        revision: Of a model on the Hub; None for its main branch.
        batch_size: Items in one call; None for what suits the device.
        precision: One of `PRECISIONS`: a torch type, of the weights and of what is computed, or `fast`.
    """

    device: str | None
    revision: str | None
    batch_size: int | None
    precision: str

    @classmethod
    def parse(cls, options: Mapping[str, str]) -> TorchSettings:
        """Read options as they are written in a spec; raises `EmbedderUnavailable` for one that can't be."""
        precision = options.get("precision", "float32")
        if precision not in PRECISIONS:
            raise EmbedderUnavailable(f"precision is one of {', '.join(PRECISIONS)}, not {precision!r}")
        return cls(
            device=options.get("device") or None,
            revision=options.get("revision") or None,
            batch_size=whole_number("batch_size", options["batch_size"]) if "batch_size" in options else None,
            precision=precision,
        )


def import_packages(package: str, extra: str) -> None:
    """Import torch and a package that builds on it, or say what to install.

    Args:
        package: Its import name.
        extra: The extra of Diptych that brings both.

    Raises:
        EmbedderUnavailable: One of them is missing or broken.
    """
    again = f"pip install --force-reinstall 'diptych[{extra}]'"
    try:
        importlib.import_module("torch")
        make_torchvision_importable()
        importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name in {"torch", package}:
            raise EmbedderUnavailable(
                f"{error.name} is not installed: pip install 'diptych[{extra}]'"
            ) from None
        raise EmbedderUnavailable(
            f"{package} is installed but can't be imported ({_first_line(error)}): {again}"
        ) from error
    except Exception as error:  # whatever a half-working installation raises: OSError, RuntimeError, …
        raise EmbedderUnavailable(
            f"{package} is installed but can't be imported ({_first_line(error)}): {again}"
        ) from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def make_torchvision_importable() -> None:
    """Let a torchvision that was built for another torch be imported, or keep it from taking others down.

    PyPI's torchvision is built for CUDA and raises at import beside a CPU build of torch: its compiled half
    can't be loaded, and its other half declares shapes for operations that are then missing. open_clip and
    transformers import it wherever it is installed and use nothing of the compiled half, so declaring those
    operations is enough. Where even this does not help, it counts as not installed.
    """
    if "torchvision" in sys.modules or importlib.util.find_spec("torchvision") is None:
        return
    try:
        importlib.import_module("torchvision")
    except Exception:  # noqa: BLE001 (a build for another torch raises RuntimeError, OSError, AttributeError)
        _forget("torchvision")
        _declare_operations()
        try:
            importlib.import_module("torchvision")
        except Exception:  # noqa: BLE001 (the same)
            _forget("torchvision")
            cast("dict[str, Any]", sys.modules)["torchvision"] = None  # Python's own mark for "not installed"


def _forget(package: str) -> None:
    """Take what is left of a failed import out of the way of the next."""
    for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
        del sys.modules[name]


def _declare_operations() -> None:
    import torch

    of_torch: Any = torch.library  # untyped
    library = of_torch.Library("torchvision", "FRAGMENT")
    for name in _COMPILED:
        if not hasattr(torch.ops.torchvision, name):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _kept.append(library)


def pick_device(device: str | None) -> str:
    """The device to run on: the one asked for, otherwise cuda, mps or cpu, the first that there is.

    Raises:
        EmbedderUnavailable: The one asked for can't be used here.
    """
    import torch

    if device is None:
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.zeros(1, device=device).cpu()
    except Exception as error:  # RuntimeError, AssertionError, NotImplementedError: each device has its own
        raise EmbedderUnavailable(
            f"device={device} can't be used here ({huggingface.one_line(error)}): take cpu, cuda or mps"
        ) from error
    return device


@contextmanager
def full_device_said(device: object) -> Iterator[None]:
    """Say in plain words that a device is full."""
    import torch

    try:
        yield
    except torch.cuda.OutOfMemoryError as error:
        raise EmbedderUnavailable(
            f"there is not enough memory on {device} for a batch: "
            "try a smaller batch_size, precision=bfloat16 or device=cpu"
        ) from error
