"""Rendered Korean public documents in the shape of the AI-Hub download."""
