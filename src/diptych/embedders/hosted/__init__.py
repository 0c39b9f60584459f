"""What all hosted embedders share: one client, one embedder. A provider says only what differs.

To add a provider:

1. a file beside `jina.py`: its facts as one `Provider`, from which its `CARD` and its `load` follow, with the
   JSON of a request and of an answer;
2. its entry point in `pyproject.toml`, and what it costs in `embedders/prices.toml`;
3. an emulator such as `emulators/jina.py`, named in `cli/emulate.py`, and a case in
   `tests/embedders/hosted_cases.py`: the tests that hold for all providers then hold for this one.
"""

from __future__ import annotations

from diptych.embedders.hosted.client import Connection, Credentials, HostedClient, RequestLimits
from diptych.embedders.hosted.embedder import HostedEmbedder, in_order, loader, read_vectors
from diptych.embedders.hosted.failures import Words
from diptych.embedders.hosted.keys import ByKey
from diptych.embedders.hosted.provider import HostedSettings, Kind, Model, Provider, card

__all__ = [
    "ByKey",
    "Connection",
    "Credentials",
    "HostedClient",
    "HostedEmbedder",
    "HostedSettings",
    "Kind",
    "Model",
    "Provider",
    "RequestLimits",
    "Words",
    "card",
    "in_order",
    "loader",
    "read_vectors",
]
