"""Learning from words that nobody labelled: a large network labels them, it and a small one learn from both."""
