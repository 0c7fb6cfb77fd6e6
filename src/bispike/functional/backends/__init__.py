"""Ways to compute a population: compiled kernels for the CPU, torch step by step, Triton for CUDA (`interface.py`)."""
