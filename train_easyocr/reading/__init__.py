"""Reading pages: EasyOCR's readers, and a fast one."""
