"""Scores of predicted words against labelled ones: matching, metrics, runs over pages, reports."""
