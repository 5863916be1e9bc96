"""The lecture's trial solution, h1(t) + h2(t) · N(τ; P), window after window.

`trial_solution` is the formula with its derivatives, `initial_conditions` the functions h1 and h2,
`dense_network` the network N with its `activations`; `time_derivatives` are taken by
`GradientTape`. `time_windows` cuts time into pieces, from one to the next of which `exact_sums`
keep rounding small, and `initial_weights` places the first waves; `domain` is where the solution
holds. `linearised_trial` adds the Jacobian of the residual (`row_jacobians` that of an equation).
`learned_trial` learns all weights of `window_networks`, one window after another. It may import the
rooms below it.
"""
