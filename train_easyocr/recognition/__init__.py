"""The word recognizer: characters, network, batches, training, validation, checkpoints."""
