"""Random records of oscillators whose constants are known, made without the code under test."""

import itertools
import math

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from oscillator_zoo.data import Trajectory
from oscillator_zoo.training.instrument.found_constants import named
from oscillator_zoo.training.law_fits.oscillator_laws import LAWS

NONLINEAR = ("quadratic_drag", "duffing", "quadratic_cubic", "pendulum")


def forces_of(law, p, x, v):
    """x'' without the driving force."""
    s, d, *more = p
    if law == "pendulum":
        return -s * np.sin(x) - d * v
    rate = -s * x - d * v
    if law == "quadratic_drag":
        rate -= more[0] * abs(v) * v
    elif law == "duffing":
        rate -= more[0] * x**3
    elif law == "quadratic_cubic":
        rate -= more[0] * x**2 + more[1] * x**3
    return rate


def free_motion(law, p, times, start):
    if law == "linear":
        alpha = p[1] / 2.0
        damped = np.sqrt(p[0] - alpha**2)
        a, b = start[0], (start[1] + alpha * start[0]) / damped
        return np.exp(-alpha * times) * (a * np.cos(damped * times) + b * np.sin(damped * times))
    slope = lambda t, s: [s[1], forces_of(law, p, *s)]  # noqa: E731
    size = np.hypot(start[0], start[1] / np.sqrt(p[0]))
    given = {"t_eval": times, "rtol": 1e-10, "atol": 1e-12 * size}
    return solve_ivp(slope, (0.0, times[-1]), start, "DOP853", **given).y[0]


def driven_motion(law, p, gain, forces, between, starts):
    """All records at once, the force linear between samples; `(records, N)`."""
    parts = max(4, int(np.ceil(160.0 * between * np.sqrt(p[0]) / (2.0 * np.pi))))
    h, (x, v) = between / parts, np.array(starts).T
    run = [x]
    for now, then in zip(forces.T[:-1], forces.T[1:]):
        for part in range(parts):
            u = [gain * (now + (then - now) * (part + c) / parts) for c in (0.0, 0.5, 1.0)]
            a1 = forces_of(law, p, x, v) + u[0]
            v2 = v + 0.5 * h * a1
            a2 = forces_of(law, p, x + 0.5 * h * v, v2) + u[1]
            v3 = v + 0.5 * h * a2
            a3 = forces_of(law, p, x + 0.5 * h * v2, v3) + u[1]
            v4 = v + h * a3
            a4 = forces_of(law, p, x + h * v3, v4) + u[2]
            x = x + h * (v + 2.0 * v2 + 2.0 * v3 + v4) / 6.0
            v = v + h * (a1 + 2.0 * a2 + 2.0 * a3 + a4) / 6.0
        run.append(x)
    return np.array(run).T


