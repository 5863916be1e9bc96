"""Whether data tell the parameters of an equation apart."""

import numpy as np

SMALLEST_SENSITIVITY = 1e-6  # relative; the solution itself is good to 1e-9 or better


def check_identifiable(names, positive, jacobian, size):
    """Raise unless data move differently with every unknown parameter.

    Args:
        names: of the parameters.
        positive: for each, whether its column is ∂x/∂(ln p) and not ∂x/∂p.
        jacobian: `(n, Q)`.
        size: Euclidean length of the data.

    Raises:
        ValueError: for fewer numbers than parameters, for a parameter that does not move the
            positions, or if some combination of them leaves the positions as they are.
    """
    if len(jacobian) < len(names):
        raise ValueError(
            f"{len(names)} unknown parameters need at least as many measured numbers. "
            f"Received {len(jacobian)}. Measure more, or name fewer in unknown_parameters."
        )
    lengths = np.linalg.norm(jacobian, axis=0)
    needed = SMALLEST_SENSITIVITY * size * np.asarray(positive, np.float64)
    unseen = [name for name, length, least in zip(names, lengths, needed) if length <= least]
    if unseen:
        raise ValueError(
            f"Every unknown parameter must move the positions. Received: {', '.join(unseen)}, "
            "which leaves them as they are. Leave it out of unknown_parameters, begin with other "
            "guesses, or measure where it matters."
        )
    values, directions = np.linalg.svd(jacobian / lengths)[1:]
    if values[-1] > SMALLEST_SENSITIVITY * values[0]:
        return
    together = directions[-1] / lengths
    together /= np.abs(together).max()
    parts = [
        f"{'ln ' if is_positive else ''}{name} by {change:+.2f}"
        for name, is_positive, change in zip(names, positive, together)
        if abs(change) > 1e-3
    ]
    raise ValueError(
        "Unknown parameters must move the positions in different ways. Received: "
        f"{', '.join(names)}; changing {', '.join(parts)} (or any multiple) leaves all positions "
        "as they are, as a common factor of mass, damping and stiffness does without a force. "
        "Give one of them its known value."
    )
