"""Standard errors of fitted parameters."""

import numpy as np
import pytest

from oscillator_zoo.models.least_squares.estimates import estimates_at_minimum


def standard_errors(residuals, columns, **options):
    values = dict.fromkeys("ab", 0.0)
    found = estimates_at_minimum(values, [False, False], residuals, columns, **options)
    return np.array([found[name].standard_error for name in values])


def coloured(random, num, count, memory):
    """Noise of variance 1 whose correlation falls like memory^lag, `(num, count)`."""
    noise = random.standard_normal((num, count))
    shocks = np.sqrt(1.0 - memory**2) * random.standard_normal((num, count))
    for n in range(1, num):
        noise[n] = memory * noise[n - 1] + shocks[n]
    return noise


@pytest.mark.parametrize("memory", [0.0, 0.9])
def test_errors_of_correlated_noise_are_the_spread_of_repeated_fits(memory):
    """Fits of two slow columns, 100 times; 2000 numbers are batches of 45 times memory's ten."""
    random = np.random.default_rng(0)
    columns = coloured(random, 2000, 2, 0.95)
    fits, independent, correlated = [], [], []
    for noise in coloured(random, 2000, 100, memory).T:
        fit = np.linalg.lstsq(columns, noise, rcond=None)[0]
        residuals = columns @ fit - noise
        fits.append(fit)
        independent.append(standard_errors(residuals, columns))
        correlated.append(standard_errors(residuals, columns, correlated=True))
    spread = np.std(fits, axis=0)
    np.testing.assert_allclose(np.mean(correlated, axis=0), spread, rtol=0.25)
    ratio = np.mean(independent, axis=0) / spread
    assert (ratio < 0.5).all() if memory else (np.abs(ratio - 1.0) < 0.2).all()


def test_errors_of_correlated_noise_are_the_batch_formula():
    """With D: se² = B / (B − 1) Σ_b (D (JᵀJ)⁻¹ Σ_{n in b} J_n r_n)², ten batches of ten."""
    random = np.random.default_rng(1)
    residuals, columns, slopes = (random.normal(size=s) for s in ((100,), (100, 2), (2, 2)))
    inverse = np.linalg.inv(columns.T @ columns)
    total = np.zeros(2)
    for batch in range(0, 100, 10):
        score = sum(columns[n] * residuals[n] for n in range(batch, batch + 10))
        total += (slopes @ inverse @ score) ** 2
    found = standard_errors(residuals, columns, slopes=slopes, correlated=True)
    np.testing.assert_allclose(found, np.sqrt(total * 10.0 / 9.0), rtol=1e-10)
