"""Compare multimodal image embedders side by side on your own pictures."""
