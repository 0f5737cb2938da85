"""One photograph to a sequence of frames, by the rules of ImageNet-P."""
