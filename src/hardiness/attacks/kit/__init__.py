"""What attacks are made of: arguments and iterates, criteria and losses, gradients, the geometry of threat models."""
