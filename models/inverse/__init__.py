"""Parameters of an equation from measured positions.

`unknowns` makes arguments of a problem trainable, `trial_of_unknowns` is the trial solution of
such an equation, `identification` moves the parameters towards the data with the equation as a
constraint, `method_bias` tells what a stepper's error did to the data. This room may import
`trial_solution`, `equation` and `least_squares`.
"""
