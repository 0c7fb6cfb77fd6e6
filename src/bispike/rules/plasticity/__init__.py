"""Rules of spike-timing-dependent plasticity and of dendritic microcircuits."""
