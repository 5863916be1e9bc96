"""Tables and picture from the results of the PINN benchmark."""

import math
import os
import platform
import re
import subprocess

import numpy as np
from pinn_problems import HORIZONS, PROBLEMS

TARGETS = (1e-3, 1e-6, 1e-9)
CLASSICAL = "classical"


def report(results, figure):
    """Markdown of all tables, {(contender, problem): record} given; draws the picture too."""
    draw(results, figure)
    parts = [
        headline(results),
        "#### Error at the end",
        error_table(results),
        "#### Accuracy and time",
        accuracy_table(results),
        "#### Growth with the horizon: seconds to a relative error of 1e-3, x'' = −x",
        horizon_table(results),
        "#### One step of Adam, 1-32-32-32-1 tanh, 256 points, x'' = −x",
        steps_table(results),
        "#### Steppers: least time to a relative error",
        classical_table(results),
    ]
    return "\n\n".join(part for part in parts if part)


def headline(results):
    dates = sorted(record["date"] for record in results.values())
    loads = [record["load"] for record in results.values()]
    shares = [record["cpu_share"] for record in results.values() if "cpu_share" in record]
    versions = {
        name: version
        for record in results.values()
        for name, version in record.get("versions", {}).items()
    }
    listed = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    return (
        f"{dates[0]} to {dates[-1]}, {os.cpu_count()} × {processor()}, {commit()}; {listed}. "
        f"Each job on one core. Load when jobs began: median {np.median(loads):.1f}, largest "
        f"{max(loads):.1f}. Share of its core that a training had: median "
        f"{np.median(shares or [math.nan]):.2f}, least {min(shares or [math.nan]):.2f}."
    )


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        found = re.search(r"model name\s*: (.*)", file.read())
    return found[1] if found else platform.processor()


def commit():
    run = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return f"commit {run.stdout.strip()}"


def contenders(results, problems):
    """Names of contenders that have results for these problems, in the order of the results."""
    names = dict.fromkeys(name for name, problem in results if problem in problems)
    order = list(dict.fromkeys(name for name, _ in results))
    return sorted((name for name in names if name != CLASSICAL), key=order.index)


def error_at(curve, seconds):
    """Relative error of the last sample that is not later (by more than 5 %)."""
    before = [error for time, error, _ in curve if time <= 1.05 * seconds]
    return before[-1] if before else math.nan


def seconds_to(curve, target):
    """Training seconds of the first sample with at most this error; None if there is none."""
    return next((time for time, error, _ in curve if error <= target), None)


def number(value, digits=2):
    return "–" if value is None else f"{value:.{digits}g}"


def error_table(results):
    """A row for every problem, a column for every contender; the smallest error is bold."""
    names = contenders(results, PROBLEMS)
    if not names:
        return ""
    lines = [f"| problem | {' | '.join(names)} |", "| --- |" + " ---: |" * len(names)]
    for problem in PROBLEMS:
        records = [results.get((name, problem), {}) for name in names]
        errors = [record["curve"][-1][1] if "curve" in record else None for record in records]
        least = min((error for error in errors if error is not None), default=None)
        shown = ["–" if error is None else f"{error:.1e}" for error in errors]
        cells = [f"**{a}**" if e == least else a for e, a in zip(errors, shown)]
        lines.append(f"| {problem} | {' | '.join(cells)} |")
    return "\n".join(lines)


