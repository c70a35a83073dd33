"""Reads emotions from faces with ONNX Runtime."""
