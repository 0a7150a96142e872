"""Labelled pages: their types, AI-Hub's label files and archives, and the choice of pages for each split."""

from train_easyocr.documents.page import Box, Page, Quad, Shape, Word

__all__ = ["Box", "Page", "Quad", "Shape", "Word"]
