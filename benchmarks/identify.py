"""Random records of oscillators: are the constants that `identify` finds in their intervals?

    python benchmarks/identify.py [--records 60] [--seed 0] [--longest 20000] [--auto] [--peers 20]
    python benchmarks/identify.py --friction [--records 60] [--seed 0] [--longest 1000] [--auto]
    python benchmarks/identify.py --ring-downs [--records 60] [--seed 0] [--longest 1000]
    python benchmarks/identify.py --silverbox FILE

Every case is drawn at random: damping ratio 1e-6 … .9, 2 to 500 periods, 6 to 200 samples a
period (at most 20,000 samples in all), noise .001 … .316 of the signal's size (−60 … −10 dB),
offsets, gaps, uneven times, 1 to 20 records; half of them free and half driven, half linear and
half not. Free motions come from closed forms or SciPy's DOP853, driven ones from RK4 in NumPy with
at least 160 steps a period: nothing of the code under test. The law is given; `--auto` lets it
choose. That the force is a straight line between samples is given too: dense samples do not tell.

With `--friction` all records are driven, by white noise or three sines, and have dry friction, of
.05 to .6 of the spring's usual force or the driving one's, whichever is less. Their motions are
closed forms from one turning point to the next.

Printed, of all cases above the threshold:

- valley: share whose fit is one free run and no farther from the record than the true motion is.
  No other valley can be: the noise is all that the true motion leaves. (With `--auto` and another
  law, whose frequency is within five standard errors or 1e-4 of the truth.)
- law: share that is fitted by the law that made the record, all of them without `--auto`;
- coverage: share of 95 % intervals that hold the truth, of all constants; its standard error takes
  those of one case as one draw. A search without an end at one free run has no intervals;
- spread: root mean square of (estimate − truth) / Cramér–Rao bound, which is 1 at best. The bound
  is that of the true noise, with the sensitivities at the estimate;
- seconds of CPU time;
- with `--peers`, of the first cases' first records: the natural frequencies of other tools;
  `--ring-downs` takes single free linear records at even times only, and the tools for these.

The threshold: a frequency can be told from noise where the signal's energy is 25 times the noise's
variance (the matched filter's output five standard deviations above it); damping, offset and
frequency can be told apart where a record has a period; and a pendulum's angle has a sine where the
noise is below a radian. Cases below are counted apart, and so are softening springs that the force
drives over their top and away.

`--silverbox` is the file of a measured record, `input_V` and `output_V` at 610.35 Hz: `identify`
finds law and constants from its first three quarters, and runs freely through the last.
"""

import argparse
import os
import time
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from identify_cases import draw, draw_friction
from identify_peers import OF_RING_DOWNS, PEERS, is_ring_down

from oscillator_zoo.data import load_measurement, split_by_time
from oscillator_zoo.training import identify
from oscillator_zoo.training.instrument.identified import inputs_of
from oscillator_zoo.training.law_fits.record_list import as_records

LONGEST = 20_000  # samples of a case, unless --longest says otherwise
LEAST_ENERGY = 25.0  # of the signal, in variances of the noise
LOUDEST = 1.0  # rad, noise of a pendulum's angle
AS_LOW = 1e-6  # relative, of a sum of squares: the accuracy of two integrators
NEAR = 0.01  # error of a frequency, for tools without intervals
SILVERBOX_RATE = 610.35  # Hz
SHARED = ("base", "shared")  # frame and scale
AGAIN = ("damping", "stiffness", "logarithmic_decrement")  # the same constants once more


class Row(NamedTuple):
    """What is kept of a case."""

    case: dict
    inside: list
    pulls: list
    right: bool
    seconds: float
    named: bool


def judge(law, truth, records, sigma, case, auto):
    """Pulls against interval and bound, whether the valley is right, CPU seconds."""
    begin = time.process_time()
    found = identify(records, model="auto" if auto else law, force_between="linear")
    seconds = time.process_time() - begin
    scale = sigma / np.sqrt(found.fit.square / (len(found.fit.error) - found.fit.num_unknowns))
    inside, pulls = [], []
    for name, value in truth.items():
        if name in AGAIN or name not in found.estimates or not found.fit.closed:
            continue
        e = found.estimates[name]
        inside.append(e.lower <= value <= e.upper)
        pulls.append((e.value - value) / (e.standard_error * scale))
    right = found.fit.square <= (1.0 + AS_LOW) * case["square"]
    if found.law != law:
        frequency = found.estimates["natural_frequency"]
        off = abs(frequency.value - truth["natural_frequency"])
        right = off < max(5.0 * frequency.standard_error, 1e-4 * truth["natural_frequency"])
    return found, inside, pulls, right and found.fit.closed, seconds


def off(frequency, truth):
    """Error of a natural frequency, relative; not a number where there is none."""
    return abs(frequency / truth["natural_frequency"] - 1.0)


def of_peers(tools, law, truth, record, driven):
    """Errors of the natural frequency, infinite where none is found, and CPU seconds by tool."""
    found = {}
    for name, tool in tools.items():
        begin = time.process_time()
        try:
            error = off(tool(law, record, driven), truth)
        except (ValueError, ArithmeticError, np.linalg.LinAlgError):
            error = np.inf
        found[name] = error, time.process_time() - begin
    return found


