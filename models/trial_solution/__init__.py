"""The lecture's trial solution, h1(t) + h2(t) · N(τ; P), window after window.

`trial_solution` is the formula with its derivatives, `initial_conditions` the functions h1 and h2,
`dense_network` the network N with its `activations`; `time_derivatives` are taken by
`GradientTape`. `time_windows` cuts time into pieces, from one to the next of which `exact_sums`
keep rounding small, and `initial_weights` says how many units there are and where their first
waves lie; `domain` is where the solution holds, and refuses other times, or answers NaN.
`linearised_trial` adds the Jacobian of the residual (`row_jacobians` that of an equation).
`learned_trial` learns all weights of `window_networks`, one window after another. It may import the
rooms below it.
"""
