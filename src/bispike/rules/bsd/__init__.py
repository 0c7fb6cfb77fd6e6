"""Bidirectional spike-based distillation: the rule, and its forms for autoencoders and sequences."""
