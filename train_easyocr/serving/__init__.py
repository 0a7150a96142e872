"""Reading behind HTTP: the page pipeline on the ONNX engine, for other programs and for the page at `/`."""
