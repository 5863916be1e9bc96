"""Where least squares begins for a nonlinear equation: at a stepper's trajectory."""

import itertools

import numpy as np


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
    trial, sketch = pinn.trial, pinn.domain.sketch()
    old = [np.array(variable) for variable in trial.readout_variables]
    before = np.mean(pinn.residuals(points) ** 2)
    trial.set_readout(fitted_readout(pinn, sketch.times, trial.motions_of(sketch)))
    if not np.mean(pinn.residuals(points) ** 2) < before:
        trial.set_readout(old)


def fitted_readout(pinn, times, states):
    """[A, c] with which trial solutions follow trajectories, window after window.

    Args:
        pinn: `PINN`.
        times: `(time,)`, in s.
        states: `(num, time, features)`, one trajectory for each node of a family.
    """
    order, d, num = pinn.problem.order, pinn.problem.dimension, 4 * pinn.hidden_units[-1]
    state = states[:, 0]
    s = np.linspace(0.0, 1.0, num)[:, None]
    tau = (2.0 * s - 1.0).astype(pinn.compute_dtype)
    h, dh, _ = (np.asarray(f, np.float64) for f in pinn.network.features(tau))
    h, dh = np.hstack([h, np.ones_like(s)]), np.hstack([dh, np.zeros_like(s)])
    # x̂ and L x̂' are linear in the readout, by the product rule.
    of_position, of_velocity = s**order * h, order * s ** (order - 1) * h + 2.0 * s**order * dh
    answers = []
    for begin, end in itertools.pairwise(pinn.window_edges):
        length = end - begin
        target = _interpolated(begin + length * s[:, 0], times, states)
        rows, aims = [of_position], [target[..., :d] - state[:, None, :d]]
        if order == 2:
            aims[0] = aims[0] - state[:, None, d:] * length * s
            rows.append(of_velocity)
            aims.append((target[..., d:] - state[:, None, d:]) * length)
        aims = np.concatenate(aims, axis=1).swapaxes(0, 1)  # (rows, num trajectories, d)
        answer = np.linalg.lstsq(np.vstack(rows), aims.reshape(len(aims), -1), rcond=1e-8)[0]
        answer = answer.reshape(-1, len(states), d)
        answers.append(answer.swapaxes(0, 1))  # (num trajectories, H + 1, d)
        state = state.copy()
        if order == 2:
            state[:, :d] += state[:, d:] * length
            state[:, d:] += np.einsum("h,hnd->nd", of_velocity[-1], answer) / length
        state[:, :d] += np.einsum("h,hnd->nd", of_position[-1], answer)
    answers = np.concatenate(answers)
    return [answers[:, :-1], answers[:, -1]]


def _interpolated(at, times, states):
    """States `(num, time, features)` at other times, linear between equidistant ones."""
    place = np.clip((at - times[0]) / (times[1] - times[0]), 0.0, len(times) - 1.0)
    before = np.minimum(place.astype(int), len(times) - 2)
    share = (place - before)[:, None]
    return states[:, before] * (1.0 - share) + states[:, before + 1] * share