@np.errstate(over="ignore", invalid="ignore")
def draw(random, longest):
    """A case: law, true constants by name, records, noise by record, and what it is."""
    driven, nonlinear = random.random() < 0.5, random.random() < 0.5
    law = str(random.choice(NONLINEAR)) if nonlinear else "linear"
    ratio = 10.0 ** random.uniform(-6.0, np.log10(0.9))
    periods, rate = 10.0 ** random.uniform(0.3, 2.7), 10.0 ** random.uniform(0.78, 2.3)
    if nonlinear and not driven:
        ratio = min(ratio, 0.3)  # more, and nothing nonlinear is left to see
    omega = 2.0 * np.pi * 10.0 ** random.uniform(-1.0, 3.0)
    num_records = int(random.choice([1, 1, 2, 3, 5, 20]))
    num = int(np.clip(periods * rate, 24, longest / num_records))
    between = 2.0 * np.pi / omega / rate
    size = random.uniform(0.5, 2.2) if law == "pendulum" else 10.0 ** random.uniform(-3.0, 3.0)
    share = random.uniform(0.05, 0.5)
    extra = {
        "quadratic_drag": [random.uniform(0.01, 0.2) / size],
        "duffing": [random.choice([share, -0.5 * share]) * (omega / size) ** 2],
        "quadratic_cubic": [0.5 * share * omega**2 / size, share * (omega / size) ** 2],
    }
    p = [omega**2, 2.0 * ratio * omega, *extra.get(law, [])]
    noise = 10.0 ** random.uniform(-3.0, -0.5)
    case = {"law": law, "driven": driven, "ratio": ratio, "periods": num / rate, "rate": rate}
    case |= {"records": num_records, "noise": noise, "samples": num}
    records, energy, sigmas, square = [], 0.0, [], 0.0
    grid = between * np.arange(num)
    if driven:
        forces = random.normal(size=(num_records, num))
        starts = np.zeros((num_records, 2))
        plain = driven_motion("linear", p[:2], 1.0, forces[:1], between, starts[:1])
        gain = 0.7 * size / plain.std() / (2.0 if p[2:] and p[2] < 0.0 else 1.0)
        motions = driven_motion(law, p, gain, forces, between, starts)
        p.append(gain)
    for i in range(num_records):
        if driven:
            times, motion, force = grid, motions[i], forces[i]
        else:
            times = grid
            if random.random() < 0.3:
                times = np.sort(grid + 0.4 * between * random.uniform(-1.0, 1.0, num))
            if random.random() < 0.3:
                gap = int(random.integers(num // 2))
                times = np.delete(times, slice(gap, gap + num // 8))
            phase = random.uniform(0.0, 2.0 * np.pi)
            own = size * random.uniform(0.6, 1.0)
            times = times - times[0]
            start = [own * np.cos(phase), own * omega * np.sin(phase)]
            motion, force = free_motion(law, p, times, start), np.zeros(len(times))
        sigma = noise * (sigmas[0] / noise if sigmas else motion.std())
        sigmas.append(sigma)
        energy += np.sum((motion - motion.mean()) ** 2) / sigma**2
        errors = sigma * random.normal(size=len(times))
        square += errors @ errors
        values = motion + errors + size * random.normal()
        records.append(
            Trajectory(times, values[None, :, None], ("position",), force[None, :, None])
        )
    case |= {"energy": energy, "square": square}
    names = LAWS[law].constants(driven)
    return law, named(LAWS[law], dict(zip(names, p))), records, sigmas[0], case


def slid_motion(p, gain, force, between):
    """x from rest under dry friction, `(N,)`: closed forms from one turning point to the next."""
    s, d, f = p
    parts = max(1, math.ceil(40.0 * between * math.sqrt(s) / (2.0 * math.pi)))
    h, (x, v, way), run = between / parts, (0.0, 0.0, 0.0), [0.0]
    for now, then in itertools.pairwise(force):
        slope = gain * (then - now) / between
        for part in range(parts):
            x, v, way = _slid_step((s, d, f), gain * now + slope * h * part, slope, h, (x, v, way))
        run.append(x)
    return np.array(run)


def _slid_step(p, pull, slope, h, state):
    """x, v, σ after h under pull + slope t, in parts from one event to the next; σ = 0 is rest."""
    (s, _, f), (x, v, way), now = p, state, 0.0
    while now < h:
        left, here = h - now, pull + slope * now
        if way == 0.0:
            drive = here - s * x
            later = (math.copysign(f, slope) - drive) / slope if abs(drive) <= f else 0.0
            if later >= left:
                return x, 0.0, 0.0
            now += later
            way = math.copysign(1.0, slope if abs(drive) <= f else drive)
            continue
        moved = _swing(p, way, (here, slope), (x, v))
        speed, push = lambda t: way * moved(t)[1], lambda t: way * moved(t)[2]  # noqa: B023
        begun = 1e-9 * h if v == 0.0 else 0.0  # until then the speed is rounding
        lowest = left
        if push(begun) < 0.0 < push(left):
            lowest = brentq(push, begun, left, xtol=1e-16 * h)
        if not (lowest > begun and speed(lowest) < 0.0):
            x, v, _ = moved(left)
            return x, v, way
        turn = brentq(speed, begun, lowest, xtol=1e-16 * h) if speed(begun) > 0.0 else begun
        x, v, now = moved(turn)[0], 0.0, now + turn
        drive = pull + slope * now - s * x
        way = 0.0 if abs(drive) <= f else math.copysign(1.0, drive)
    return x, v, way


def _swing(p, way, pulls, start):
    """x, v, x'' of x'' + d x' + s x = a + b t − f σ as a function of t, in closed form."""
    (s, d, f), (pull, slope), (x, v) = p, pulls, start
    alpha, drift = 0.5 * d, slope / s
    middle = (pull - way * f - d * drift) / s
    omega = math.sqrt(s - alpha * alpha)
    a, b = x - middle, (v - drift + alpha * (x - middle)) / omega

    def moved(t):
        e, c, w = math.exp(-alpha * t), math.cos(omega * t), math.sin(omega * t)
        there = middle + drift * t + e * (a * c + b * w)
        speed = drift + e * ((b * omega - alpha * a) * c - (a * omega + alpha * b) * w)
        return there, speed, pull + slope * t - way * f - d * speed - s * there

    return moved


def draw_friction(random, longest):
    """A driven case with dry friction, under noise or under a few sines; as `draw`."""
    ratio, noise = 10.0 ** random.uniform(-4.0, -0.3), 10.0 ** random.uniform(-3.0, -1.0)
    periods, rate = 10.0 ** random.uniform(0.6, 2.3), 10.0 ** random.uniform(0.78, 2.0)
    omega = 2.0 * np.pi * 10.0 ** random.uniform(-1.0, 3.0)
    num_records = int(random.choice([1, 1, 2, 3]))
    num = int(np.clip(periods * rate, 48, longest / num_records))
    between, size = 2.0 * np.pi / omega / rate, 10.0 ** random.uniform(-3.0, 3.0)
    if random.random() < 0.5:
        forces = random.normal(size=(num_records, num))
    else:
        tones = omega * random.uniform(0.3, 1.7, (num_records, 3, 1)) * between
        turns = random.uniform(0.0, 2.0 * np.pi, (num_records, 3, 1))
        forces = np.sin(tones * np.arange(num) + turns).sum(axis=1)
    viscous, still = [omega**2, 2.0 * ratio * omega], np.zeros((num_records, 2))
    plain = driven_motion("linear", viscous, 1.0, forces, between, still)
    gain = size / plain.std()
    share = 10.0 ** random.uniform(-1.3, -0.2)
    p = [*viscous, share * min(omega**2 * size, gain * forces.std())]  # of spring or drive
    motions = [slid_motion(p, gain, force, between) for force in forces]
    sigma = noise * np.std(motions[0])
    errors = sigma * random.normal(size=(num_records, num))
    records = [
        Trajectory(
            between * np.arange(num),
            (motion + error + size * random.normal())[None, :, None],
            ("position",),
            force[None, :, None],
        )
        for motion, error, force in zip(motions, errors, forces)
    ]
    energy = sum(np.sum((motion - motion.mean()) ** 2) for motion in motions) / sigma**2
    case = {"law": "dry_friction", "driven": True, "ratio": ratio, "share": share}
    case |= {"periods": num / rate, "rate": rate, "records": num_records, "noise": noise}
    case |= {"samples": num, "energy": energy, "square": float(np.sum(errors**2))}
    law = LAWS["dry_friction"]
    return law.name, named(law, dict(zip(law.constants(True), [*p, gain]))), records, sigma, case
