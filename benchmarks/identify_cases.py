"""Random records of oscillators whose constants are known, made without the code under test."""

import numpy as np
from scipy.integrate import solve_ivp

from oscillator_zoo.data import Trajectory
from oscillator_zoo.training.instrument.found_constants import named
from oscillator_zoo.training.instrument.oscillator_laws import LAWS

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
