"""Step 4: fine-tuned weights go where EasyOCR looks for them, after proof that EasyOCR reads with them as trained."""

from train_easyocr.common.errors import UserError


class InstallationError(UserError, RuntimeError):
    """A model was not installed; the message says why and what to do."""
