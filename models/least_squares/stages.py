"""The stages of least-squares training, and why it stops, as `LevenbergMarquardt` stores them."""

READOUT, PROJECTION, ALL_WEIGHTS, CONSTRAINED = range(4)
METHODS = ("readout solve", "variable projection", "all weights", "constrained least squares")
RUNNING, FLOOR, TOLERANCE, STALLED, CONVERGED = range(5)
STOP_REASONS = (None, "rounding floor", "tolerance met", "stalled", "converged")
