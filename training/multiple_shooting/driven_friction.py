"""Driven runs under dry friction: linear motions from one turning point to the next, and rests.

    x'' + d x' + s x = G u − f σ,    σ = sign x'

While σ stays, x is the motion without friction, which is had once for all steps of a window, plus
one under a force that is constant. It turns inside a step where v = 0, and breaks away there where
the force on a mass at rest comes to f; these places are found by Newton's method, and the
step is taken in parts. Where the sensitivities pass a turn, that of v is multiplied by the
acceleration after it over that before; at rest it is 0. When a mass breaks away its acceleration
begins at 0, or at a time that no constant moves: nothing jumps.
"""

from typing import NamedTuple

import numpy as np

from .exact_steps import (
    QUARTIC,
    carried,
    driven_nodes,
    first_zero_of,
    power_maps,
    step_maps,
    value_at,
    velocity_series,
    zero_of,
)
from .window_runs import ABSCISSAE, WindowRun, run_in_blocks

HALF_SWING = 4.0  # rad, about half a period: steps that are looked at together
MOST_TURNS = 4  # in a step
CLOSE = 1e-9  # to the end of a step, where a turn is one of the next

PLACES = np.array(ABSCISSAE)[:, None]


class WindowConstants(NamedTuple):
    """Constants (s, d, f, G), each `(K,)`, and the step h, `(K,)`."""

    s: np.ndarray
    d: np.ndarray
    f: np.ndarray
    gain: np.ndarray
    h: np.ndarray

    def some(self, chosen):
        return WindowConstants(*(row[chosen] for row in self))


class Stand(NamedTuple):
    """Where windows are: x and v, first the numbers, then derivatives, `(2, 7, K)`, and σ.

    σ = 0 where the mass rests. Derivatives are by (x0, v0, s, d, f, G).
    """

    state: np.ndarray
    way: np.ndarray


class Known(NamedTuple):
    """What is had once for all steps of the windows.

    | field     | content                                                                  |
    |-----------|--------------------------------------------------------------------------|
    | `law`     | `WindowConstants`                                                        |
    | `pulls`   | G u and its derivatives by f and G, `(N, 3, 5, K)`                       |
    | `without` | the motion without friction, `(N + 1, 2, 7, K)`                          |
    | `powers`  | maps of 0, 1, … steps under a constant force, `(ahead + 1, 2, 3, 3, K)`  |
    """

    law: WindowConstants
    pulls: np.ndarray
    without: np.ndarray
    powers: np.ndarray


class Path(NamedTuple):
    """The motion with friction as far as it is had: `Stand` at every step of every window.

    | field   | content                        |
    |---------|--------------------------------|
    | `nodes` | the states, `(N + 1, 2, 7, K)` |
    | `ways`  | σ, `(N + 1, K)`                |
    """

    nodes: np.ndarray
    ways: np.ndarray

    def stand(self, step, window):
        """`Stand` of some windows, each at its own step."""
        return Stand(self.nodes[step, :, :, window].transpose(1, 2, 0), self.ways[step, window])

    def write(self, step, window, stand):
        """Put down where some windows stand at their steps."""
        self.nodes[step, :, :, window] = stand.state.transpose(2, 0, 1)
        self.ways[step, window] = stand.way


class Underway(NamedTuple):
    """Some of the windows on their way.

    | field    | content                                                    |
    |----------|------------------------------------------------------------|
    | `window` | which ones, `(M,)`                                         |
    | `step`   | at which step each is, `(M,)`                              |
    | `now`    | their `Stand`                                              |
    | `apart`  | its state less that of the motion without friction, `(2, 7, M)` |
    """

    window: np.ndarray
    step: np.ndarray
    now: Stand
    apart: np.ndarray


def run_driven_with_friction(constants, starts, windows):
    """Run every window of driven records from its own start, as `run_windows` does.

    A friction f < 0 pushes along. A start at x0 = v0 = 0 has no friction, so that a search can
    begin there.

    Args:
        constants: (s, d, f, G), in the units of the search, `(4,)`, or `(4, K)`.
        starts: (x0, v0) of the windows, `(K, 2)`.
        windows: `Windows` with a force.

    Returns:
        `WindowRun`.
    """
    return run_in_blocks(_run, constants, starts, windows)


