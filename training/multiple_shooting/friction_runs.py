"""Free runs under dry friction: exact pieces from one turning point to the next.

    x'' + d x' + s x + f σ = 0,    σ = sign x'

While σ stays, x − e swings about e = −σ f / s as a linear oscillator does, with α = d/2 and
ω² = s − α²:

    x = e + E (c + α S)(x_0 − e) + E S v_0         E = e^{−αt},  c = cos ωt,  S = sin ωt / ω
    v = −E s S (x_0 − e) + E (c − α S) v_0

It turns where v = 0; there it goes back if the spring is stronger than the friction, s|x| > f, and
else it sticks for good. Where the sensitivities pass a turning point, that of v is multiplied by
the acceleration after it over that before: the turn itself comes sooner or later.
"""

from typing import NamedTuple

import numpy as np

from .window_runs import WindowRun

MOST_TURNS = 4000  # of a window, which has one period or two unless it is a whole record
ROUNDING = 1.0 + 1e-12  # of the last sample's time


class Piece(NamedTuple):
    """Where all windows stand at a turning point; derivatives are by (x0, v0, s, d, f).

    | field    | content                                            |
    |----------|----------------------------------------------------|
    | `time`   | from the window's start, `(K,)`                    |
    | `x`, `v` | `(1 + 5, K)`: the number, then its derivatives     |
    | `way`    | σ: 1, −1, or 0 where the motion sticks, `(K,)`     |
    """

    time: np.ndarray
    x: np.ndarray
    v: np.ndarray
    way: np.ndarray


@np.errstate(all="ignore")
def run_with_friction(constants, starts, windows):
    """Run every window of a free decay from its own start, as `run_windows` does.

    A friction f < 0, which a search or an interval may pass through, pushes along. A start at
    x0 = v0 = 0 has the derivatives without friction, so that a search can begin there.

    Args:
        constants: (s, d, f), in the units of the search, `(3,)`, or `(3, K)`.
        starts: (x0, v0) of the windows, `(K, 2)`.
        windows: `Windows` without a force.

    Returns:
        `WindowRun`; not a number where nothing swings, s ≤ d²/4.
    """
    s, d, f = np.broadcast_to(np.reshape(constants, (3, -1)), (3, len(starts)))
    f = np.where(starts.any(axis=1), f, 0.0)
    length = windows.step * windows.num_steps
    times = (windows.at_step + windows.share) * windows.step[windows.window]
    read = np.full((2, 6, len(times)), np.nan)
    ends = np.full((2, 6, len(starts)), np.nan)
    ways = np.zeros(len(times))
    piece = _begin(s, f, starts)
    for _ in range(MOST_TURNS):
        until = np.where(piece.way == 0.0, np.inf, piece.time + _time_to_turn(s, d, f, piece))
        here = windows.window
        inside = np.flatnonzero((times >= piece.time[here]) & (times < until[here]))
        of = here[inside]
        read[:, :, inside] = _after(s, d, f, piece, times[inside] - piece.time[of], of)
        ways[inside] = piece.way[of]
        last = np.flatnonzero((length >= piece.time) & (length < until))
        ends[:, :, last] = _after(s, d, f, piece, length[last] - piece.time[last], last)
        if not np.any(until <= length * ROUNDING):  # nor where something is not a number
            break
        piece = _turned(s, d, f, piece, until)
    values = _measured(s, d, f, read, ways, windows)
    return WindowRun(values[0], values[1:].T, ends[:, 0].T, ends[:, 1:].transpose(2, 0, 1))


def _begin(s, f, starts):
    """The first pieces: a window that starts at rest is at a turning point."""
    x, v = np.zeros((2, 6, len(starts)))
    (x[0], v[0]), x[1], v[2] = starts.T, 1.0, 1.0
    held = (s * np.abs(x[0]) <= f) & (f > 0.0)
    back = np.where(held, 0.0, np.where(x[0] > 0.0, -1.0, 1.0))
    return Piece(np.zeros(len(starts)), x, v, np.where(v[0] == 0.0, back, np.sign(v[0])))


def _time_to_turn(s, d, f, piece):
    """Until the velocity is 0 again: half a period if it is now."""
    omega, way = np.sqrt(s - 0.25 * d * d), piece.way
    ahead = way * piece.v[0]
    pull = way * (0.5 * d * piece.v[0] + s * piece.x[0]) + f
    angle = np.arctan2(omega * ahead, pull)
    return np.where(ahead > 0.0, angle, np.pi) / omega


def _after(s, d, f, piece, t, of):
    """x, v and their derivatives `(2, 6, n)`, times t after the beginning of the pieces `of`."""
    s, d, f, way = s[of], d[of], f[of], piece.way[of]
    x, v = piece.x[:, of], piece.v[:, of]
    alpha = 0.5 * d
    square = s - alpha * alpha
    omega = np.sqrt(square)
    decay, c = np.exp(-alpha * t), np.cos(omega * t)
    wave = np.sin(omega * t) / omega
    c_moves, wave_moves = -0.5 * t * wave, 0.5 * (t * c - wave) / square  # by ω²
    y, u = x.copy(), v  # from the rest e, whose derivatives are −σ/s by f and σf/s² by s
    y[0] += way * f / s
    y[3] -= way * f / s**2
    y[5] += way / s
    found = _swung(c, wave, alpha, s, y, u)
    by_square = _swung(c_moves, wave_moves, alpha, s, y[0], u[0])
    found[:, 3] += by_square
    found[1, 3] -= wave * y[0]
    by_alpha = np.stack([wave * y[0] - t * found[0, 0], -wave * u[0] - t * found[1, 0]])
    found[:, 4] += 0.5 * (by_alpha - 2.0 * alpha * by_square)
    found *= decay
    found[0, 0] -= way * f / s
    found[0, 3] += way * f / s**2
    found[0, 5] -= way / s
    stuck = way == 0.0
    found[0][:, stuck], found[1][:, stuck] = x[:, stuck], 0.0
    return found


def _swung(c, wave, alpha, s, y, u):
    """y and y' of a swing from (y, u), but for E; linear in c and S."""
    return np.stack([(c + alpha * wave) * y + wave * u, (c - alpha * wave) * u - s * wave * y])


def _turned(s, d, f, piece, until):
    """The pieces that begin at the next turning points; those that stick stay as they are."""
    found = _after(s, d, f, piece, until - piece.time, np.arange(len(until)))
    x, v = found
    before = -s * x[0] - piece.way * f
    goes = (piece.way * s * x[0] > f) | (f <= 0.0)
    sooner = np.where(f == 0.0, 1.0, 1.0 + 2.0 * piece.way * f / before)
    v = np.where(goes, v * sooner, 0.0)
    v[0] = 0.0
    way = np.where(goes, -piece.way, 0.0)
    stuck = piece.way == 0.0
    return Piece(
        np.where(stuck, piece.time, until),
        np.where(stuck, piece.x, x),
        np.where(stuck, piece.v, v),
        np.where(stuck, 0.0, way),
    )


def _measured(s, d, f, read, ways, windows):
    """The measured quantity at the samples and its derivatives, `(6, N)`."""
    if windows.quantity != "acceleration":
        return read[("position", "velocity").index(windows.quantity)]
    x, v = read
    s, d, f = (row[windows.window] for row in (s, d, f))
    found = -s * x - d * v
    found[0] -= ways * f
    found[3], found[4], found[5] = found[3] - x[0], found[4] - v[0], found[5] - ways
    return np.where(ways == 0.0, 0.0, found)
