"""Running exported models with onnxruntime: opening a file, feeding one side of a model, its vectors."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from diptych.embedders import huggingface
from diptych.embedders.base import EmbedderUnavailable, Vectors

if TYPE_CHECKING:
    from onnxruntime.capi.onnxruntime_inference_collection import InferenceSession

PICTURES, TOKENS, MASK = "pixel_values", "input_ids", "attention_mask"
"""What models take, by transformers' names."""

_AXES = {PICTURES: 4, TOKENS: 2, MASK: 2}
_SAME = {"image": PICTURES, "text": TOKENS}  # open_clip's names
_TYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
}
_NO_EMBEDDINGS = ("pooler_output", "last_hidden_state")
_SILENT = 4


def open_session(path: Path, provider: str, threads: int) -> InferenceSession:
    """Open an exported model.

    Args:
        path: The `.onnx` file.
        provider: What runs it: `cpu`, `cuda`, `coreml`, …
        threads: Of one operation; 0 for as many as there are cores.

    Raises:
        EmbedderUnavailable: The file is broken, or the provider can't be used here.
    """
    runtime: Any = importlib.import_module("onnxruntime")  # its types don't say what it exports
    available = runtime.get_available_providers()
    wanted = {short_name(name): name for name in available}.get(short_name(provider))
    if wanted is None:
        raise _unusable(provider, f"onnxruntime has {', '.join(available)}")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = _SILENT  # what fails is raised as well
    # Threads without work would turn in a loop for a while, on cores that decode pictures meanwhile.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers = list(dict.fromkeys([wanted, "CPUExecutionProvider"]))
    try:
        session: InferenceSession = runtime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # its exceptions share no base class
        raise EmbedderUnavailable(f"onnxruntime can't open {path}: {huggingface.one_line(error)}") from error
    if wanted not in session.get_providers():  # it falls back to the CPU without a word
        raise _unusable(provider, f"{wanted} is built into onnxruntime but its libraries don't load")
    return session


def short_name(provider: str) -> str:
    """A provider as people write it: `cpu` for `CPUExecutionProvider`."""
    return provider.lower().removesuffix("executionprovider")


def _unusable(provider: str, why: str) -> EmbedderUnavailable:
    return EmbedderUnavailable(
        f"provider={provider} can't be used here: {why}; take provider=cpu, or install the build of "
        "onnxruntime that brings it (onnxruntime-gpu for cuda)"
    )


class Side:
    """The picture side or the text side of a model.

    Args:
        session: What runs it; may hold both sides.
        label: The file, for messages.
        takes: `PICTURES` or `TOKENS`.
        pooled: Whether the model's pooled output is its embedding, as SigLIP's is.

    Raises:
        EmbedderUnavailable: It takes or gives something else than pictures or texts and their vectors.
    """

    def __init__(self, session: InferenceSession, label: str, takes: str, *, pooled: bool) -> None:
        self._session = session
        self._label = label
        inputs = session.get_inputs()
        side = "pictures" if takes == PICTURES else "texts"
        self._inputs = {_SAME.get(item.name, item.name): item for item in inputs}
        if len(inputs) == 1:
            self._inputs = {takes: inputs[0]}  # whatever its name is
        strange = any(
            item.type not in _TYPES or len(item.shape) != _AXES.get(name)
            for name, item in self._inputs.items()
        )
        if takes not in self._inputs or strange:
            names = ", ".join(f"{item.name} ({item.type} of {len(item.shape)} axes)" for item in inputs)
            raise EmbedderUnavailable(f"{label} takes {names}, which is not known how to make from {side}")
        self._output = self._find_output(
            "image_embeds" if takes == PICTURES else "text_embeds", pooled=pooled
        )

    def _find_output(self, name: str, *, pooled: bool) -> str:
        outputs: dict[str, int] = {item.name: len(item.shape) for item in self._session.get_outputs()}
        both_sides = PICTURES in self._inputs and TOKENS in self._inputs
        flat = [key for key, axes in outputs.items() if axes == 2 and key not in _NO_EMBEDDINGS]
        if name in outputs:
            return name
        if len(flat) == 1 and not both_sides:
            return flat[0]
        if pooled and not both_sides and "pooler_output" in outputs:
            return "pooler_output"
        raise EmbedderUnavailable(
            f"{self._label} gives {', '.join(outputs)} but no {name}: it was exported without the projection "
            "into the space that pictures and texts share; export CLIPVisionModelWithProjection and "
            "CLIPTextModelWithProjection, or take a model such as onnx:Xenova/clip-vit-base-patch32"
        )

    def axis(self, name: str, number: int) -> int | None:
        """The length of one axis of an input where the model takes only that; None where it takes any."""
        length = self._inputs[name].shape[number]
        return length if isinstance(length, int) and length > 0 else None

    def run(self, feed: Mapping[str, NDArray[Any]]) -> Vectors:
        """Embed one batch.

        Args:
            feed: Inputs of both sides by name; what the model does not take is left out.

        Returns:
            Shape (n, dimension), float32.

        Raises:
            EmbedderUnavailable: The model fails.
        """
        inputs = {
            item.name: feed[name].astype(_TYPES[item.type], copy=False) for name, item in self._inputs.items()
        }
        try:
            vectors: Any = self._session.run([self._output], inputs)[0]
        except Exception as error:  # its exceptions share no base class
            raise EmbedderUnavailable(
                f"{self._label} fails at embedding, with too little memory try a smaller batch_size: "
                f"{huggingface.one_line(error)}"
            ) from error
        if vectors.ndim != 2:
            raise EmbedderUnavailable(f"{self._label} gives no vectors but an array of shape {vectors.shape}")
        return np.asarray(vectors, np.float32)
