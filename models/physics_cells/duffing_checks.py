"""Whether a free run is that of the oscillator which made a record."""

import numpy as np

NO_BETTER = 0.8  # of a linear recurrence's error
UNEXPLAINED = 0.1  # RMSE over standard deviation; below it a linear oscillator may fit as well
NOT_NOISE = 0.3  # RMSE over standard deviation; above it errors must not look like a motion
MOTION = 0.5  # share of the errors that a linear recurrence predicts, which is 0 for noise
ORDER = 4  # of that recurrence: two motions


def linear_rmse(force, position):
    """Error of the free run of y_{n+1} = c + Σ_{j<2} a_j y_{n−j} + Σ_{j<3} b_j u_{n+1−j}.

    It is fitted to single steps by linear least squares, and begins at the first positions.
    """
    columns = [np.ones(len(force) - 2), position[1:-1], position[:-2]]
    columns = np.stack([*columns, force[2:], force[1:-1], force[:-2]], axis=1)
    c, *a = np.linalg.lstsq(columns, position[2:], rcond=None)[0]
    driven = c + columns[:, 3:] @ a[2:]
    run = [position[0], position[1]]
    for given in driven.tolist():
        run.append(given + a[0] * run[-1] + a[1] * run[-2])
    with np.errstate(over="ignore", invalid="ignore"):
        rmse = rmse_of(np.array(run) - position)
    return rmse if np.isfinite(rmse) else np.inf


def check_found(rmse, linear, deviation, error):
    """Raise where a free run is none of the oscillator that made the record.

    Args:
        rmse: of the free run.
        linear: of the free run of a linear autoregression.
        deviation: standard deviation of the positions.
        error: of the free run, sample by sample.
    """
    share, linear = rmse / deviation, linear / deviation
    numbers = (
        f"Received RMSE / standard deviation {share:.3g} of the free run, {linear:.3g} of a "
        "linear autoregression with the same inputs"
    )
    advice = "Check the columns and the sampling rate, or measure with a force that moves it more."
    if not share < UNEXPLAINED and not rmse < NO_BETTER * linear * deviation:
        raise ValueError(
            "No constants were found: the free run must be better than that of a linear "
            f"autoregression. {numbers}. {advice}"
        )
    predicted = predictable(error.ravel()) if np.isfinite(error).all() else 1.0
    if not share < NOT_NOISE and not predicted < MOTION:
        raise ValueError(
            "No constants were found: what the free run misses must be noise. "
            f"{numbers}, and errors that are a motion themselves (a linear recurrence predicts "
            f"{predicted:.0%} of them). {advice}"
        )


def predictable(error):
    """Share of the variance that an autoregression predicts, less what chance gives it."""
    columns = np.stack([error[k : len(error) - ORDER + k] for k in range(ORDER)], axis=1)
    target = error[ORDER:]
    left = target - columns @ np.linalg.lstsq(columns, target, rcond=None)[0]
    return 1.0 - np.mean(left**2) / max(np.mean(target**2), 1e-300) - ORDER / len(target)


def rmse_of(error):
    return float(np.sqrt(np.mean(np.square(error))))
