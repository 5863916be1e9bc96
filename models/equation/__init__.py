"""What has to be known of an equation before a network solves it.

`equation_checks` looks at the user's `rhs`, `plain_forces` at forces that only NumPy can evaluate,
`sketch` follows the motion once by a stepper to learn how fast it is, and `undeclared_jumps` finds
where a force jumps without saying so. It may import the rooms below it.
"""
