"""One photograph to a sequence of frames: a file for each family of perturbations."""
