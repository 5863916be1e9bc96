"""One law of motion fitted to records of an oscillator.

`record_list` takes what was measured, `base_motion` what a shaken base does, `oscillator_laws` has
the equations. `linear_decay` fits a free linear decay in closed form; all else is fitted by
`law_fit`: `weak_guesses` to begin with, then multiple shooting, the room below. `own_problem` does
the same for an equation of the user's. It may import the rooms below it; which law is the right
one, and what its numbers are worth, is the next room's: `instrument`.
"""
