"""Every model that open_clip loads, with its own transform for pictures and its own tokenizer.

A model is an architecture with the name of its weights (`ViT-B-32?pretrained=laion2b_s34b_b79k`), a Hub id
(`timm/ViT-B-16-SigLIP2-256`) or a folder. What is fetched is pinned to a commit; whatever the vectors depend
on is in the fingerprint, and OpenAI's approximate GELU follows the weights, whichever way the architecture is
called.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from PIL import Image

from diptych.embedders import huggingface, speed, torch_models
from diptych.embedders.base import Embedder, EmbedderInfo, EmbedderUnavailable, Vectors
from diptych.embedders.cards import ProviderCard
from diptych.embedders.notices import CutTexts, reject_invalid
from diptych.embedders.open_clip.catalogue import MODELS
from diptych.embedders.open_clip.finding import FoundModel, find
from diptych.embedders.open_clip.loading import PRECISIONS, open_model, open_tokenizer, open_transform
from diptych.embedders.open_clip.texts import OpenClipTextReader
from diptych.embedders.pictures import reject_thin
from diptych.embedders.registry import reject_unknown_options
from diptych.embedders.remembered import load_once
from diptych.embedders.self_check import common_dimension

if TYPE_CHECKING:
    import torch

PROVIDER = "open_clip"

CARD = ProviderCard(
    about="OpenCLIP's models: OpenAI, LAION, DataComp, SigLIP 2, PE-Core, EVA02, MetaCLIP, MobileCLIP2",
    spec="open_clip:ViT-B-16-SigLIP2-256",
    needs="the model's files, fetched from the Hugging Face Hub at first",
    modules=("torch", "open_clip"),
    extra="openclip",
    licence="the model's",
    models=MODELS,
)

OPTIONS = ("pretrained", *torch_models.OPTIONS)

PACKAGES = ("open-clip-torch", "timm", *torch_models.PACKAGES)
"""What a model's facts depend on, as it is installed."""


def load(model: str, **options: str) -> Embedder:
    """Load a model; called for specs such as `open_clip:ViT-B-32?pretrained=laion2b_s34b_b79k`.

    Args:
        model: An architecture of open_clip's, a Hub id or a folder.
        **options: `pretrained` (the name of an architecture's weights, or a file; may be left out where only
            one is published), `device` (default: cuda, then mps, then cpu), `revision` (a branch, tag or
            commit of the Hub's), `batch_size` (default 32 on a GPU, 4 on a processor) and `precision`
            (`float32`, `bfloat16`, `float16` or `fast`: half precision where the device is faster with it,
            large JPEGs decoded at a reduced size).

    Returns:
        The embedder.

    Raises:
        EmbedderUnavailable: A package, the model or the device is missing, the model can't be fetched, or an
            option is unknown or its value makes no sense.
    """
    reject_unknown_options(PROVIDER, options, OPTIONS)
    settings = torch_models.TorchSettings.parse(options)
    if not model:
        raise EmbedderUnavailable(
            "open_clip needs a model: write open_clip:ViT-B-16-SigLIP2-256, or "
            "open_clip:ViT-B-32?pretrained=laion2b_s34b_b79k"
        )
    if CARD.missing():
        torch_models.import_packages("open_clip", "openclip")  # says what to install
    found = find(model, options.get("pretrained"), settings.revision)

    def load_now() -> Embedder:
        torch_models.import_packages("open_clip", "openclip")
        return OpenClipEmbedder(found, settings, torch_models.pick_device(settings.device))

    of_tokenizer = found.tokenizer and found.tokenizer.identity
    return load_once(found.source, {**options, "tokenizer": of_tokenizer}, PACKAGES, load_now)


