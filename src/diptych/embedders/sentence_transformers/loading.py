"""Loading a model with sentence-transformers: its options, the packages, and what to do where it fails."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diptych.embedders import huggingface, speed, torch_models
from diptych.embedders.base import EmbedderUnavailable
from diptych.embedders.registry import whole_number
from diptych.errors import DiptychWarning

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

DEFAULT_MODEL = "clip-ViT-L-14"


@dataclass(frozen=True)
class SentenceTransformersSettings(torch_models.TorchSettings):
    """The options of a spec, checked.

    Attributes:
        trust_remote_code: Whether code that comes with the model is run.
        dimension: How many of a vector's first numbers are kept; None for all.
    """

    trust_remote_code: bool
    dimension: int | None

    @classmethod
    def parse(cls, options: Mapping[str, str]) -> SentenceTransformersSettings:
        """Read options as they are written in a spec; raises `EmbedderUnavailable` for one that can't be."""
        trust = options.get("trust_remote_code", "false").lower()
        if trust not in {"true", "false"}:
            raise EmbedderUnavailable(f"trust_remote_code is true or false, not {trust!r}")
        dimension = options.get("dimension")
        return cls(
            **vars(torch_models.TorchSettings.parse(options)),
            trust_remote_code=trust == "true",
            dimension=None if dimension is None else whole_number("dimension", dimension),
        )


def import_libraries() -> None:
    """Import torch and sentence-transformers, or say what to install; raises `EmbedderUnavailable`."""
    torch_models.import_packages("sentence_transformers", "clip")


def find_model(model: str, revision: str | None) -> huggingface.Source:
    """Find a folder or a Hub model; one without an owner is the `sentence-transformers` organisation's."""
    has_owner = "/" in model or "\\" in model or Path(model).expanduser().exists()
    return huggingface.find(model if has_owner else f"sentence-transformers/{model}", revision)


def open_model(source: huggingface.Source, settings: SentenceTransformersSettings) -> SentenceTransformer:
    """Load a model, ready to embed.

    Returns:
        The model, in evaluation mode, on its device.

    Raises:
        EmbedderUnavailable: It can't be loaded, or lacks an image side or a text side.
    """
    import torch
    from sentence_transformers import SentenceTransformer

    device = torch_models.pick_device(settings.device)
    with _quietly() as notices:
        try:
            model = SentenceTransformer(
                source.place,
                device=device,
                revision=source.commit,
                local_files_only=source.unreachable is not None,
                trust_remote_code=settings.trust_remote_code,
                truncate_dim=settings.dimension,
                model_kwargs={"dtype": getattr(torch, speed.number_type(settings.precision, device))},
            )
        except Exception as error:  # transformers, safetensors, a model's own code: anything can come
            raise EmbedderUnavailable(_explain(error, source, settings)) from error
    lacking = [side for side in ("image", "text") if not model.supports(side)]
    if lacking:
        raise EmbedderUnavailable(
            f"{source.label} has no {' and no '.join(lacking)} side, so it can't match pictures with texts: "
            f"take a model such as {DEFAULT_MODEL}"
        )
    if invented := _invented_weights(notices):
        warnings.warn(
            f"{source.label} lacks weights, which were made up at random, so its scores may mean nothing: "
            f"{', '.join(invented)}",
            DiptychWarning,
            stacklevel=3,
        )
    prepare_with_pillow(model)
    return model.eval()


def _explain(error: Exception, source: huggingface.Source, settings: SentenceTransformersSettings) -> str:
    import torch

    if isinstance(error, torch.cuda.OutOfMemoryError | MemoryError):
        return f"there is not enough memory for {source.label}: try precision=bfloat16 or device=cpu"
    if "trust_remote_code" in str(error) and not settings.trust_remote_code:
        return f"{source.label} runs code of its own: read it, and add trust_remote_code=true if you trust it"
    if "requires the Torchvision library" in str(error):
        return (
            f"{source.label} takes videos too, for which transformers wants torchvision: "
            "pip install 'diptych[openclip]' brings one that goes with torch"
        )
    if source.commit and source.unreachable and isinstance(error, OSError):
        return huggingface.explain_missing(source.place, source.unreachable)
    if source.commit and huggingface.status_of(error):
        return huggingface.explain(error, source.place, settings.revision)
    return f"sentence-transformers can't load {source.label}: {huggingface.one_line(error)}"


class _Notices(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


@contextmanager
def _quietly() -> Iterator[list[str]]:
    """Hold back the libraries' notices and "Loading weights" bars, which would break into our own progress.

    Bars of downloads stay: gigabytes take minutes.

    Yields:
        The notices, as they come.
    """
    from transformers.utils import logging as transformers_logging

    notices = _Notices()
    with ExitStack() as undo:
        for name in ("transformers", "sentence_transformers", "huggingface_hub"):
            logger = logging.getLogger(name)
            undo.callback(setattr, logger, "handlers", logger.handlers)
            undo.callback(setattr, logger, "propagate", logger.propagate)
            logger.handlers, logger.propagate = [notices], False
        before = transformers_logging.set_tqdm_hook(
            lambda bar, args, kwargs: bar(*args, **{**kwargs, "disable": True})
        )
        undo.callback(transformers_logging.set_tqdm_hook, before)
        yield notices.texts


def _invented_weights(notices: Sequence[str]) -> list[str]:
    """The weights that transformers reports as missing from the model's files, and so made up."""
    rows = [line.split("|") for notice in notices if "LOAD REPORT" in notice for line in notice.splitlines()]
    return [row[0].strip() for row in rows if len(row) > 1 and "MISSING" in row[1]]


def transformer_modules(model: SentenceTransformer) -> list[Any]:
    """The modules that wrap a transformers model: one in most models, several behind a `Router`."""
    from sentence_transformers.base.modules import Transformer

    return [module for module in model.modules() if isinstance(module, Transformer)]


def prepare_with_pillow(model: SentenceTransformer) -> None:
    """Replace torchvision's picture processors by their Pillow twins.

    After loading, because with the switch for it (`backend="pil"`) models that also take videos fail to load.
    """
    import transformers

    for module in transformer_modules(model):
        found: Any = getattr(module.processor, "image_processor", None)
        twin = getattr(transformers, f"{type(found).__name__}Pil", None)
        if twin is not None and getattr(found, "backend", None) == "torchvision":
            module.processor.image_processor = twin.from_dict(found.to_dict())
