"""The models of open_clip's that people ask for, a few of each family."""

from __future__ import annotations

from diptych.embedders.cards import ModelCard, Speed


def _model(spec: str, dimension: int, sees: str, tokens: int, licence: str, speed: Speed) -> ModelCard:
    return ModelCard(
        spec=f"open_clip:{spec}",
        dimension=dimension,
        sees=sees,
        text_tokens=tokens,
        licence=licence,
        speed=speed,
    )


_MIDDLE = "the middle, 224×224"

MODELS = (
    _model("ViT-L-14?pretrained=openai", 768, _MIDDLE, 77, "not stated", "slow"),
    _model("ViT-B-32?pretrained=laion2b_s34b_b79k", 512, _MIDDLE, 77, "MIT", "fast"),
    _model("ViT-H-14?pretrained=laion2b_s32b_b79k", 1024, _MIDDLE, 77, "MIT", "very slow"),
    _model("ViT-L-14?pretrained=datacomp_xl_s13b_b90k", 768, _MIDDLE, 77, "MIT", "slow"),
    _model("ViT-B-16-SigLIP2-256", 768, "squashed to 256×256", 64, "Apache-2.0", "medium"),
    _model("ViT-SO400M-14-SigLIP2-378", 1152, "squashed to 378×378", 64, "Apache-2.0", "very slow"),
    _model("PE-Core-B-16", 1024, "squashed to 224×224", 32, "Apache-2.0", "medium"),
    _model("PE-Core-L-14-336", 1024, "squashed to 336×336", 32, "Apache-2.0", "very slow"),
    _model("EVA02-B-16", 512, _MIDDLE, 77, "MIT", "medium"),
    _model("EVA02-L-14", 768, _MIDDLE, 77, "MIT", "slow"),
    _model("ViT-H-14-worldwide", 1024, _MIDDLE, 77, "CC-BY-NC-4.0", "very slow"),  # MetaCLIP 2
    _model("MobileCLIP2-S0", 512, "the middle, 256×256", 77, "apple-amlr", "fast"),
)
