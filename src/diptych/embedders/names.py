"""What the embedders of a run are called: a short name of the person's own, or the telling part of the spec.

names_of(["vertex?project=P&dimension=512", "vertex?project=P&dimension=1408", "onnx:/models/clip"])
["vertex dimension=512", "vertex dimension=1408", "clip"]
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from diptych.embedders.spec import WELL_KNOWN, Spec, parse, without_secrets
from diptych.errors import DiptychError

_SHORT_NAME = re.compile(r"[^\W_][\w.+ -]*")
_WELL_KNOWN = {meaning: name for name, meaning in WELL_KNOWN.items()}

_SAYS_LITTLE = frozenset(
    {"batch_size", "concurrency", "endpoint", "project", "requests_per_minute", "threads", "timeout"}
)
"""Options that tell specs apart only where no other does: vectors don't depend on them."""

_LONGEST = 32
"""Characters of an option's value that a name holds, unless it takes more to tell two apart."""


def split_alias(text: str) -> tuple[str | None, str]:
    """The short name and the spec of `clip=clip-ViT-L-14`; None and the spec where there is no short name.

    A `=` after `?`, `:` or `/` is an option's and makes no short name: `vertex?project=P`.

    Raises:
        DiptychError: The short name can't be one, or there is no spec after it.
    """
    text = text.strip()
    before, equals, spec = text.partition("=")
    if not equals or any(mark in before for mark in "?:/"):
        return None, text
    alias = check_alias(before)
    if not spec.strip():
        raise DiptychError(f"{text!r} has a short name and no embedder: write {alias}=SPEC")
    return alias, spec.strip()


def check_alias(alias: str) -> str:
    """A short name, without space around it.

    Raises:
        DiptychError: It can't be one.
    """
    name = alias.strip()
    if not _SHORT_NAME.fullmatch(name):
        raise DiptychError(
            f"{name!r} can't be a short name: it begins with a letter or a digit, and holds letters, digits,"
            " spaces and . + - _ only"
        )
    return name


def names_of(specs: Sequence[str], taken: Collection[str] = ()) -> list[str]:
    """What to call the embedders of a run: as little of each spec as tells them apart.

    Args:
        specs: As written, each once.
        taken: What other embedders of the run are called.

    Returns:
        One name per spec, none of them empty, no two alike and none `taken`; never a secret. A spec's name
        depends on which others there are, not on their order.

    Raises:
        DiptychError: A spec is malformed.
    """
    parsed = {spec.strip(): parse(without_secrets(spec)) for spec in specs}
    heads = _heads({(each.provider, each.model) for each in parsed.values()}, taken)
    of_head: dict[str, list[str]] = defaultdict(list)
    for spec, each in parsed.items():
        of_head[heads[each.provider, each.model]].append(spec)
    names: dict[str, str] = {}
    for head, alike in of_head.items():
        others = [Spec("", "", {})] if head in taken else []
        told = _tell_apart([*others, *(parsed[spec] for spec in alike)])[len(others) :]
        names |= {spec: f"{head} {options}".rstrip() for spec, options in zip(alike, told, strict=True)}
    numbered = _numbered(names, taken)
    return [numbered[spec.strip()] for spec in specs]


def name_all(embedders: Sequence[tuple[str | None, str]]) -> list[str]:
    """The names of a run's embedders.

    Args:
        embedders: Of each its short name, None where it has none, and its spec.
    """
    taken = {alias for alias, _ in embedders if alias is not None}
    told = iter(names_of([spec for alias, spec in embedders if alias is None], taken))
    return [next(told) if alias is None else alias for alias, _ in embedders]


def as_written(embedders: Sequence[tuple[str, str]]) -> list[str]:
    """What to write after each `-e`, so that embedders are called so again: `NAME=SPEC` where it takes that.

    Args:
        embedders: Of each its name, and its spec, which is empty where it is not known.
    """
    names = [name for name, _ in embedders]
    if any(_is_malformed(spec) for _, spec in embedders if spec):  # a saved comparison may come from anyone
        return [spec or name for name, spec in embedders]
    can_be = {name for name, spec in embedders if spec and _SHORT_NAME.fullmatch(name)}
    own = {name for name, spec in embedders if name in can_be and not _told_by(spec, name)}
    for short in (set[str](), own, can_be):
        run = [(name if name in short or not spec else None, spec) for name, spec in embedders]
        if name_all(run) == names:
            break
    return [f"{name}={spec}" if spec and name in short else spec or name for name, spec in embedders]


def _is_malformed(spec: str) -> bool:
    try:
        parse(spec)
    except DiptychError:
        return True
    return False


def _told_by(spec: str, name: str) -> bool:
    """Whether a spec alone may have led to this name."""
    each = parse(spec)
    return any(f"{name} ".startswith(f"{head} ") for head in _heads_of(each.provider, each.model))


def _heads_of(provider: str, model: str) -> list[str]:
    """What a provider's model may be called, from short to long; the last is no other's."""
    whole = f"{provider}:{model}" if model else provider
    parts = [part for part in re.split(r"[/\\]", model) if part.strip()]
    tails = ["/".join(parts[-length:]).strip() for length in range(1, len(parts) + 1)]
    telling = [tail for tail in tails if len(tail) >= 3 and any(letter.isalpha() for letter in tail)]
    known = [_WELL_KNOWN[whole]] if whole in _WELL_KNOWN else []
    return list(dict.fromkeys([*known, *telling, whole]))


def _heads(models: Iterable[tuple[str, str]], taken: Collection[str]) -> dict[tuple[str, str], str]:
    """What each provider's model is called: of those that would be called alike each says more."""
    possible = {model: _heads_of(*model) for model in models}
    while True:
        heads = {model: of_model[0] for model, of_model in possible.items()}
        times = Counter(heads.values())
        alike = [
            model
            for model, head in heads.items()
            if (times[head] > 1 or head in taken) and len(possible[model]) > 1
        ]
        if not alike:
            return heads
        for model in alike:
            del possible[model][0]


def _tell_apart(specs: Sequence[Spec]) -> list[str]:
    """The options that tell specs of one model apart: one where one does; the same where none do."""
    options = [spec.options for spec in specs]
    keys = {key for each in options for key in each}
    differ = [key for key in keys if len({each.get(key) for each in options}) > 1]
    differ.sort(key=lambda key: (key in _SAYS_LITTLE, key))
    told = [""] * len(specs)
    for show in (_cut, str):
        for shown in (*([key] for key in differ), differ):
            told = [_show(each, shown, show) for each in options]
            if len(set(told)) == len(told):
                return told
    return told


def _show(options: Mapping[str, str], keys: Iterable[str], show: Callable[[str], str]) -> str:
    return " ".join(f"{key}={show(options[key])}" for key in keys if key in options)


def _cut(value: str) -> str:
    half = _LONGEST // 2
    return value if len(value) <= _LONGEST else f"{value[: half - 1]}…{value[-half:]}"


def _numbered(names: Mapping[str, str], taken: Collection[str]) -> dict[str, str]:
    """The same names, numbered where two are alike: specs may differ in nothing that can be shown."""
    used, numbered = set(taken), {}
    for spec in sorted(names, key=lambda spec: (len(spec), spec)):
        name, number = names[spec], 1
        while name in used:
            number += 1
            name = f"{names[spec]} #{number}"
        used.add(name)
        numbered[spec] = name
    return numbered
