"""Finding an embedder by its spec: `provider:model?option=value&…`, or a well-known name alone.

A provider is an entry point in the group `diptych.embedders`; the built-in ones are registered the same way.
"""

from __future__ import annotations

import dataclasses
import difflib
import inspect
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from urllib.parse import unquote

from diptych.embedders.base import Embedder, EmbedderUnavailable
from diptych.embedders.templates import parse as parse_templates
from diptych.embedders.templates import with_templates
from diptych.errors import DiptychError

GROUP = "diptych.embedders"

WELL_KNOWN = {
    "clip-ViT-L-14": "sentence-transformers:clip-ViT-L-14",
    "clip-ViT-B-32": "sentence-transformers:clip-ViT-B-32",
    "clip-ViT-B-16": "sentence-transformers:clip-ViT-B-16",
    "mini-s": "mini:s",
    "mini-b": "mini:b",
}
"""Names that stand for a provider and a model."""


@dataclasses.dataclass(frozen=True)
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


def providers() -> dict[str, EntryPoint]:
    """All registered providers by name, built-in and plugged in, none of them imported."""
    return {entry.name: entry for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)}


def load(spec: str) -> Embedder:
    """Make the embedder that a spec names.

    Args:
        spec: `provider:model?option=value&…` or a well-known name, such as `clip-ViT-L-14`. Every provider
            takes the options `template`, the prompt template (`a photo of a {}|a drawing of a {}`), and
            `floor=yes`, for a model that the others should beat.

    Returns:
        The embedder; its `info.name` is the spec as written.

    Raises:
        DiptychError: No such provider (the nearest names are in the message), or a malformed spec.
        EmbedderUnavailable: It can't be used here; the message says what to install, run or set.
    """
    parsed = parse(spec)
    template = parsed.options.pop("template", None)  # of every embedder's texts, and no provider's business
    templates = () if template is None else parse_templates(template)
    floor = _yes_or_no(parsed.options.pop("floor", None))
    known = providers()
    if parsed.provider not in known:
        raise DiptychError(f"no embedder named {parsed.provider!r}{_nearest(parsed.provider, known)}")
    entry = known[parsed.provider]
    try:
        factory = entry.load()
    except Exception as error:  # a plug-in may raise anything while it is imported
        raise EmbedderUnavailable(
            f"{parsed.provider} can't be imported from {entry.value}: {_in_one_line(error)}"
        ) from error
    _check_arguments(parsed, factory)
    try:
        embedder: Embedder = factory(parsed.model, **parsed.options)
        if embedder.info.name != spec.strip():
            embedder.info = dataclasses.replace(embedder.info, name=spec.strip())
        if floor is not None:
            embedder.info = dataclasses.replace(embedder.info, floor=floor)
        embedder = with_templates(embedder, templates)
    except DiptychError:
        raise
    except Exception as error:  # and while it makes its embedder
        raise EmbedderUnavailable(f"{parsed.provider} can't be loaded: {_in_one_line(error)}") from error
    return embedder


def _yes_or_no(floor: str | None) -> bool | None:
    if floor not in (None, "yes", "no"):
        raise DiptychError(f"floor={floor}: write floor=yes or floor=no")
    return None if floor is None else floor == "yes"


def _check_arguments(spec: Spec, factory: Callable[..., Embedder]) -> None:
    """Raise a one-line `EmbedderUnavailable` when a factory can't be called with these options."""
    try:
        signature = inspect.signature(factory)
    except (TypeError, ValueError):  # not callable, or not written in Python: the call will tell
        return
    takes = list(signature.parameters.values())[1:]
    if all(parameter.kind is not parameter.VAR_KEYWORD for parameter in takes):
        reject_unknown_options(spec.provider, spec.options, tuple(parameter.name for parameter in takes))
    try:
        signature.bind(spec.model, **spec.options)
    except TypeError as error:
        raise EmbedderUnavailable(
            f"{spec.provider}: {error}; write {spec.provider}:MODEL?OPTION=VALUE"
        ) from None


def _in_one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")


def _nearest(name: str, known: dict[str, EntryPoint]) -> str:
    names = [*WELL_KNOWN, *known]
    begun = [n for n in names if name and n.lower().startswith(name.lower())]
    if begun:
        return f"; did you mean {' or '.join(begun[:3])}?"
    close = difflib.get_close_matches(name.lower(), [n.lower() for n in names], n=3, cutoff=0.5)
    nearest = [n for n in names if n.lower() in close]
    if nearest:
        return f"; did you mean {' or '.join(nearest)}?"
    return f"; there are {', '.join(names)} (see `diptych embedders`)"


def whole_number(name: str, value: str) -> int:
    """A number from 1, as an option of a spec gives it; raises `EmbedderUnavailable` for anything else."""
    if not (value.isascii() and value.isdigit() and int(value)):
        raise EmbedderUnavailable(f"{name} is a whole number from 1, not {value!r}")
    return int(value)


def reject_unknown_options(provider: str, options: dict[str, str], known: tuple[str, ...] = ()) -> None:
    """Raise a one-line `EmbedderUnavailable` when `options` holds any name that is not in `known`."""
    unknown = sorted(set(options) - set(known))
    if unknown:
        takes = f"it takes {', '.join(known)}" if known else "it takes none"
        raise EmbedderUnavailable(f"{provider} has no option {', '.join(unknown)}: {takes}")
