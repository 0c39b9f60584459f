"""What a person writes to name an embedder: `provider:model?option=value&…`, or a well-known name alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from diptych.errors import DiptychError

WELL_KNOWN = {
    "clip-ViT-L-14": "sentence-transformers:clip-ViT-L-14",
    "clip-ViT-B-32": "sentence-transformers:clip-ViT-B-32",
    "clip-ViT-B-16": "sentence-transformers:clip-ViT-B-16",
    "mini-s": "mini:s",
    "mini-b": "mini:b",
}
"""Names that stand for a provider and a model."""

_SECRET_OPTION = re.compile(
    r"(?<=[?&])((?:\w+_)?(?:key|apikey|token|secret|password|credentials?|auth))=[^&]*", re.IGNORECASE
)
_SIGNED_IN = re.compile(r"(?<=://)[^/?&\s]*@")  # as in https://user:password@host


@dataclass(frozen=True)
class Spec:
    """A spec taken apart: `vertex:multimodalembedding@001?dimension=512`."""

    provider: str
    model: str
    options: dict[str, str]


def parse(text: str) -> Spec:
    """Take a spec apart, well-known names resolved.

    Args:
        text: What the person wrote.

    Returns:
        The provider, the model (empty for the provider's own choice) and the options.

    Raises:
        DiptychError: The spec is empty, or an option has no value or is given twice.
    """
    head, _, query = text.strip().partition("?")
    provider, _, model = WELL_KNOWN.get(head, head).partition(":")
    if not provider:
        raise DiptychError(f"{text!r} names no embedder: write PROVIDER:MODEL?OPTION=VALUE")
    options: dict[str, str] = {}
    for pair in query.split("&") if query else []:
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise DiptychError(f"{text!r}: options are written ?NAME=VALUE&NAME=VALUE")
        if name in options:
            raise DiptychError(f"{text!r} gives the option {name} twice")
        options[name] = unquote(value)  # a + stays a +: values are often paths
    return Spec(provider, model, options)


def without_secrets(spec: str) -> str:
    """The spec as it may be shown and saved: options such as `api_key` and passwords in addresses are `…`."""
    return _SECRET_OPTION.sub(r"\1=…", _SIGNED_IN.sub("…@", spec))
