"""Random records of oscillators: are the constants that `identify` finds in their intervals?

    python benchmarks/identify.py [--records 60] [--seed 0] [--longest 20000] [--auto]

Every case is drawn at random: damping ratio 1e-6 … .9, 2 to 500 periods, 6 to 200 samples a
period (at most 20,000 samples in all), noise .001 … .316 of the signal's size (−60 … −10 dB),
offsets, gaps, uneven times, 1 to 20 records; half of them free and half driven, half linear and
half not. Free motions come from closed forms or SciPy's DOP853, driven ones from RK4 in NumPy with
at least 160 steps a period: nothing of the code under test. The law is given; `--auto` lets it
choose. That the force is a straight line between samples is given too: dense samples do not tell.

Printed, of all cases above the threshold:

- valley: share whose natural frequency is within five Cramér–Rao bounds or 1e-4 of the truth;
- coverage: share of 95 % intervals that hold the truth, of all constants;
- spread: root mean square of (estimate − truth) / Cramér–Rao bound, which is 1 at best. The bound
  is that of the true noise, with the sensitivities at the estimate;
- seconds of CPU time;
- the same valley for FFT and `scipy.optimize.curve_fit` on a linear decay: free cases only.

The threshold: a frequency can be told from noise where the signal's energy is 25 times the noise's
variance (the matched filter's output five standard deviations above it); and damping, offset and
frequency can be told apart where a record has a period. Cases below either are counted apart, and
so are softening springs that the force drives over their top and away.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import curve_fit

from oscillator_zoo.data import Trajectory
from oscillator_zoo.training import identify
from oscillator_zoo.training.instrument.found_constants import named
from oscillator_zoo.training.instrument.oscillator_laws import LAWS

LONGEST = 20_000  # samples of a case, unless --longest says otherwise
NONLINEAR = ("quadratic_drag", "duffing", "quadratic_cubic", "pendulum")
LEAST_ENERGY = 25.0  # of the signal, in variances of the noise


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
    records, energy, sigmas = [], 0.0, []
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
        values = motion + sigma * random.normal(size=len(times)) + size * random.normal()
        records.append(
            Trajectory(times, values[None, :, None], ("position",), force[None, :, None])
        )
    names = LAWS[law].constants(driven)
    return law, named(LAWS[law], dict(zip(names, p))), records, sigmas[0], case | {"energy": energy}


def classical(record):
    """Frequency in Hz of FFT and `curve_fit`, as people do it."""
    t, y = record.times, record.states[0, :, 0]
    step = np.median(np.diff(t))
    grid = np.arange(0.0, t[-1], step)
    spectrum = np.abs(np.fft.rfft(np.interp(grid, t, y - y.mean())))
    first = np.fft.rfftfreq(len(grid), step)[1 + np.argmax(spectrum[1:])]

    def model(t, c, a, b, frequency, alpha):
        wave = 2.0 * np.pi * frequency * t
        return c + np.exp(-alpha * t) * (a * np.cos(wave) + b * np.sin(wave))

    try:
        guess = [y.mean(), np.ptp(y) / 2.0, 0.0, first, 1.0 / t[-1]]
        found = curve_fit(model, t, y, guess, maxfev=5000)[0]
    except (RuntimeError, ValueError):
        return np.nan
    return np.hypot(found[3], found[4] / (2.0 * np.pi))


def judge(law, truth, records, sigma, auto):
    """Pulls against interval and bound, whether the valley is right, CPU seconds."""
    begin = time.process_time()
    found = identify(records, model="auto" if auto else law, force_between="linear")
    seconds = time.process_time() - begin
    scale = sigma / np.sqrt(found.fit.square / (len(found.fit.error) - found.fit.num_unknowns))
    inside, pulls = [], []
    for name, value in truth.items():
        if name in ("damping", "stiffness", "logarithmic_decrement") or name not in found.estimates:
            continue  # the same again
        e = found.estimates[name]
        inside.append(e.lower <= value <= e.upper)
        pulls.append((e.value - value) / (e.standard_error * scale))
    frequency = found.estimates["natural_frequency"]
    off = abs(frequency.value - truth["natural_frequency"])
    near = off < max(5.0 * scale * frequency.standard_error, 1e-4 * truth["natural_frequency"])
    return found, inside, pulls, near, seconds


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--records", type=int, default=60)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--auto", action="store_true")
    options.add_argument("--longest", type=int, default=LONGEST)
    options.add_argument("--first", type=int, default=0)
    options.add_argument("--verbose", action="store_true")
    given = options.parse_args()
    rows, below, refused, escaped = [], 0, 0, 0
    for i in range(given.first, given.first + given.records):
        law, truth, records, sigma, case = draw(
            np.random.default_rng([given.seed, i]), given.longest
        )
        if not np.isfinite(case["energy"]):
            escaped += 1
            continue
        if case["energy"] < LEAST_ENERGY or case["periods"] < 1.0:
            below += 1
            continue
        try:
            found, inside, pulls, near, seconds = judge(law, truth, records, sigma, given.auto)
        except ValueError as error:
            refused += 1
            print(i, "refused:", error)
            continue
        usual = None
        if not case["driven"]:
            one = found.estimates["natural_frequency"].standard_error * np.sqrt(len(records))
            off = abs(classical(records[0]) - truth["natural_frequency"])
            usual = off < max(1e-4 * truth["natural_frequency"], 5.0 * one)
        rows.append((case, inside, pulls, near, seconds, usual, found.law == law, found.doubts))
        if given.verbose or not near or max(map(abs, pulls)) > 5.0:
            shown = {k: round(v, 6) if isinstance(v, float) else v for k, v in case.items()}
            print(i, "right" if near else "WRONG", np.round(pulls, 2), f"{seconds:.1f} s", shown)
    report("all", rows)
    for driven in (False, True):
        for linear in (True, False):
            chosen = [
                row
                for row in rows
                if row[0]["driven"] == driven and (row[0]["law"] == "linear") == linear
            ]
            name = f"{'driven' if driven else 'free'}, {'linear' if linear else 'nonlinear'}"
            report(name, chosen)
    print(
        f"{below} cases below the threshold left out, {escaped} without bounds, {refused} refused. "
        f"Load {os.getloadavg()[0]:.1f}."
    )


def report(name, rows):
    if not rows:
        return
    inside = np.concatenate([row[1] for row in rows])
    pulls = np.concatenate([row[2] for row in rows])
    seconds = np.array([row[4] for row in rows])
    right = np.mean([row[3] for row in rows])
    usual = [row[5] for row in rows if row[5] is not None]
    print(
        f"{name:18} {len(rows):4} cases: valley {right:6.1%}, coverage {inside.mean():6.1%} of "
        f"{len(inside)}, spread {np.sqrt(np.mean(np.clip(pulls, -6, 6) ** 2)):.2f}, CPU s median "
        f"{np.median(seconds):.2f}, largest {seconds.max():.1f}"
        + (f"; FFT + curve_fit: valley {np.mean(usual):.1%}" if usual else "")
    )


if __name__ == "__main__":
    main()
