"""Sets of words: how step 2 makes them, and what of them a training takes, in which order."""
