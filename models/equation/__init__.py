"""What has to be known of an equation before a network solves it.

`equation_checks` looks at the user's `rhs`, `plain_forces` at forces that only NumPy can evaluate,
`sketch` follows the motion once by a stepper to learn how fast it is, `resolution` where its
windows have to be shorter, and `undeclared_jumps` where a force jumps without saying so. `budget`
refuses what would be too much work. `number_argument` tells which arguments of a problem may be
varied or searched for. It may import the rooms below it.
"""
