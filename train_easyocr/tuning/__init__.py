"""The search for the parameters with which a detector's boxes are words."""
