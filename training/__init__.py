"""Recipes, callbacks, evaluation and plots for the models of the zoo."""

from .backpropagation import backpropagation_through_time

__all__ = ["backpropagation_through_time"]