class OpenClipEmbedder:
    """A model that open_clip loaded.

    Args:
        found: The model.
        settings: The options of the spec.
        device: Where torch runs it.

    Raises:
        EmbedderUnavailable: It can't be loaded, or a side of it fails.
    """

    only_looks = True
    info: EmbedderInfo

    def __init__(self, found: FoundModel, settings: torch_models.TorchSettings, device: str) -> None:
        from open_clip import get_input_dtype

        self._device = device
        number = speed.number_type(settings.precision, device)
        self._dtype: torch.dtype = get_input_dtype(PRECISIONS[number])
        self._cores = speed.Cores()
        self._lock = threading.Lock()
        self._cut_texts = CutTexts()
        self._model = open_model(found, number, device)
        self._transform, self._pictures = open_transform(self._model)
        tokenizer, of_tokenizer = open_tokenizer(found)
        self._reader = OpenClipTextReader(tokenizer)
        dimension = self._measure(found.source.label)
        scale, bias = self._model.logit_scale, getattr(self._model, "logit_bias", None)
        fast = settings.precision == speed.FAST
        at_least = speed.enough_pixels(max(_sides(self._pictures))) if fast else None
        batch_size, concurrency = speed.calls(device, settings.batch_size, self._cores.count)
        depends_on = [found.settings, found.quick_gelu, self._pictures, of_tokenizer]
        self.info = EmbedderInfo(
            name=f"{PROVIDER}:{found.architecture or found.source.place}",
            provider=PROVIDER,
            model=found.source.label,
            dimension=dimension,
            preprocessing=_describe(self._pictures)
            + self._reader.describe()
            + (speed.describe(number, at_least) if fast else ""),
            fingerprint=(
                f"{PROVIDER}:{found.source.identity}:{speed.mark(number, at_least)}:{_hash(depends_on)}"
            ),
            batch_size=batch_size,
            concurrency=concurrency,
            max_text_tokens=self._reader.limit,
            logit_scale=float(scale.detach().float().exp().item()),
            logit_bias=None if bias is None else float(bias.detach().item()),
            licence=huggingface.licence(found.source),
            decode_at_least=at_least,
        )

    def _measure(self, label: str) -> int:
        """Run both sides once, to see that they work and how long their vectors are."""
        try:
            picture = self.embed_images([self.prepare_image(Image.new("RGB", (64, 48)))])
            text = self._run(self._model.encode_text, self._reader.tokenizer(["a photo"]))
        except EmbedderUnavailable:
            raise
        except Exception as error:  # a model that loads but was not made for this fails in its own way
            raise EmbedderUnavailable(f"{label} fails at embedding: {huggingface.one_line(error)}") from error
        return common_dimension(label, picture, text)

    def prepare_image(self, image: Image.Image) -> torch.Tensor:
        """Run the model's own transform.

        Args:
            image: An upright RGB picture.

        Returns:
            Shape (3, height, width), normalised.

        Raises:
            InputRejected: The picture is too thin to be resized.
        """
        if self._pictures["resize_mode"] == "shortest":
            reject_thin(image, min(_sides(self._pictures)))
        return cast("torch.Tensor", self._transform(image))

    def embed_images(self, prepared: Sequence[torch.Tensor]) -> Vectors:
        """Embed what `prepare_image` returned.

        Args:
            prepared: One item per picture.

        Returns:
            Shape (n, dimension), float32, as the model gives them: not normalised.

        Raises:
            EmbedderUnavailable: The device has too little memory for a batch.
        """
        import torch

        if not prepared:
            return np.empty((0, self.info.dimension), np.float32)
        pictures = torch.stack(list(prepared)).to(self._dtype)
        return self._run(self._model.encode_image, pictures, one_of_many=len(prepared) > 1)

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Embed texts.

        A text that is too long is cut where the model's tokenizer cuts it, with one `DiptychWarning`.

        Args:
            texts: The texts; an empty one is embedded as well.

        Returns:
            Shape (n, dimension), float32, as the model gives them: not normalised.

        Raises:
            EmbedderUnavailable: The device has too little memory for a batch.
            InputRejected: A text is not valid Unicode.
        """
        if not texts:
            return np.empty((0, self.info.dimension), np.float32)
        for text in texts:
            reject_invalid(text)
        with self._lock:  # a tokenizer keeps how it cuts and pads as its own state
            cut = [text for text in texts if self._reader.is_cut(text)]
            tokens = self._reader.tokenizer(list(texts))
        if cut:
            self._cut_texts.tell(cut, self.info.name, self._reader.limit)
        return self._run(self._model.encode_text, tokens)

    def _run(self, side: Any, inputs: torch.Tensor, *, one_of_many: bool = False) -> Vectors:
        import torch

        cores = self._cores.share(one_of_many=one_of_many)
        with torch_models.full_device_said(self._device), cores, torch.inference_mode():
            return cast("Vectors", side(inputs.to(self._device)).float().cpu().numpy())


def _sides(pictures: Mapping[str, Any]) -> tuple[int, int]:
    """Height and width of what the model sees."""
    size = pictures["size"]
    return (size, size) if isinstance(size, int) else (size[0], size[-1])


def _describe(pictures: Mapping[str, Any]) -> str:
    """One line on what is done to a picture: "shortest side 224, bicubic, centre crop 224×224 (Pillow)"."""
    height, width = _sides(pictures)
    size = f"{width}×{height}"
    how = pictures["interpolation"]
    steps = {
        "shortest": f"shortest side {min(height, width)}, {how}, centre crop {size}",
        "longest": f"longest side {max(height, width)}, {how}, the rest filled to {size}",
        "squash": f"squashed to {size}, {how}",
    }
    return f"{steps[pictures['resize_mode']]} (Pillow)"


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]