@np.errstate(all="ignore")
def _run(constants, starts, windows):
    s, d, f, gain = constants
    law = WindowConstants(s, d, np.where(starts.any(axis=1), f, 0.0), gain, windows.step)
    maps, force = step_maps(s, d, law.h), windows.force[: windows.num_steps.max()]
    pulls = np.stack([gain * force, np.zeros_like(force), force], axis=1)
    without = driven_nodes(maps, starts, pulls)
    ahead = min(len(force), 1 + int(HALF_SWING / law.h.min()))
    known = Known(law, pulls, without, power_maps(maps, ahead))
    path = Path(np.empty_like(without), np.zeros(without.shape[:1] + without.shape[-1:]))
    path.nodes[0], path.ways[0] = without[0], _first_way(law, starts, pulls[0, 0, 0])
    steps, going = np.zeros(len(starts), int), np.arange(len(starts))
    while len(going):  # each turn of the loop goes on by a step at least
        here, now = steps[going], path.stand(steps[going], going)
        apart = now.state - without[here, :, :, going].transpose(1, 2, 0)
        place = Underway(going, here, now, apart)
        most = np.minimum(ahead, windows.num_steps[going] - here)
        event = _events(known, place) & (np.arange(ahead)[:, None] < most)
        passed = np.where(event.any(axis=0), event.argmax(axis=0), most)
        _pass(known, place, passed, path)
        steps[going] += passed
        cut = going[event.any(axis=0)]
        step = steps[cut]
        path.write(step + 1, cut, _cut(law.some(cut), path.stand(step, cut), force[step, :, cut].T))
        steps[cut] += 1
        going = going[steps[going] < windows.num_steps[going]]
    return _read(law, path, windows)


def _first_way(law, starts, drive):
    """σ at the beginning of the windows; one that begins at rest may stay there."""
    x, v = starts.T
    pull = drive - law.s * x
    held = (np.abs(pull) <= law.f) & (law.f > 0.0)
    return np.where(v == 0.0, np.where(held, 0.0, np.sign(pull)), np.sign(v))


def _events(known, place):
    """Whether windows may turn or break away in the first, second, … step from here, `(n, M)`."""
    k, way, pulls = place.window, place.now.way, known.pulls
    law, number = known.law.some(k), np.arange(len(known.powers))
    node = np.minimum(place.step + number[:, None], len(pulls))
    moves = known.powers[:, :, 0][..., k].transpose(1, 2, 0, 3)
    x, v = known.without[node, :, 0, k].transpose(2, 0, 1) - way * law.f * moves[:, 2]
    (a, b), (own_x, own_v) = moves[:, :2].transpose(1, 0, 2, 3), place.apart[:, 0]
    x, v = x + a[0] * own_x + b[0] * own_v, way * (v + a[1] * own_x + b[1] * own_v)
    step = np.minimum(node[:-1], len(pulls) - 1)  # what lies behind the end is not used
    first, last = pulls[step, 0, 0, k], pulls[step, 0, 4, k]
    loss = law.d * v + law.f
    falls = way * (first - law.s * x[:-1]) - loss[:-1]
    rises = way * (last - law.s * x[1:]) - loss[1:]
    # Where the speed falls and rises again, it is above where its tangents meet.
    meet = (v[1:] - v[:-1] - rises * law.h) / (falls - rises)
    dips = (falls < 0.0) & (rises > 0.0) & (v[:-1] + falls * meet < 0.0)
    spring = law.s * place.now.state[0, 0]
    drawn = np.maximum(np.abs(first - spring), np.abs(last - spring)) > law.f
    return np.where(way == 0.0, drawn, (v[1:] < 0.0) | dips)


def _pass(known, place, passed, path):
    """Write what the windows do in the steps that they pass without an event."""
    of = np.repeat(np.arange(len(passed)), passed)
    number = 1 + np.arange(len(of)) - np.repeat(np.cumsum(passed) - passed, passed)
    k, step, way = place.window[of], place.step[of] + number, place.now.way[of]
    pulls = np.stack([-way * known.law.f[k], -way, np.zeros(len(k))])[:, None]
    maps = np.ascontiguousarray(known.powers[number, :, :, :, k].transpose(1, 2, 3, 0))
    state = carried(maps, place.apart[:, :, of], pulls)
    state += known.without[step, :, :, k].transpose(1, 2, 0)
    still = way == 0.0
    state[0][:, still], state[1][:, still] = place.now.state[0][:, of[still]], 0.0
    path.write(step, k, Stand(state, way))


