"""Runs of an equation in many short windows at once, with their sensitivities.

All windows of all records take a step together, so that a step of NumPy costs no more for five
hundred windows than for one.
"""

import functools
import itertools
from typing import NamedTuple

import numpy as np

_R = np.sqrt(21.0)
# Cooper and Verner's method of order 8: "Some explicit Runge–Kutta methods of high order",
# SIAM Journal on Numerical Analysis 9 (1972) 389–405. A row gives a stage's slopes, in eleven.
STAGES = (
    {},
    {0: 1 / 2},
    {0: 1 / 4, 1: 1 / 4},
    {0: 1 / 7, 1: (-7 - 3 * _R) / 98, 2: (21 + 5 * _R) / 49},
    {0: (11 + _R) / 84, 2: (18 + 4 * _R) / 63, 3: (21 - _R) / 252},
    {0: (5 + _R) / 48, 2: (9 + _R) / 36, 3: (-231 + 14 * _R) / 360, 4: (63 - 7 * _R) / 80},
    {
        **{0: (10 - _R) / 42, 2: (-432 + 92 * _R) / 315, 3: (633 - 145 * _R) / 90},
        **{4: (-504 + 115 * _R) / 70, 5: (63 - 13 * _R) / 35},
    },
    {0: 1 / 14, 4: (14 - 3 * _R) / 126, 5: (13 - 3 * _R) / 63, 6: 1 / 9},
    {
        **{0: 1 / 32, 4: (91 - 21 * _R) / 576, 5: 11 / 72},
        **{6: (-385 - 75 * _R) / 1152, 7: (63 + 13 * _R) / 128},
    },
    {
        **{0: 1 / 14, 4: 1 / 9, 5: (-733 - 147 * _R) / 2205, 6: (515 + 111 * _R) / 504},
        **{7: (-51 - 11 * _R) / 56, 8: (132 + 28 * _R) / 245},
    },
    {
        **{4: (-42 + 7 * _R) / 18, 5: (-18 + 28 * _R) / 45, 6: (-273 - 53 * _R) / 72},
        **{7: (301 + 53 * _R) / 72, 8: (28 - 28 * _R) / 45, 9: (49 - 7 * _R) / 18},
    },
    {0: 1 / 20, 7: 49 / 180, 8: 16 / 45, 9: 49 / 180, 10: 1 / 20},  # the step itself
)
RK4 = np.array([[0, 0, 0, 0], [1 / 2, 0, 0, 0], [0, 1 / 2, 0, 0], [0, 0, 1, 0], [1, 2, 2, 1]])
RK4[4] /= 6.0
AT_ONCE = 500  # windows: what they need stays in a processor's cache
FINE = 0.06  # rad; of shorter steps, as dense samples of a force ask for, RK4 errs by 1e-7
ROUGH = 0.33  # the same for 1e-4, h⁴/120 a radian: enough until the end of a search
ABSCISSAE = (0.0, 0.5 - _R / 14.0, 0.5, 0.5 + _R / 14.0, 1.0)  # where a step asks for the force
FORCE_OF_STAGE = (0, 2, 2, 3, 3, 2, 1, 1, 2, 3, 4)
FORCE_OF_RK4 = (0, 2, 2, 4)
# Hermite's quintics on 0…1: coefficients of 1, s, …, s⁵ for x, h x', h² x'' at both ends.
QUINTIC = np.array(
    [
        [1, 0, 0, -10, 15, -6],
        [0, 1, 0, -6, 8, -3],
        [0, 0, 0.5, -1.5, 1.5, -0.5],
        [0, 0, 0, 10, -15, 6],
        [0, 0, 0, -4, 7, -3],
        [0, 0, 0, 0.5, -1, 0.5],
    ]
)
TABLEAU = np.array([[row.get(i, 0.0) for i in range(11)] for row in STAGES])


