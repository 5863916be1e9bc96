"""Where least squares begins for a nonlinear equation: at a stepper's trajectory."""

import itertools

import numpy as np

from .sketch import Sketch


def warm_start(pinn):
    """Fit the readout of a nonlinear equation's network to the trajectory of a `Sketch`.

        min Σ_i |x̂(t_i) − x_i|² + L² |x̂'(t_i) − v_i|²   in each window, L its length

    From a network that knows nothing, Newton's steps may end at a motion that obeys the equation
    nearly everywhere and is not the one asked for. A network that is nearer to obeying the
    equation than the fit keeps its weights, and so does one with an h1 or h2 of the user's.

    Args:
        pinn: `PINN`.
    """
    if pinn.problem.is_linear or pinn.h1 is not None or pinn.h2 is not None:
        return
    points = next(iter(pinn.collocation_points()))
    old = [np.array(variable) for variable in pinn.readout_variables]
    before = np.mean(pinn.residuals(points) ** 2)
    pinn.set_readout(fitted_readout(pinn, Sketch(pinn.problem, pinn.duration)))
    if not np.mean(pinn.residuals(points) ** 2) < before:
        pinn.set_readout(old)


def fitted_readout(pinn, sketch):
    """[A, c] with which the trial solution follows a sketch, window after window."""
    order, d, num = pinn.problem.order, pinn.problem.dimension, 4 * pinn.hidden_units[-1]
    state = np.hstack([np.reshape(y, -1) for y in pinn.problem.initial_state()])
    s = np.linspace(0.0, 1.0, num)[:, None]
    h, dh, _ = (np.asarray(f) for f in pinn.network.features(2.0 * s - 1.0))
    h, dh = np.hstack([h, np.ones_like(s)]), np.hstack([dh, np.zeros_like(s)])
    # x̂ and L x̂' are linear in the readout, by the product rule.
    of_position, of_velocity = s**order * h, order * s ** (order - 1) * h + 2.0 * s**order * dh
    answers = []
    for begin, end in itertools.pairwise(pinn.window_edges):
        length, times = end - begin, begin + (end - begin) * s[:, 0]
        target = np.stack([np.interp(times, sketch.times, y) for y in sketch.states.T], axis=-1)
        rows, aims = [of_position], [target[:, :d] - state[:d]]
        if order == 2:
            aims[0] -= state[d:] * length * s
            rows.append(of_velocity)
            aims.append((target[:, d:] - state[d:]) * length)
        answer = np.linalg.lstsq(np.vstack(rows), np.vstack(aims), rcond=1e-8)[0]
        answers.append(answer)
        state = state.copy()
        if order == 2:
            state[:d] += state[d:] * length
            state[d:] += of_velocity[-1] @ answer / length
        state[:d] += of_position[-1] @ answer
    return [np.stack([a[:-1] for a in answers]), np.stack([a[-1] for a in answers])]
