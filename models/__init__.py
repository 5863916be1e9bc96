"""Recurrent cells and physics-informed networks for oscillators."""