class Windows(NamedTuple):
    """Where windows lie, and which samples fall into them. Times are in the unit of the search.

    | field      | content                                                                |
    |------------|------------------------------------------------------------------------|
    | `record`   | of which record, `(K,)`                                                |
    | `start`    | its time, `(K,)`                                                       |
    | `step`     | of the Runge–Kutta method, `(K,)`                                      |
    | `num_steps`| until the next window of the record begins, `(K,)`                     |
    | `force`    | at `ABSCISSAE` of every step, `(steps, 5, K)`, or None                 |
    | `window`   | of each sample, rising, `(N,)`                                         |
    | `at_step`  | in which it lies, `(N,)`                                               |
    | `weights`  | of x, x', x'' at both ends of it for x and x', or None at its start    |
    | `values`   | that were measured, `(N,)`                                             |
    | `drive`    | the force at the samples, `(N,)`, or None                              |
    | `quantity` | that was measured                                                      |
    | `scaled`   | whether each record but the first has a scale of its own               |
    | `share`    | of the step at which each sample lies, `(N,)`, or None at its start    |
    | `rough`    | whether errors of 1e-4 do                                              |
    """

    record: np.ndarray
    start: np.ndarray
    step: np.ndarray
    num_steps: np.ndarray
    force: np.ndarray | None
    window: np.ndarray
    at_step: np.ndarray
    weights: tuple | None
    values: np.ndarray
    drive: np.ndarray | None
    quantity: str
    scaled: bool = False
    share: np.ndarray | None = None
    rough: bool = False


class WindowRun(NamedTuple):
    """What an equation gives in all windows; derivatives are by (x0, v0, constants).

    | field      | content                                            |
    |------------|----------------------------------------------------|
    | `values`   | of the measured quantity at the samples, `(N,)`    |
    | `slopes`   | their derivatives, `(N, 2 + P)`                    |
    | `ends`     | (x, v) where the next window begins, `(K, 2)`      |
    | `end_slopes` | their derivatives, `(K, 2, 2 + P)`               |
    """

    values: np.ndarray
    slopes: np.ndarray
    ends: np.ndarray
    end_slopes: np.ndarray


def run_windows(law, constants, starts, windows):
    """Run every window from its own start.

    Args:
        law: `Law`.
        constants: p, in the units of the search, `(P,)`, or `(P, K)` for each window its own.
        starts: (x0, v0) of the windows, `(K, 2)`.
        windows: `Windows`.

    Returns:
        `WindowRun`; not finite after a run has left the range of numbers.
    """
    return run_in_blocks(functools.partial(_run, law), constants, starts, windows)


def run_in_blocks(run, constants, starts, windows):
    """`WindowRun` of `run(constants, starts, windows)` for successive blocks of windows."""
    constants = np.reshape(constants, (len(constants), -1))
    constants = np.broadcast_to(constants, (len(constants), len(starts)))
    edges = [*range(0, len(starts), AT_ONCE), len(starts)]
    parts = [
        run(constants[:, first:last], starts[first:last], _some(windows, first, last))
        for first, last in itertools.pairwise(edges)
    ]
    return parts[0] if len(parts) == 1 else WindowRun(*map(np.concatenate, zip(*parts)))


def _some(windows, first, last):
    """Successive windows with their samples."""
    if last - first == len(windows.step):
        return windows
    chosen = slice(first, last)
    mine = slice(*np.searchsorted(windows.window, [first, last]))
    samples = {
        name: None if (row := getattr(windows, name)) is None else row[mine]
        for name in ("at_step", "values", "drive", "share")
    }
    own = {name: getattr(windows, name)[chosen] for name in ("record", "start", "step")}
    num_steps = windows.num_steps[chosen]
    force = None if windows.force is None else windows.force[: num_steps.max(), :, chosen]
    return windows._replace(
        num_steps=num_steps,
        force=force,
        window=windows.window[mine] - first,
        weights=windows.weights and tuple(w[:, mine] for w in windows.weights),
        **own,
        **samples,
    )


def _run(law, constants, starts, windows):
    num_steps, size = int(windows.num_steps.max()), len(constants) + 3
    nodes = np.empty((3, num_steps + 1, size, len(starts)))
    state = np.zeros((2, size, len(starts)))
    state[:, 0], state[0, 1], state[1, 2] = starts.T, 1.0, 1.0
    h, table, at = windows.step, TABLEAU, FORCE_OF_STAGE
    if h.max() < (ROUGH if windows.rough else FINE):
        table, at = RK4, FORCE_OF_RK4
    slopes = np.empty((len(at), *state.shape))
    rows = slopes.reshape(len(at), -1)
    with np.errstate(over="ignore", invalid="ignore"):
        for n in range(num_steps + 1):
            force = None if windows.force is None else windows.force[min(n, num_steps - 1)]
            last = n == num_steps
            for stage in range(1 if last else len(at)):
                now = state
                if stage:
                    now = state + h * (table[stage, :stage] @ rows[:stage]).reshape(state.shape)
                u = None if force is None else force[4 if last else at[stage]]
                slopes[stage, 0] = now[1]
                slopes[stage, 1] = _accelerations(law, constants, *now, u)
            nodes[:2, n], nodes[2, n] = state, slopes[0, 1]
            if not last:
                state = state + h * (table[-1] @ rows).reshape(state.shape)
        return read_nodes(law, constants, nodes, windows)


