"""Export of Keras models to ONNX and other formats, with a check that both agree."""
