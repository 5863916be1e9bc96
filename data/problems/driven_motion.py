"""Exact motion of linear problems under the forces that have a closed form."""

import numpy as np

from ..checks import real_value
from ..forces.formulas import Constant, Sampled, Sinusoid, Step
from .closed_forms import linear_motion


def has_closed_form(force):
    """Whether `driven_motion` knows this force; a subclass may mean something else, so it does not.

    Example:
    >>> has_closed_form(Sinusoid(1.0, 2.0)), has_closed_form(np.sin)
    (True, False)
    """
    return force is None or type(force) in (Constant, Sinusoid, Step, Sampled)


def times_after(start_time, t):
    """Times as `exact` takes them, `(num,)` or `(num, 1)`, as float64 `(num,)`.

    Raises:
        ValueError: for another shape, times that are not finite, or times before the start.
    """
    times = np.asarray(real_value("t", np.asarray(t), "s"))
    if times.ndim == 2 and times.shape[1] == 1:
        times = times[:, 0]
    if times.ndim > 1:
        raise ValueError(
            f"t must have the shape (num,) or (num, 1). Received shape {times.shape}. "
            "All trajectories of an ensemble are evaluated at the same times."
        )
    times = np.atleast_1d(times)
    # A grid that was computed in another way may start a few roundings early.
    early = times < start_time - 4.0 * np.spacing(np.abs(start_time))
    if early.any():
        raise ValueError(
            f"The motion begins at start_time = {start_time:g} s. "
            f"Received t = {times[early][0]:g} s. Pass later times, or set an earlier start_time."
        )
    return np.maximum(times, start_time)


def driven_motion(roots, state, force, weight, start_time, times):
    """Position and velocity of a linear problem with the drive f(t) = weight · F(t).

    Args:
        roots: tuple of one or two characteristic roots, each `(batch, 1)`, in 1/s.
        state: tuple of as many initial values at `start_time`, each `(batch, 1)`.
        force: None, `Constant`, `Sinusoid`, `Step` or `Sampled`.
        weight: number or `(batch, 1)`; 1/m for a mass m.
        start_time: number, in s.
        times: `(num,)`, none before `start_time`, in s.

    Returns:
        Tuple (x, v), each `(batch, num)`.

    Raises:
        ValueError: if a `Sampled` force is not known over the whole time.
    """
    if isinstance(force, Sinusoid):
        # A sin(ω t + φ) = Re(−i A e^{i(φ + ω t0)} e^{iω τ})
        amplitude, angular_frequency, phase = force.columns(*force.ensemble_parameters)
        turned = -1j * amplitude * np.exp(1j * (phase + angular_frequency * start_time))
        drive = [(weight * turned, (1j * angular_frequency,))]
        return linear_motion(roots, state, drive, times - start_time)
    starts, values, slopes = linear_pieces(force, start_time, times)
    values, slopes = weight * values, weight * slopes
    states = states_at(starts, roots, state, values, slopes)
    piece = np.searchsorted(starts, times, side="right") - 1
    drive = _linear_drive(values[:, piece], slopes[:, piece])
    now = tuple(component[:, piece] for component in states)
    return linear_motion(roots, now, drive, times - starts[piece])


def linear_pieces(force, start_time, times):
    """A force that is linear between breakpoints, from `start_time` to the last of `times`.

    Args:
        force: None, `Constant`, `Step` or `Sampled`.
        start_time: number, in s.
        times: `(num,)`, in s.

    Returns:
        Tuple (starts, values, slopes): `(pieces,)` in s, then F in N at the start of each piece
        and its slope in N/s, `(1, pieces)` or `(batch, pieces)`.

    Example:
    >>> starts, values, slopes = linear_pieces(Step(2.0, time=1.5), 0.0, np.array([0.0, 4.0]))
    >>> starts, values
    (array([0. , 1.5]), array([[0., 2.]]))
    """
    starts = np.array([start_time])
    if isinstance(force, Sampled):
        end = np.max(times, initial=start_time)
        inside = (force.times > start_time) & (force.times < end)
        starts = np.concatenate([starts, force.times[inside]])
        values = np.atleast_2d(force(np.append(starts, end)))[:, :-1]
        left = np.searchsorted(force.times, starts, side="right") - 1
        left = np.minimum(left, len(force.times) - 2)
        slopes = np.diff(force.values) / np.diff(force.times)
        return starts, values, np.atleast_2d(slopes)[:, left]
    if isinstance(force, Step) and force.time > start_time:
        starts = np.append(starts, force.time)
    values = np.zeros((1, 1)) if force is None else np.atleast_2d(force(starts))
    return starts, values, np.zeros_like(values)


def states_at(starts, roots, state, values, slopes):
    """The state at the start of every piece, carried from one breakpoint to the next.

    Returns:
        Tuple of as many components as `state`, each `(batch, pieces)`.
    """
    order = len(roots)
    batch = np.broadcast_shapes(*(np.shape(a)[:1] for a in (*roots, *state, values)))
    current = tuple(np.broadcast_to(y[:, 0], batch) for y in state)
    visited = [current]
    # Equidistant samples share a handful of lengths, each of which is worked out once.
    lengths, kinds = np.unique(np.diff(starts), return_inverse=True)
    units = np.eye(order + 2)
    answers = [
        linear_motion(roots, unit[:order], _linear_drive(*unit[order:]), lengths) for unit in units
    ]
    for i, kind in enumerate(kinds):
        inputs = (*current, values[:, i], slopes[:, i])
        current = tuple(
            sum(answer[row][:, kind] * one for answer, one in zip(answers, inputs))
            for row in range(order)
        )
        visited.append(current)
    return tuple(np.stack(component, axis=-1) for component in zip(*visited))


def _linear_drive(value, slope):
    """value + slope · τ, without the terms that are zero everywhere."""
    terms = ((value, (0.0,)), (slope, (0.0, 0.0)))
    return [(coefficient, points) for coefficient, points in terms if np.any(coefficient)]
