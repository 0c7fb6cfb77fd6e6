"""Rules in which each layer has its own loss."""
