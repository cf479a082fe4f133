"""Networks of layers: parameters, forward and backward, losses and optimizers."""