def _accelerations(law, constants, x, v, u):
    """x'' and its derivatives along the sensitivities, `(3 + P, K)`."""
    rate, slope_x, slope_v, by_constant = law.acceleration(constants, x[0], v[0], u)
    whole = slope_x * x + slope_v * v
    whole[0] = rate
    whole[3:] += by_constant
    return whole


def read_nodes(law, constants, nodes, windows):
    """The measured quantity at the samples, and the ends of the windows."""
    ends = nodes[:2, windows.num_steps, :, np.arange(nodes.shape[-1])]
    wanted = {"position": (0,), "velocity": (1,), "acceleration": (0, 1)}[windows.quantity]
    if windows.weights is None:
        found = [nodes[i, windows.at_step, :, windows.window] for i in wanted]
    else:
        found = [0.0 for _ in wanted]
        for corner in range(6):
            node = nodes[corner % 3, windows.at_step + corner // 3, :, windows.window]
            found = [
                one + windows.weights[i][corner][:, None] * node for one, i in zip(found, wanted)
            ]
    if windows.quantity == "acceleration":
        constants = np.broadcast_to(constants, (len(constants), len(windows.step)))
        constants = constants[:, windows.window]
        found = [_accelerations(law, constants, found[0].T, found[1].T, windows.drive).T]
    return WindowRun(found[0][:, 0], found[0][:, 1:], ends[:, :, 0], ends[:, :, 1:])


def quintic_weights(s, h):
    """Weights of (x, x', x'') at both ends of a step h for x and for x' at a share s of it."""
    one = np.ones_like(s)
    powers = np.stack([one, s, s**2, s**3, s**4, s**5])
    slopes = np.stack([0.0 * s, one, 2 * s, 3 * s**2, 4 * s**3, 5 * s**4])
    sizes = np.stack([one, h, h * h] * 2)
    return (QUINTIC @ powers) * sizes, (QUINTIC @ slopes) * sizes / h


def repeated_windows(windows, number, every=1):
    """The windows, or every so many of them, several times: for runs with several constants.

    Only the samples of those windows are kept; all windows of a copy count as one record.
    """
    chosen = np.arange(0, len(windows.step), every)
    kept = np.flatnonzero(windows.window % every == 0)
    shift = np.repeat(np.arange(number), len(kept)) * len(chosen)

    def tiled(values, which):
        return None if values is None else np.tile(values[..., which], number)

    return windows._replace(
        record=np.repeat(np.arange(number), len(chosen)),
        start=tiled(windows.start, chosen),
        step=tiled(windows.step, chosen),
        num_steps=tiled(windows.num_steps, chosen),
        force=None if windows.force is None else np.tile(windows.force[..., chosen], number),
        window=np.tile(windows.window[kept] // every, number) + shift,
        at_step=tiled(windows.at_step, kept),
        weights=windows.weights and tuple(np.tile(w[:, kept], number) for w in windows.weights),
        values=tiled(windows.values, kept),
        drive=tiled(windows.drive, kept),
        scaled=False,
        share=tiled(windows.share, kept),
    )


def empty_windows(windows, chosen):
    """Some of the windows without their samples: for runs of which the ends are wanted."""
    none = np.zeros(0, int)
    return windows._replace(
        record=windows.record[chosen],
        start=windows.start[chosen],
        step=windows.step[chosen],
        num_steps=windows.num_steps[chosen],
        force=None if windows.force is None else windows.force[..., chosen],
        window=none,
        at_step=none,
        weights=windows.weights and tuple(w[:, :0] for w in windows.weights),
        values=windows.values[:0],
        drive=None if windows.drive is None else windows.drive[:0],
        share=None if windows.share is None else windows.share[:0],
    )


def sums_of_groups(values, first):
    """Sums over the samples of each group; 0 for a group without samples."""
    last = np.append(first[1:], len(values))
    sums = np.add.reduceat(values, np.minimum(first, len(values) - 1), axis=0)
    sums[first == last] = 0.0
    return sums
