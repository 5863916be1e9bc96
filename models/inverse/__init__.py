"""Parameters of an equation from measured positions.

`unknowns` makes arguments of a problem trainable, `trial_of_unknowns` is the trial solution of such
an equation, `identification` moves the parameters towards the data with the equation as a
constraint. `identifiability` refuses parameters that the data do not tell apart. `measured_data`
takes the data in whatever form they come, `misfit_check` looks at what a fit leaves of them,
`method_bias` tells what a stepper's error did to them. It may import the rooms below it.
"""
