"""Which way up words lie: a small classifier of single words, 0 or 180 degrees, and its training."""
