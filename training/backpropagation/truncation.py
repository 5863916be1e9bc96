"""What backpropagation through time loses by going back only so far."""

import numpy as np

from .by_hand import backpropagation_through_time

BACK_THROUGH_TIME = ("U", "W", "b")


def truncation_bias(cell, inputs, targets, truncations, initial_state=None):
    """Relative bias of the gradient that is truncated after K steps, for every K.

        bias(K) = ‖g_K − g‖ / ‖g‖      g = (∂C/∂U, ∂C/∂W, ∂C/∂b),   C = C_1 + … + C_T

    g_K leaves out what each C_t owes to the steps before t − K + 1, which reaches it through
    products of K or more factors Wᵀ f'. In a linear cell the bias falls like |λ|^K, λ being the
    largest eigenvalue of W; |f'| < 1 makes it fall faster. Where an oscillator keeps its energy,
    |λ| = 1, it falls only as K comes near the whole history: a truncation has to span the time in
    which the motion is forgotten, 2/α for a damping rate α. ∂C/∂V and ∂C/∂c have no bias.

    Args:
        cell, inputs, targets, initial_state: as for `backpropagation_through_time`.
        truncations: numbers of steps K ≥ 1.

    Returns:
        The relative biases, float64 of shape `(len(truncations),)`: 0 where K reaches the first
        step, T.

    Raises:
        ValueError: as `backpropagation_through_time`.

    Example:
    >>> import numpy as np
    >>> from oscillator_zoo.models import ElmanCell
    >>> from oscillator_zoo.training import truncation_bias
    >>> cell = ElmanCell(1, activation="linear", use_bias=False)
    >>> cell.build((None, 1))
    >>> cell.set_weights([np.array([[0.5]]), np.array([[0.5]])])  # h_t = (h_{t−1} + x_t) / 2
    >>> x, target, start = np.ones((1, 60, 1)), np.zeros((1, 60, 1)), np.ones((1, 1))
    >>> print(truncation_bias(cell, x, target, [1, 2, 4, 60], start).round(3))  # ≈ 0.5^K
    [0.492 0.242 0.058 0.   ]
    """

    def gradient(truncation):
        result = backpropagation_through_time(
            cell, inputs, targets, initial_state, truncation=truncation
        )
        return np.concatenate([np.ravel(result["sum"].get(x, ())) for x in BACK_THROUGH_TIME])

    whole = gradient(None)
    missing = np.array([np.linalg.norm(gradient(K) - whole) for K in truncations])
    return missing / np.linalg.norm(whole)
