"""One network for whole ranges of the equation's parameters.

A family is solved at the nodes of a grid in the `parameter_box` (`parameter_nodes`) and
interpolated between them (`family_trial`); `family_sketch` looks at its motions beforehand,
`family_domain` is where it holds, `members` takes one solution out. It may import the rooms below
it.
"""
