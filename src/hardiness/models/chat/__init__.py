"""Chat models that look at pictures, as classifiers: closed questions, the wire, and answers kept whole."""
