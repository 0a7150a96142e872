"""Finding words on pages: detectors, their training, and boxes from score maps."""
