"""Oscillators, their forces, and the sequences that Euler's method makes of them."""
