"""Where Diptych keeps things on this machine: the store of vectors, the cache of downloads, settings."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def store_path() -> Path:
    """The store: `DIPTYCH_STORE`, or `store.sqlite` in the person's data directory."""
    chosen = os.environ.get("DIPTYCH_STORE")
    return Path(chosen).expanduser() if chosen else platformdirs.user_data_path("diptych") / "store.sqlite"


def cache_dir() -> Path:
    """What can be fetched again: `DIPTYCH_CACHE`, or the person's cache directory."""
    chosen = os.environ.get("DIPTYCH_CACHE")
    return Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("diptych")


def prices_path() -> Path:
    """The person's own prices of hosted models: `DIPTYCH_PRICES`, or `prices.toml` among their settings."""
    chosen = os.environ.get("DIPTYCH_PRICES")
    return Path(chosen).expanduser() if chosen else platformdirs.user_config_path("diptych") / "prices.toml"
