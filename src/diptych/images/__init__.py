"""Pictures come in: from a folder, a ZIP, URLs or a manifest, as bytes and as upright RGB pixels."""
