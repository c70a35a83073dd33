"""Detects faces, classifies their emotions with ONNX Runtime, and tracks them in videos."""
