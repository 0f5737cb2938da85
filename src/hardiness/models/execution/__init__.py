"""How a network is computed: runtimes, precision, gradients, and whether they agree with plain torch."""
