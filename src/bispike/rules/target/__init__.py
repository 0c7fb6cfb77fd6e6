"""Rules that give hidden layers targets or predictions instead of back-propagated errors."""
