"""Rules that follow the gradient of the task loss: the controls that local rules are measured against."""
