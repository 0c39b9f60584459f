"""Finding an embedder by its spec: `provider:model?option=value&…`, or a well-known name alone.

A provider is an entry point in the group `diptych.embedders`; the built-in ones are registered the same way.
"""

from __future__ import annotations

import copy
import dataclasses
import difflib
import inspect
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import TypeAlias

from diptych.arguments import checked
from diptych.embedders.base import Embedder, EmbedderUnavailable
from diptych.embedders.names import check_alias, name_all, names_of, split_alias
from diptych.embedders.spec import WELL_KNOWN, Spec, parse, without_secrets
from diptych.embedders.templates import parse as parse_templates
from diptych.embedders.templates import with_templates
from diptych.errors import DiptychError

GROUP = "diptych.embedders"

Embedders: TypeAlias = str | Sequence[str | Embedder] | Mapping[str, str | Embedder]
"""The embedders of a run: specs, `NAME=SPEC` among them, or embedders; or either by the short name."""


def providers() -> dict[str, EntryPoint]:
    """All registered providers by name, built-in and plugged in, none of them imported."""
    return {entry.name: entry for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)}


def known_names() -> list[str]:
    """What a spec may begin with: well-known names and providers."""
    return [*WELL_KNOWN, *providers()]


@checked
def load(spec: str) -> Embedder:
    """Make the embedder that a spec names.

    Args:
        spec: `provider:model?option=value&…` or a well-known name, such as `clip-ViT-L-14`. Every provider
            takes the options `template`, the prompt template (`a photo of a {}|a drawing of a {}`), and
            `floor=yes`, for a model that the others should beat. `NAME=SPEC` gives it a short name.

    Returns:
        The embedder. Its `info.spec` is the spec as written, but for secrets, and its `info.name` the short
        name: the one given, or the telling part of the spec.

    Raises:
        DiptychError: No such provider (the nearest names are in the message), or a malformed spec.
        EmbedderUnavailable: It can't be used here; the message says what to install, run or set.
    """
    alias, spec = split_alias(spec)
    parsed = parse(spec)
    name = names_of([spec])[0] if alias is None else alias
    template = parsed.options.pop("template", None)  # of every embedder's texts, and no provider's business
    templates = () if template is None else parse_templates(template)
    floor = _yes_or_no(parsed.options.pop("floor", None))
    known = providers()
    if parsed.provider not in known:
        raise DiptychError(f"no embedder named {parsed.provider!r}{_nearest(parsed.provider)}")
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
        embedder.info = dataclasses.replace(embedder.info, name=name, spec=without_secrets(spec))
        if floor is not None:
            embedder.info = dataclasses.replace(embedder.info, floor=floor)
        embedder = with_templates(embedder, templates)
    except DiptychError:
        raise
    except Exception as error:  # and while it makes its embedder
        raise EmbedderUnavailable(f"{parsed.provider} can't be loaded: {_in_one_line(error)}") from error
    return embedder


def load_all(embedders: Embedders) -> list[Embedder]:
    """Make the embedders of a run, each with a name that no other has; see `names.names_of` for these names.

    Args:
        embedders: As a person gives them. An embedder that is one already keeps a name of its own.

    Raises:
        DiptychError: None is named, a short name can't be one, one is named twice, or as `load`.
        EmbedderUnavailable: As `load`.
    """
    given = _by_alias(embedders)
    if not given:
        raise DiptychError("no embedder is named: give at least one, such as palette")
    aliases = [alias for alias, _ in given if alias is not None]
    if twice := next((alias for alias in aliases if aliases.count(alias) > 1), None):
        raise DiptychError(f"two embedders are given the short name {twice!r}: give each its own")
    loaded = [load(each) if isinstance(each, str) else each for _, each in given]
    to_name = [
        (alias or _own_name(embedder), each if isinstance(each, str) else embedder.info.spec)
        for (alias, each), embedder in zip(given, loaded, strict=True)
    ]
    names = name_all(to_name)
    if len(set(names)) < len(names):
        raise DiptychError(f"an embedder is named twice: {', '.join(names)}")
    return [_called(embedder, name) for embedder, name in zip(loaded, names, strict=True)]


def specs_among(embedders: Embedders) -> list[bool]:
    """Of each embedder of a run whether it was given as a spec."""
    return [isinstance(each, str) for _, each in _by_alias(embedders)]


def _by_alias(embedders: Embedders) -> list[tuple[str | None, str | Embedder]]:
    if isinstance(embedders, Mapping):
        return [(check_alias(alias), each) for alias, each in embedders.items()]
    several = [embedders] if isinstance(embedders, str) else embedders
    return [split_alias(each) if isinstance(each, str) else (None, each) for each in several]


def _own_name(embedder: Embedder) -> str | None:
    """An embedder's name; None where it is only what its spec alone leads to, which others' may be too."""
    info = embedder.info
    return None if info.spec and names_of([info.spec]) == [info.name] else info.name


def _called(embedder: Embedder, name: str) -> Embedder:
    if embedder.info.name == name:
        return embedder
    other = copy.copy(embedder)  # whoever made the embedder keeps it as it was
    other.info = dataclasses.replace(embedder.info, name=name)
    return other


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


def _nearest(name: str) -> str:
    names = known_names()
    nearest = [n for n in names if name and n.lower().startswith(name.lower())][:3]
    if not nearest:
        close = difflib.get_close_matches(name.lower(), [n.lower() for n in names], n=3, cutoff=0.5)
        nearest = sorted((n for n in names if n.lower() in close), key=lambda n: close.index(n.lower()))
    if not nearest:
        return f"; there are {', '.join(names)} (see `diptych embedders`)"
    own = f" A short name of your own is written NAME=SPEC, such as my-model={nearest[0]}"
    return f"; did you mean {' or '.join(nearest)}?{own}"


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
