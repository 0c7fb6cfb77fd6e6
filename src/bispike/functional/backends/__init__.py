"""Faster implementations of functions of this package: compiled kernels for the CPU, Triton for CUDA."""
