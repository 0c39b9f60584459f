"""What all hosted embedders share: one client, one embedder. A provider says only what differs."""

from __future__ import annotations

from diptych.embedders.hosted.client import Access, Connection, HostedClient, Manners
from diptych.embedders.hosted.embedder import HostedEmbedder, in_order, read_vectors
from diptych.embedders.hosted.failures import Words
from diptych.embedders.hosted.keys import Key, by_key
from diptych.embedders.hosted.provider import Kind, Model, Provider, Settings, card

__all__ = [
    "Access",
    "Connection",
    "HostedClient",
    "HostedEmbedder",
    "Key",
    "Kind",
    "Manners",
    "Model",
    "Provider",
    "Settings",
    "Words",
    "by_key",
    "card",
    "in_order",
    "read_vectors",
]
