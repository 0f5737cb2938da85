"""The kinds of spread: how well a share, a mean or a difference is known, each from a few numbers."""
