"""Does the method make a motion grow that should not?

A linear problem's numerical motion grows like ρᴺ, ρ the spectral radius of the one-step matrix A;
the true one decays like exp(−r N Δt), −r the largest real part among the eigenvalues of the
equation. The warning comes where ρ > 1 and the first exceeds the second by a tenth:

    ρᴺ / exp(−r N Δt) > 1.1

Explicit Euler has ρ² = 1 − Δt α + Δt² δ for an underdamped oscillator and grows above Δt = α/δ;
for an overdamped one above 2 / (α/2 + √(α²/4 − δ)); without damping it grows at every step size.

For a nonlinear problem that cannot gain energy, the energy of the computed motion is looked at.
"""

import math

import numpy as np

from .step_matrix import rates, step_matrix
from .steppers import LABELS, STEPPERS

AMPLITUDE_RATIO = 1.1
ROUNDING = 1e-12
# Gain of energy, as a part of the largest kinetic energy, that is no longer the method's usual
# error. Euler–Cromer lets the energy swing within bounds, the wider the larger the step.
ENERGY_GAIN = {"euler": 0.2, "euler_cromer": 0.9, "rk4": 0.2}


def spectrum(matrix):
    """Largest modulus and largest real part of the eigenvalues, two arrays `(batch,)`.

    Args:
        matrix: `(d, d, batch)`.
    """
    if len(matrix) == 2:  # λ = half ± √spread
        (a, b), (c, d) = matrix
        half, spread = 0.5 * (a + d), 0.25 * (a - d) ** 2 + b * c
        root, real = np.sqrt(np.abs(spread)), spread >= 0.0
        modulus = np.where(real, np.abs(half) + root, np.hypot(half, root))
        return modulus, half + np.where(real, root, 0.0)
    eigenvalues = np.linalg.eigvals(matrix.transpose(2, 0, 1))
    return np.abs(eigenvalues).max(axis=1), eigenvalues.real.max(axis=1)


def stable_limit(problem, time_step, method):
    """Largest step below `time_step` at which no linear motion grows (ρ ≤ 1), in s.

    Euler's is known, min −2 Re μ / |μ|² over the eigenvalues μ of the equation (0 without
    damping); that of the others is found by bisection.
    """
    if method == "euler":
        true = np.linalg.eigvals(step_matrix(problem, rates, time_step, ())[..., 0])
        true = true[np.abs(true) > 1e-6 * np.abs(true).max()]  # what rests does not grow
        return float((-2.0 * true.real / np.abs(true) ** 2).min())
    low, high = 0.0, time_step
    for _ in range(40):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _is_stable(problem, middle, method) else (low, middle)
    return low


def _is_stable(problem, time_step, method):
    matrix = step_matrix(problem, STEPPERS[method], time_step, ())
    return spectrum(matrix)[0].max() <= 1.0 + 1e-7


def linear_growth_warning(problem, matrix, time_step, num_steps, method):
    """What to warn of after stepping a linear problem, or None.

    Args:
        problem: the `InitialValueProblem`.
        matrix: its one-step matrix, `(d, d + m, batch)` or `(d, d + m, 1)`.
        time_step: Δt, in s.
        num_steps: N.
        method: name of the method.

    Returns:
        Text with the limit of the step or the growth, what was received, and the cure.
    """
    radius, _ = spectrum(matrix[:, : len(matrix)])
    if radius.max() <= 1.0 + ROUNDING:
        return None
    fastest, rate = spectrum(step_matrix(problem, rates, time_step, ()))
    may_grow = rate > 1e-6 * fastest
    log_ratio = num_steps * (np.log(np.maximum(radius, 1.0)) - time_step * rate)
    wrong = ~may_grow & (radius > 1.0 + ROUNDING) & (log_ratio > math.log(AMPLITUDE_RATIO))
    if not wrong.any():
        return None
    worst = int(np.argmax(np.where(wrong, radius, 0.0)))
    one = problem.members(slice(worst, worst + 1)) if len(radius) > 1 else problem
    factor, limit = radius[worst], stable_limit(one, time_step, method)
    which = f"for trajectory {worst}" if len(radius) > 1 else "for this oscillator"
    if limit > 1e-9 * time_step:
        claim = f"grows {which} when time_step > {limit:.3g} s."
    else:
        claim = f"grows {which} at every time_step, energy by {factor**2:.6g} in each step."
    return (
        f"{_label(method)} {claim} Received time_step={time_step:g} with num_steps={num_steps}: "
        f"spectral radius {factor:.6g}, "
        f"a free motion grows {_times(num_steps * math.log10(factor))}. "
        f"{_cure(one, time_step, method)}"
    )


def _cure(problem, time_step, method):
    unfit = {method} if problem.order == 2 else {method, "euler_cromer"}
    others = [name for name in STEPPERS if name not in unfit]
    stable = [f'"{name}"' for name in others if _is_stable(problem, time_step, name)]
    return "Use a smaller step" + (f" or method={' or '.join(stable)}." if stable else ".")


def _times(power):
    """10^power as '145-fold', also where it is too large for a float."""
    return f"{10.0**power:.3g}-fold" if power < 6.0 else f"10^{power:.0f}-fold"


def energy_growth_warning(problem, states, time_step, method):
    """What to warn of after stepping a nonlinear problem, or None.

    Args:
        problem: the `InitialValueProblem`.
        states: `(batch, N + 1, order · dimension)`.
        time_step: Δt, in s.
        method: name of the method.
    """
    if problem.order == 1 or not problem.energy_never_grows or not _energy_fits(problem):
        return None
    num_times = states.shape[1]
    seen = np.unique(np.linspace(0, num_times - 1, 33).astype(int))
    x, v = np.split(states[:, seen].astype(np.float64), [problem.dimension], axis=-1)
    with np.errstate(over="ignore", invalid="ignore"):
        energy = problem.energy(x, v)[..., 0]
        kinetic = (energy - problem.energy(x, np.zeros_like(v))[..., 0]).max(axis=1)
        gain = energy.max(axis=1) - energy[:, 0]
        wrong = (gain > ENERGY_GAIN[method] * kinetic) | ~np.isfinite(gain)
    if not wrong.any():
        return None
    worst = int(np.argmax(np.where(wrong, gain, -np.inf)))
    which = f"trajectory {worst}" if len(states) > 1 else "this motion"
    cure = ' or method="euler_cromer" or "rk4"' if method == "euler" else ""
    return (
        f"{_label(method)} raised the energy of {which}, which cannot grow, from "
        f"{energy[worst, 0]:.3g} to {energy[worst].max():.3g}. Received time_step={time_step:g} "
        f"with num_steps={num_times - 1}. Use a smaller step{cure}."
    )


def _label(method):
    """What a method is called where a sentence begins."""
    label = LABELS[method]
    return label[0].upper() + label[1:]


def _energy_fits(problem):
    """Whether `energy` belongs to `rhs`: not where a subclass has overridden only the latter."""
    owners = {
        name: next(cls for cls in type(problem).__mro__ if name in vars(cls))
        for name in ("rhs", "energy")
    }
    return issubclass(owners["energy"], owners["rhs"])
