"""How wrong a solution is, without knowing the answer.

`error_bound` encloses the error of a linear equation's solution: the residual's response with its
sign, plus bounds on all that its computation can miss. The parts of the proof lie beside it:
`network_bounds` and `activation_bounds`, `trial_bounds`, `residual_bounds`, `chebyshev_cells`,
`defect_bounds`. `error_estimate` linearises any equation and proves nothing. It may import the
rooms below it.
"""
