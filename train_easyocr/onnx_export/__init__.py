"""ONNX files of this project's networks: graphs, int8, and the gate: what reads otherwise than torch is not written."""
