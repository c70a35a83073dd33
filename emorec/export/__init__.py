"""Turns Keras models into ONNX files and checks that both agree."""