def silverbox(path):
    """Prints the law that is found in the Silverbox, and its free run through the last quarter."""
    record = load_measurement(path, SILVERBOX_RATE)
    begin = time.process_time()
    found = identify(split_by_time(record, (0.75, 0.25))[0])
    seconds = time.process_time() - begin
    last = split_by_time(record, (0.7, 0.3))[1]  # from rest, which is forgotten by the last quarter
    inputs = inputs_of(found.fit._replace(starts=np.zeros((1, 2))), as_records(last, *SHARED), 0)
    error = found.model.predict(inputs, verbose=0)[0, :, 0] - last.feature("position")[0, 1:]
    rmse = 1e3 * np.sqrt(np.mean(error[len(error) // 6 :] ** 2))
    print(f"{found}\n\nFree run on the last quarter: {rmse:.3f} mV; found in {seconds:.1f} CPU s.")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--records", type=int, default=60)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--auto", action="store_true")
    options.add_argument("--friction", action="store_true", help="driven, with dry friction, all")
    options.add_argument("--ring-downs", action="store_true", help="single free linear records")
    options.add_argument("--longest", type=int, default=LONGEST)
    options.add_argument("--first", type=int, default=0)
    options.add_argument("--peers", type=int, default=0, help="cases that other tools see too")
    options.add_argument("--silverbox", help="file of the measured record; nothing else then")
    options.add_argument("--verbose", action="store_true")
    given = options.parse_args()
    if given.silverbox:
        silverbox(given.silverbox)
        return
    rows, left_out, others = [], {"below": 0, "escaped": 0, "refused": 0}, []
    for i in range(given.first, given.first + given.records):
        kind = draw_friction if given.friction else draw
        drawn = kind(np.random.default_rng([given.seed, i]), given.longest)
        law, truth, records, sigma, case = drawn
        peer_case = law, truth, records[0], case["driven"]
        if given.ring_downs and (len(records) > 1 or not is_ring_down(law, *peer_case[2:])):
            continue
        reason = why_not(law, sigma, case)
        if reason:
            left_out[reason] += 1
            continue
        try:
            found, *row = judge(*drawn, given.auto)
        except ValueError as error:
            left_out["refused"] += 1
            print(i, "refused:", error)
            continue
        rows.append(Row(case, *row, found.law == law))
        if given.ring_downs or len(others) < given.peers:
            ours = off(found.estimates["natural_frequency"].value, truth), row[-1]
            tools = OF_RING_DOWNS if given.ring_downs else PEERS
            others.append({"identify": ours} | of_peers(tools, *peer_case))
        if given.verbose or not rows[-1].right:
            shown = {k: round(v, 6) if isinstance(v, float) else v for k, v in case.items()}
            print(i, "right" if rows[-1].right else "WRONG", np.round(row[1], 2), shown, flush=True)
    report_all(rows)
    report_peers(others)
    print(
        "{below} cases below the threshold left out, {escaped} without bounds, "
        "{refused} refused.".format(**left_out),
        f"Load {os.getloadavg()[0]:.1f}.",
    )


def why_not(law, sigma, case):
    """Why a case is left out, or None."""
    if not np.isfinite(case["energy"]):
        return "escaped"
    loud = law == "pendulum" and sigma > LOUDEST
    if case["energy"] < LEAST_ENERGY or case["periods"] < 1.0 or loud:
        return "below"
    return None


def report_all(rows):
    report("all", rows)
    for driven in (False, True):
        for linear in (True, False):
            name = f"{'driven' if driven else 'free'}, {'linear' if linear else 'nonlinear'}"
            kind = driven, linear
            report(name, [r for r in rows if (r.case["driven"], r.case["law"] == "linear") == kind])


def report(name, rows):
    if not rows:
        return
    inside, pulls = (np.concatenate([getattr(row, n) for row in rows]) for n in ("inside", "pulls"))
    covered = inside.mean()
    error = np.sqrt(sum(np.sum(np.array(row.inside) - covered) ** 2 for row in rows)) / len(inside)
    seconds = np.array([row.seconds for row in rows])
    print(
        f"{name:18} {len(rows):4} cases: valley {np.mean([row.right for row in rows]):6.1%}, "
        f"law {np.mean([row.named for row in rows]):.1%}, "
        f"coverage {covered:5.1%} ± {error:.1%} of {len(inside)}, "
        f"spread {np.sqrt(np.mean(pulls**2)):.2f}, "
        f"CPU s median {np.median(seconds):.2f}, largest {seconds.max():.1f}"
    )


def report_peers(others):
    """Of every tool: how often the natural frequency is right to 1 %, and its usual error."""
    for name in others[0] if others else ():
        errors, seconds = np.array([row[name] for row in others]).T
        tried = ~np.isnan(errors)
        error, second = np.median(errors[tried]), np.median(seconds[tried])
        print(
            f"{name:25} {np.sum(errors[tried] < NEAR):3} of {tried.sum():3} frequencies right to "
            f"{NEAR:.0%}, median error {error:.1e}, CPU s {second:.2f}"
        )


if __name__ == "__main__":
    main()