def _cut(law, at, force):
    """`Stand` after one step in which windows turn, stop or break away, taken in parts."""
    (state, way), share = at, np.zeros(len(at.way))
    state[1, :, way == 0.0] = 0.0
    for number in range(MOST_TURNS + 1):
        way, share = _broken_away(law, Stand(state, way), force, share)
        rest = 1.0 - share
        pull = law.gain * _within(force, share, rest) - way * law.f
        speeds = way * velocity_series(law.s, law.d, rest * law.h, state[:, 0], pull)
        turn, turns = first_zero_of(speeds)
        turns &= (rest > CLOSE) & (number < MOST_TURNS)
        part = rest * np.where(turns, turn, 1.0)
        state = _moved(law, Stand(state, way), _within(force, share, part), part * law.h)
        share = share + part
        if not turns.any():
            break
        after = _turned(law, Stand(state, way), _within(force, share, 0.0 * part)[0])
        state, way = np.where(turns, after.state, state), np.where(turns, after.way, way)
    return Stand(state, way)


def _within(force, share, part):
    """The force at `ABSCISSAE` of a part of a step, `(5, K)`."""
    return value_at(QUARTIC @ force, share + PLACES * part)[0]


def _broken_away(law, at, force, share):
    """σ and the share of the step where masses at rest begin to move, if they do."""
    rest, spring = 1.0 - share, law.s * at.state[0, 0]
    pull = law.gain * _within(force, share, rest) - spring
    first, last = np.abs(pull[0]) > law.f, np.abs(pull[4]) > law.f
    way = np.where(first, np.sign(pull[0]), np.where(last, np.sign(pull[4]), 0.0))
    stuck, later = at.way == 0.0, np.zeros(len(way))
    waits = stuck & last & ~first
    left = -way * (QUARTIC @ pull)
    left[0] += law.f
    later[waits] = zero_of(left[:, waits])
    return np.where(stuck, way, at.way), share + rest * later


def _moved(law, at, force, h):
    """x and v after a part of a step; those at rest stay."""
    ones = np.broadcast_to(-at.way, force.shape)
    pulls = np.stack([law.gain * force - at.way * law.f, ones, force])
    state = carried(step_maps(law.s, law.d, h), at.state, pulls)
    still = at.way == 0.0
    state[:, :, still] = at.state[:, :, still]
    return state


def _turned(law, at, force):
    """`Stand` after a turn: back, or at rest where all other forces stay below friction."""
    drive = law.gain * force - law.s * at.state[0, 0]
    goes = (-at.way * drive > law.f) | (law.f <= 0.0)
    friction = at.way * law.f
    later = np.where(law.f == 0.0, 1.0, (drive + friction) / (drive - friction))
    state = at.state.copy()
    state[1] *= np.where(goes, later, 0.0)
    state[1, 0] = 0.0
    return Stand(state, np.where(goes, -at.way, 0.0))


def _read(law, path, windows):
    """The measured quantity at the samples, and the ends of the windows."""
    nodes, ways = path
    ends = nodes[windows.num_steps, :, :, np.arange(nodes.shape[-1])]
    step, k = windows.at_step, windows.window
    x, v = nodes[step, :, :, k].transpose(1, 0, 2)
    found = {"position": x, "velocity": v}.get(windows.quantity)
    if found is None:
        way = ways[step, k]
        s, d, f, gain, _ = law.some(k)
        found = -s[:, None] * x - d[:, None] * v
        found[:, 0] += gain * windows.drive - way * f
        found[:, 3:] += np.stack([-x[:, 0], -v[:, 0], -way, windows.drive], axis=1)
        found[way == 0.0] = 0.0
    return WindowRun(found[:, 0], found[:, 1:], ends[:, :, 0], ends[:, :, 1:])
