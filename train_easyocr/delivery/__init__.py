"""Step 4: fine-tuned weights go where EasyOCR looks for them, after proof that EasyOCR reads with them as trained."""


class InstallationError(RuntimeError):
    """A model was not installed; the message says why and what to do."""
