"""Rules that follow the gradient of the task loss: the controls for local rules."""
