"""What several tests share that is not a fixture."""

from __future__ import annotations

import ctypes
import importlib.util
import io
import os
from pathlib import Path

import pytest
from PIL import Image

SHARED = Path(__file__).resolve().parents[2] / "shared"


def need(module: str) -> None:
    """Skip where an optional package is missing; fail where `DIPTYCH_TEST_ALL` is set, as CI does."""
    if importlib.util.find_spec(module) is None:
        missing(f"{module} is not installed (pip install 'diptych[test]')")
    if module in {"transformers", "sentence_transformers", "open_clip"}:
        from diptych.embedders.torch_models import make_torchvision_importable

        make_torchvision_importable()


def missing(reason: str) -> None:
    """Skip with a reason, or fail where `DIPTYCH_TEST_ALL` says that everything must run."""
    if os.environ.get("DIPTYCH_TEST_ALL"):
        pytest.fail(f"DIPTYCH_TEST_ALL is set, but {reason}")
    pytest.skip(reason)


def let_anybody_in(folder: Path) -> None:
    """Open a folder, and those it is in as far as they are ours to open, to a user who is not root."""
    for each in (folder, *folder.parents):
        if not each.stat().st_mode & 0o001:
            each.chmod(0o755)


def obey_permissions() -> None:
    """Let even root write only where permissions say so, in this process and what it executes (on Linux)."""
    bounding_set_drop, may_write_anywhere = 24, 1  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE
    system = ctypes.CDLL(None)
    system.prctl(bounding_set_drop, may_write_anywhere, 0, 0, 0)
    header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()  # this process, version 3
    system.capget(header, sets)
    for effective_or_permitted in (0, 1):
        sets[effective_or_permitted] &= ~(1 << may_write_anywhere)
    system.capset(header, sets)


def picture_bytes(
    colour: tuple[int, int, int] = (200, 30, 30), size: tuple[int, int] = (64, 48), fmt: str = "PNG"
) -> bytes:
    """One plain picture, encoded."""
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, fmt)
    return buffer.getvalue()
