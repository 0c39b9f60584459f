"""What differs between hosted providers, as a value; and a spec's options read for one of them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from diptych.embedders.base import EmbedderUnavailable
from diptych.embedders.cards import ModelCard, ProviderCard
from diptych.embedders.hosted.client import Connection, RequestLimits
from diptych.embedders.hosted.keys import ByKey
from diptych.embedders.prices import terms
from diptych.embedders.registry import reject_unknown_options

if TYPE_CHECKING:
    import httpx2

Kind = Literal["image", "text"]
Connect = Callable[["HostedSettings", "httpx2.Client"], Connection]

OPTIONS = ("dimension", "endpoint", "model", "requests_per_minute", "concurrency", "timeout")
"""What every hosted provider takes."""

_NOTICE_DAYS = 180


@dataclass(frozen=True)
class Model:
    """What is known of one model.

    Attributes:
        dimensions: The lengths of vectors that it makes.
        default: The length where none is asked for.
        text_tokens: How much of a text it reads, or None where that is not known.
    """

    dimensions: Sequence[int]
    default: int
    text_tokens: int | None = None


@dataclass(frozen=True, kw_only=True)
class Provider:
    """One hosted service: what differs from all others.

    Attributes:
        name: The name in specs.
        about: What it is, in a line.
        title: The service, in sentences: "Vertex AI".
        maker: Who runs it: "Google".
        domain: Of the maker's own addresses; what answers elsewhere is taken for a stand-in.
        endpoint: The address that requests go to unless an option says otherwise.
        models: The models that are known, the default first.
        connect: Finds credentials and address.
        ask: Makes the JSON of a request for pictures (as base64 of JPEG) or texts.
        read: Finds the vectors, one after another, in an answer's JSON; raises where there are none.
        sides: As what pictures and as what texts are sent, for whoever compares; or empty.
        form: The same in short, for the fingerprint: vectors change with it. Never to be reworded.
        route: The way to a model that there are several ways to, such as " on Vertex AI".
        sees: What the maker says it does to pictures, or empty.
        last_weeks: What else to know of a retirement, or empty.
        batch_size: The most items in one request.
        requests_per_minute: The rate that everybody is allowed, or None where none is known.
        options: What it takes besides `OPTIONS`.
        spec: A spec to copy, where it is more than the default model.
        needs: What a person must have or set, in words, where it is more than an account and its key.
        modules: Packages that it imports, by import name.
        extra: The extra of Diptych that brings them.
    """

    name: str
    about: str
    title: str
    maker: str
    domain: str
    endpoint: str
    models: Mapping[str, Model]
    connect: Connect
    ask: Callable[[HostedSettings, Kind, Sequence[str]], Mapping[str, Any]]
    read: Callable[[Kind, Any], Any]
    sides: str = ""
    form: str = ""
    route: str = ""
    sees: str = ""
    last_weeks: str = ""
    batch_size: int = 1
    requests_per_minute: float | None = None
    options: tuple[str, ...] = ()
    spec: str = ""
    needs: str = ""
    modules: tuple[str, ...] = ()
    extra: str | None = None

    def settings(self, model: str, options: Mapping[str, str]) -> HostedSettings:
        """Read a spec's model and options.

        Raises:
            EmbedderUnavailable: An option is unknown or has a value that can't be.
        """
        reject_unknown_options(self.name, dict(options), (*self.options, *OPTIONS))
        name = _model(self, model, options.get("model", ""))
        per_minute = self._number("requests_per_minute", options, self.requests_per_minute or 0.0, 0.0, 1e6)
        return HostedSettings(
            provider=self,
            model=name,
            dimension=_dimension(self, name, options.get("dimension", "")),
            endpoint=_endpoint(self.name, options.get("endpoint") or self.endpoint),
            limits=RequestLimits(
                requests_per_minute=per_minute or None,
                concurrency=int(self._number("concurrency", options, 8, 1, 64, int)),
                timeout=self._number("timeout", options, 30.0, 0.01, 600.0),
            ),
            options={option: options[option] for option in self.options if options.get(option)},
        )

    def _number(
        self,
        name: str,
        options: Mapping[str, str],
        default: float,
        least: float,
        most: float,
        kind: Callable[[str], float] = float,
    ) -> float:
        text = options.get(name, str(default))
        try:
            number = kind(text)
        except ValueError:
            number = math.nan
        if not least <= number <= most:
            raise EmbedderUnavailable(
                f"{self.name}'s {name} can't be {text!r}: it takes {least:g} to {most:g}"
            )
        return number


@dataclass(frozen=True, kw_only=True)
class HostedSettings:
    """Which model of a provider is asked, where, and how fast.

    Attributes:
        provider: The service.
        model: The model.
        dimension: The length of vectors to ask for.
        endpoint: The address, without a slash at its end.
        limits: How fast it is asked.
        options: The provider's own options that are set.
    """

    provider: Provider
    model: str
    dimension: int
    endpoint: str
    limits: RequestLimits
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """The host that answers, with its port."""
        return urlsplit(self.endpoint).netloc.lower()

    @property
    def genuine(self) -> bool:
        """Whether it is the maker that answers, not a stand-in."""
        name, domain = urlsplit(self.endpoint).hostname or "", self.provider.domain
        return name == domain or name.endswith(f".{domain}")


def card(provider: Provider) -> ProviderCard:
    """The provider's entry in the catalogue, with the terms of its default model."""
    model = next(iter(provider.models))
    found = terms(provider.name, model)
    licence = f"{provider.maker}'s terms of service"
    key = provider.connect.variable if isinstance(provider.connect, ByKey) else None
    return ProviderCard(
        about=provider.about,
        spec=provider.spec or f"{provider.name}:{model}",
        needs=provider.needs or f"an account at {provider.maker}, and its key in {key}",
        key=key,
        modules=provider.modules,
        extra=provider.extra,
        licence=licence,
        price=found.price,
        retires=found.retires.isoformat() if found.retires else None,
        models=tuple(_model_card(provider, name, licence) for name in provider.models),
    )


