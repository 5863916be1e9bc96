"""The lecture's trial solution, h1(t) + h2(t) · N(τ; P), window after window.

`trial_solution` is the formula with its derivatives, `initial_conditions` the functions h1 and h2,
`dense_network` the network N; `time_windows` cuts time into pieces and `initial_weights` places the
first waves; `domain` is where the solution holds. `linearised_trial` adds the Jacobian of the
residual. It may import the rooms below it.
"""