def accuracy_table(results):
    """A row for every problem and contender."""
    lines = [
        "| problem | contender | error at 10 s | error at the end | s to 1e-3 | s to 1e-6 "
        "| s to 1e-9 | largest residual | s of training | s of set-up |",
        "| --- | --- |" + " ---: |" * 8,
    ]
    for problem in PROBLEMS:
        for name in contenders(results, PROBLEMS):
            record = results.get((name, problem))
            if record is None:
                continue
            if "failed" in record:
                lines.append(f"| {problem} | {name} | failed |" + " |" * 7)
                continue
            curve = record["curve"]
            seconds, error, residual = curve[-1]
            cells = [
                f"{error_at(curve, 10.0):.1e}",
                f"{error:.1e}",
                *(number(seconds_to(curve, target)) for target in TARGETS),
                f"{residual:.1e}",
                number(seconds, 3),
                number(record["setup"]),
            ]
            lines.append(f"| {problem} | {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def horizon_table(results):
    """Rows of contenders, columns of horizons; in brackets the error where 1e-3 was missed."""
    names = contenders(results, HORIZONS)
    if not names:
        return ""
    lines = [f"| | {' | '.join(HORIZONS)} |", "| --- |" + " ---: |" * len(HORIZONS)]
    for name in names:
        cells = []
        for problem in HORIZONS:
            curve = results.get((name, problem), {}).get("curve")
            seconds = seconds_to(curve, 1e-3) if curve else None
            missed = f"– ({curve[-1][1]:.0e})" if curve else ""
            cells.append(number(seconds) if seconds is not None else missed)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def steps_table(results):
    """Microseconds, also of the processor, steps per second, time relative to the JAX scan's."""
    steps = {key: record for key, record in results.items() if key[1].startswith("steps, ")}
    dtypes = sorted({problem for _, problem in steps})
    names = list(dict.fromkeys(name for name, _ in steps))
    if not names:
        return ""
    heads = [p.removeprefix("steps, ") for p in dtypes]
    lines = [
        "| | " + " | ".join(f"{head}, µs | of CPU | steps/s | × the scan" for head in heads) + " |",
        "| --- |" + " ---: |" * 4 * len(heads),
    ]
    for name in names:
        cells = []
        for problem in dtypes:
            record = steps.get((name, problem), {})
            seconds = record.get("seconds")
            scan = steps.get(("JAX by hand, lax.scan", problem), {}).get("seconds")
            if seconds is None:
                cells += ["–"] * 4
            else:
                cells += [f"{1e6 * seconds:.0f}", f"{1e6 * record['cpu']:.0f}"]
                cells.append(f"{1.0 / seconds:.0f}")
                cells.append(f"{seconds / scan:.2f}" if scan else "–")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def classical_table(results):
    """Least seconds in which a stepper reached 1e-3, 1e-6, 1e-9 on each problem."""
    rows = [(problem, results.get((CLASSICAL, problem))) for problem in PROBLEMS]
    rows = [(problem, record) for problem, record in rows if record and "methods" in record]
    if not rows:
        return ""
    methods = list(rows[0][1]["methods"])
    heads = [f"{method} {target:.0e}" for method in methods for target in TARGETS]
    lines = [f"| s | {' | '.join(heads)} |", "| --- |" + " ---: |" * len(heads)]
    for problem, record in rows:
        cells = []
        for method in methods:
            for target in TARGETS:
                times = [t for t, error, _ in record["methods"][method] if error <= target]
                cells.append(number(min(times, default=None)))
        lines.append(f"| {problem} | {' | '.join(cells)} |")
    return "\n".join(lines)


def draw(results, path):
    """Relative error against training seconds, a panel for each problem."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(
        3, 5, figsize=(19, 11), sharex=True, sharey=True, layout="constrained"
    )
    names = contenders(results, PROBLEMS)
    colours = dict(zip(names, plt.get_cmap("tab10").colors))
    for ax, problem in zip(axes.flat, PROBLEMS):
        for name in names:
            curve = results.get((name, problem), {}).get("curve")
            if curve:
                time, error, _ = np.transpose(curve)
                ours = name.startswith("ours")
                style = dict(color=colours[name], lw=2.2 if ours else 1.2, label=name)
                ax.plot(time, np.maximum(error, 1e-16), marker=".", ms=6 if ours else 2, **style)
        methods = results.get((CLASSICAL, problem), {}).get("methods", {})
        for (method, rows), marker in zip(methods.items(), "v^s"):
            if rows:
                time, error, _ = np.transpose(rows)
                ax.plot(time, error, marker, color="0.45", ms=4, mfc="none", label=method)
        ax.set(title=problem, xscale="log", yscale="log", ylim=(1e-16, 10.0), xlim=(1e-4, 100.0))
        ax.grid(alpha=0.3)
    handles = {
        label: handle for ax in axes.flat for handle, label in zip(*ax.get_legend_handles_labels())
    }
    for ax in axes.flat[len(PROBLEMS) :]:
        ax.axis("off")
    axes.flat[len(PROBLEMS)].legend(handles.values(), handles, loc="center", fontsize=11)
    figure.supxlabel("seconds of training (networks, set-up not counted) or of stepping")
    figure.supylabel("relative L2 error of position")
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    figure.savefig(path, dpi=80)
    plt.close(figure)