def _model_card(provider: Provider, name: str, licence: str) -> ModelCard:
    model, found = provider.models[name], terms(provider.name, name)
    return ModelCard(
        spec=f"{provider.name}:{name}",
        dimension=model.default,
        sees="the whole picture",
        text_tokens=model.text_tokens,
        licence=licence,
        price_per_1k_images=None if found.per_image is None else 1000 * found.per_image,
        speed="network",
        retires=found.retires.isoformat() if found.retires else None,
    )


def retirement_notice(provider: Provider, model: str, today: date) -> str | None:
    """What to warn of on a day, or None while a model's retirement is unknown or more than 180 days away.

    Args:
        provider: Whose model it is.
        model: The model.
        today: The day.
    """
    retires = terms(provider.name, model).retires
    if retires is None or (retires - today).days > _NOTICE_DAYS:
        return None
    if today >= retires:
        return (
            f"{provider.maker} retired {model} on {retires}:"
            " calls will fail, stored vectors can still be compared"
        )
    return (
        f"{provider.maker} retires {model} on {retires}{provider.last_weeks}:"
        " embed what you need until then, stored vectors can still be compared afterwards"
    )


def _model(provider: Provider, in_spec: str, in_options: str) -> str:
    if in_spec and in_options and in_spec != in_options:
        raise EmbedderUnavailable(
            f"{provider.name} is given two models, {in_spec} and {in_options}: name one"
        )
    name = in_spec or in_options or next(iter(provider.models))
    if not re.fullmatch(r"[\w.@:-]+", name, re.ASCII):  # it becomes part of an address
        raise EmbedderUnavailable(
            f"{provider.name} has no model {name!r}: it takes {_listed(provider.models)}"
        )
    return name


def _dimension(provider: Provider, model: str, text: str) -> int:
    known = provider.models.get(model)
    if known is None:
        if not re.fullmatch(r"[1-9]\d{0,4}", text, re.ASCII):
            raise EmbedderUnavailable(
                f"{provider.name} is known to have {_listed(provider.models)}:"
                f" for {model!r} also say dimension="
            )
        return int(text)
    if text and text not in map(str, known.dimensions):
        raise EmbedderUnavailable(
            f"{provider.name} has no dimension {text!r}: it takes {_listed(known.dimensions)}"
        )
    return int(text or known.default)


def _listed(names: Sequence[int] | Mapping[str, Model]) -> str:
    if isinstance(names, range):
        return f"{names[0]} to {names[-1]}"
    *most, last = map(str, names)
    return f"{', '.join(most)} or {last}" if most else last


def _endpoint(provider: str, address: str) -> str:
    """Check an endpoint, and drop the slash at its end. A secret is sent there: not to be in the clear."""
    parts = re.fullmatch(
        r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]+|\[[0-9a-f:]+\])(:(?P<port>\d{1,5}))?(/[\w./~-]*)?",
        address,
        re.ASCII | re.IGNORECASE,
    )
    local = parts and re.fullmatch(r"localhost|127(\.\d{1,3}){3}|\[::1\]", parts["host"].lower())
    if (
        parts is None
        or int(parts["port"] or 443) > 65535
        or (parts["scheme"].lower() == "http" and not local)
    ):
        raise EmbedderUnavailable(  # without the address, which may hold a password
            f"{provider}'s endpoint must be like https://HOST, or http://127.0.0.1:PORT on this machine"
        )
    return address.rstrip("/")
