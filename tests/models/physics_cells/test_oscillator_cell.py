"""`ProblemCell` against a loop of Runge–Kutta steps with numbers."""

import keras
import numpy as np
import pytest

from oscillator_zoo.data import Duffing
from oscillator_zoo.models import ProblemCell

STEP, FORCE = 0.2, [0.3, -0.5, 1.0, 0.2, -0.1]
START = (0.4, -0.3, 0.1)  # x, v and the force there


def by_numbers(num_parts, held):
    """x, v, a at the ends of the steps, of x'' = u − 0.3 x' − x − 0.5 x³."""

    def acceleration(x, v, u):
        return u - 0.3 * v - x - 0.5 * x**3

    (x, v, before), h, rows = START, STEP / num_parts, []
    for after in FORCE:
        for part in range(num_parts):
            u0, u1 = (
                before + (0.0 if held else (part + s) / num_parts) * (after - before)
                for s in (0.0, 1.0)
            )
            um = 0.5 * (u0 + u1)
            k1, l1 = v, acceleration(x, v, u0)
            k2, l2 = v + 0.5 * h * l1, acceleration(x + 0.5 * h * k1, v + 0.5 * h * l1, um)
            k3, l3 = v + 0.5 * h * l2, acceleration(x + 0.5 * h * k2, v + 0.5 * h * l2, um)
            k4, l4 = v + h * l3, acceleration(x + h * k3, v + h * l3, u1)
            x += h * (k1 + 2.0 * k2 + 2.0 * k3 + k4) / 6.0
            v += h * (l1 + 2.0 * l2 + 2.0 * l3 + l4) / 6.0
        before = after
        rows.append((x, v, acceleration(x, v, after)))
    return np.array(rows)


@pytest.mark.parametrize("quantity", ["position", "velocity", "acceleration"])
@pytest.mark.parametrize("held", [False, True])
def test_a_cell_of_a_problem_is_runge_kuttas_loop(quantity, held):
    problem = Duffing(damping=0.3, cubic_stiffness=0.5)
    options = {"num_parts": 2, "offset": 0.7, "held": held, "dtype": "float64"}
    cell = ProblemCell(problem, ("damping",), STEP, quantity=quantity, **options)
    layer = keras.layers.RNN(cell, return_sequences=True, dtype="float64")
    found = layer(np.array(FORCE)[None, :, None], initial_state=np.array([START]))
    column = ("position", "velocity", "acceleration").index(quantity)
    np.testing.assert_allclose(found[0, :, 0], by_numbers(2, held)[:, column] + 0.7, rtol=1e-14)
