"""The settings of all steps."""
