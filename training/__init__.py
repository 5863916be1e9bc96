"""Recipes, callbacks, evaluation and plots for the models of the zoo."""
