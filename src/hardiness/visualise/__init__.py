"""Pictures made by optimisation: what units respond to, and stimuli by style transfer."""
