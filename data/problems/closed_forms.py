"""Closed forms of linear motion, from divided differences of the exponential.

A linear equation with characteristic roots λ1 (and λ2), at rest until it is driven by e^{μτ},
answers with the divided difference of z ↦ e^{zτ} at the points λ1, λ2, μ:

    exp[a]       = e^{aτ}
    exp[a, b]    = (exp[a] − exp[b]) / (a − b)
    exp[a, b, c] = (exp[a, b] − exp[b, c]) / (a − c)

The limits of coinciding points are finite, so resonance (μ = λ) and critical damping (λ1 = λ2)
are cases like any other. The drives are exp[0] = 1, exp[0, 0] = τ and exp[iω] = e^{iωτ}.
"""

import itertools

import numpy as np

# Points closer than this (times τ) go through the Taylor series; 16 terms leave 0.75¹⁷/17! < 1e-16.
NEAR = 1.0
SERIES_TERMS = 16
CHUNK = 1 << 16


def exp_divided_difference(points, time):
    """Divided difference of z ↦ e^{zτ}, to rounding for any distance between the points.

    Args:
        points: sequence of one to four numbers or arrays with real part ≤ 0, in 1/s.
        time: τ ≥ 0, array, in s. Points and time broadcast.

    Returns:
        Complex array, in s^(num_points − 1).

    Example:
    >>> exp_divided_difference([-1.0, -1.0], np.array([2.0])).real  # τ e^{-τ}
    array([0.27067057])
    """
    shape = np.broadcast_shapes(np.shape(time), *(np.shape(point) for point in points))
    points = np.stack([np.broadcast_to(point, shape).ravel() for point in points]).astype(complex)
    time = np.broadcast_to(time, shape).ravel()
    result = np.empty(time.shape, complex)
    for start in range(0, time.size, CHUNK):
        part = slice(start, start + CHUNK)
        result[part] = _divided(points[:, part], time[part])
    return result.reshape(shape)


def _divided(points, time):
    """The recursion over the pair that is furthest apart; points `(n, num)`, time `(num,)`."""
    if len(points) == 1:
        return np.exp(points[0] * time)
    points = _furthest_pair_outside(points)
    near = np.abs(points[0] - points[-1]) * time < NEAR
    result = np.empty(time.shape, complex)
    if near.any():
        result[near] = _series(points[:, near], time[near])
    if not near.all():
        far, time = points[:, ~near], time[~near]
        difference = _divided(far[:-1], time) - _divided(far[1:], time)
        result[~near] = difference / (far[0] - far[-1])
    return result


def _furthest_pair_outside(points):
    """The points in another order: the two furthest apart come first and last."""
    indices = range(len(points))
    pairs = list(itertools.combinations(indices, 2))
    distances = [np.abs(points[i] - points[j]) for i, j in pairs]
    orders = np.array([[i, *(k for k in indices if k not in (i, j)), j] for i, j in pairs])
    return np.take_along_axis(points, orders[np.argmax(distances, axis=0)].T, axis=0)


def _series(points, time):
    """Taylor series about the mean c: e^{cτ} τ^{n−1} Σ_k h_k(u) / (k+n−1)!, u = (points − c) τ.

    h_k is the sum of all monomials of degree k in u; partial sums give it from h_{k−1}.
    """
    centre = points.mean(axis=0)
    offsets = (points - centre) * time
    monomials = np.ones_like(offsets)
    power = len(points) - 1
    coefficient = 1.0 / np.prod(np.arange(1.0, power + 1.0))
    total = coefficient * monomials[-1]
    for k in range(1, SERIES_TERMS + 1):
        monomials = np.cumsum(offsets * monomials, axis=0)
        coefficient /= k + power
        total = total + coefficient * monomials[-1]
    return total * np.exp(centre * time) * time**power


def characteristic_roots(damping_rate, squared_frequency):
    """Roots of λ² + α λ + δ = 0, the slower one first, without cancellation.

    Args:
        damping_rate: α ≥ 0, number or array, in 1/s.
        squared_frequency: δ ≥ 0, number or array, in 1/s².

    Returns:
        Tuple (λ1, λ2) of complex arrays, in 1/s: −d ± iν when underdamped, else −δ/(d+κ), −(d+κ)
        with d = α/2 and κ = √(d² − δ).

    Example:
    >>> slow, fast = characteristic_roots(1e9, 1.0)
    >>> float(slow.real), float(fast.real)
    (-1e-09, -1000000000.0)
    """
    half = 0.5 * np.asarray(damping_rate, np.float64)
    discriminant = half**2 - squared_frequency
    kappa = np.sqrt(np.abs(discriminant))
    fast = half + kappa
    slow = np.divide(squared_frequency, fast, out=np.zeros_like(fast), where=fast > 0.0)
    swings = discriminant < 0.0
    return (
        np.where(swings, -half + 1j * kappa, -slow),
        np.where(swings, -half - 1j * kappa, -fast),
    )


def linear_motion(roots, state, drive, time):
    """Position and velocity at time τ after `state`, for one root or two.

        one root:   x'  = λ x + f(τ)
        two roots:  x'' = (λ1 + λ2) x' − λ1 λ2 x + f(τ)

    Args:
        roots: tuple of one or two arrays, in 1/s; of two the slower first.
        state: tuple of as many arrays, the position (and velocity) at τ = 0.
        drive: sequence of (coefficient, points); f = Re Σ coefficient · exp[points].
        time: τ ≥ 0, in s. Everything broadcasts.

    Returns:
        Tuple (x, v) of real arrays.
    """
    if len(roots) == 1:
        (root,), (x0,) = roots, state
        x = x0 * np.exp(root * time) + 0.0j
        force = 0.0
        for coefficient, points in drive:
            x = x + coefficient * exp_divided_difference((root, *points), time)
            force = force + coefficient * exp_divided_difference(points, time)
        return x.real, (root * x + force).real
    (slow, fast), (x0, v0) = roots, state
    impulse = exp_divided_difference(roots, time)
    x = x0 * (np.exp(slow * time) - slow * impulse) + v0 * impulse
    v = v0 * (np.exp(fast * time) + slow * impulse) - slow * fast * x0 * impulse
    for coefficient, (point, *others) in drive:
        response = exp_divided_difference((slow, fast, point, *others), time)
        # d/dτ exp[a, b, …] = a exp[a, b, …] + exp[b, …]: with the smallest a nothing cancels.
        smaller = np.abs(point) < np.abs(slow)
        first, second = np.where(smaller, point, slow), np.where(smaller, slow, point)
        slope = first * response + exp_divided_difference((second, fast, *others), time)
        x, v = x + coefficient * response, v + coefficient * slope
    return x.real, v.real
