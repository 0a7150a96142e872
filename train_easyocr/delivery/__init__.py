"""Step 4: fine-tuned weights go where EasyOCR looks for them, after proof that EasyOCR reads with them as trained."""
