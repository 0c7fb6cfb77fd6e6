"""Rules of spike timing and of dendritic microcircuits."""
