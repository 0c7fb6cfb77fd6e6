"""Rules that send an error to hidden layers through feedback weights other than the transposed ones."""
