"""What all rooms use: files, text, workers, command lines."""
