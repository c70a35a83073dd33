"""Export of Keras models as ONNX files, with a check that both agree."""
