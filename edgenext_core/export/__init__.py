"""Export: a checkpoint becomes an ONNX file with its model card inside."""
