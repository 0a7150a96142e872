"""Labelled pages: their types, AI-Hub's label files and archives, and the choice of pages for each split."""

from train_easyocr.documents.page import Box, Layout, Page, Quad, Shape, Word

__all__ = ["Box", "Layout", "Page", "Quad", "Shape", "Word"]
