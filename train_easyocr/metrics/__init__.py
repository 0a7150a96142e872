"""Scores of predicted words against labelled ones: matching, metrics, significance."""
