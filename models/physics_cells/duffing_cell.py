"""A driven Duffing oscillator, sample by sample, as a recurrent cell for measured data."""

import keras
import numpy as np
from keras import ops

from oscillator_zoo.data.checks import one_number, positive_integer

from ..recurrent.elman_cell import one_state

PAST = 2  # samples on which the next one depends linearly: the oscillator is of second order


@keras.saving.register_keras_serializable("oscillator_zoo")
class DuffingCell(keras.layers.Layer):
    """The next sample of a driven Duffing oscillator, as a cell of `keras.layers.RNN`.

        p       = c + Σ_{j=0,1} a_j y_{n−j} + Σ_{j=0…} b_j u_{n+1−j} + Σ_{j=1…} g_j f(y_{n+1−j})
        y_{n+1} = p + g_0 f(p) / (1 − g_0 f'(p)),     f(y) = y³ + q y²

    Between two samples the spring's force beyond Hooke's, f(y), acts on the linear oscillator just
    as the outer force u does, so both pass through a short filter (b and g) that stands for their
    course between the samples. g_0 makes y_{n+1} depend on its own f(y_{n+1}); the second line is
    one step of Newton's method for it, from p.

    | symbol  | argument, weight or input                                  | unit       |
    |---------|------------------------------------------------------------|------------|
    | y_n     | the motion, in the state                                   | position   |
    | u_{n+1} | the force at the *end* of the step, the input              | force      |
    | a       | `position_kernel`, `(2,)`                                  | 1          |
    | b       | `force_kernel`, `(num_forces,)`                            | 1          |
    | g       | `spring_kernel`, `(num_springs,)`                          | 1          |
    | c       | `offset`                                                   | 1          |
    | q       | `asymmetry`, of a spring that is harder on one side        | 1          |

    Above, y stands for (position − `position_offset`) / `position_scale` and u for
    force / `force_scale`, so that the weights and what they multiply are of order one; the input,
    the output and the state are in the units of the data.

    For data with few samples per period (nine, say), where Euler's method would need a hundred.
    The force is taken at u_{n+1}, u_n, u_{n−1}, …: held constant over a step it would be wrong by
    as much as it moves. The weights hold for one sampling rate; `read_duffing` says which
    oscillator they are. Far beyond the motion that it was trained on, g_0 f'(p) may come near 1;
    with a hardening spring (g_0 < 0) it cannot.

    The weights start at zero, at which the cell rests. `fit_one_step` gives them a first guess,
    and `ResponseModel` trains them on the free run.

    Args:
        num_forces: samples of the force in one step, an integer ≥ 1.
        num_springs: samples of f in one step, an integer ≥ 2; more than of u, since y³ moves up
            to three times as fast as y.
        position_scale: size of the motion, such as its standard deviation, in its unit.
        position_offset: middle of the motion, such as its mean, in its unit.
        force_scale: size of the force, in its unit.
        num_known: measured positions from which `state_after` makes a state; None for as many as
            the state holds, which are taken as they are. More are for fine sampling, where the
            noise of neighbours would hide the velocity: the state is that of the run nearest to
            all of them.

    Call arguments:
        force: u_{n+1}, `(batch, 1)`; for `RNN(cell)` u_1 … u_N, `(batch, time, 1)`.
        states: in a list, `(batch, state_size)`: y_n, y_{n−1}, … and u_n, u_{n−1}, …, in their
            units, the latest first. `state_after` makes it of measured samples.

    Returns:
        y_{n+1}, `(batch, 1)`, and the next state in a list.

    Raises:
        ValueError: for numbers of samples that are no such integers, scales that are not positive,
            a force or state of another size.

    Example:
    >>> import keras
    >>> cell = DuffingCell(num_forces=1, dtype="float64")
    >>> layer = keras.layers.RNN(cell, return_sequences=True, dtype="float64")
    >>> motion = layer(keras.ops.ones((1, 3, 1), dtype="float64"))
    >>> _ = cell.force_kernel.assign([0.5])
    >>> _ = cell.position_kernel.assign([1.0, -0.5])
    >>> layer(keras.ops.ones((1, 4, 1), dtype="float64")).numpy()[0, :, 0].tolist()
    [0.5, 1.0, 1.25, 1.25]

    Reference:
        T. Wigren, J. Schoukens, "Three free data sets for development and benchmarking in
        nonlinear system identification", European Control Conference 2013: a measured one.
    """

    def __init__(
        self,
        num_forces=3,
        num_springs=5,
        position_scale=1.0,
        position_offset=0.0,
        force_scale=1.0,
        num_known=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.num_forces = positive_integer("num_forces", num_forces)
        self.num_springs = positive_integer("num_springs", num_springs, at_least=2)
        self.position_scale = _number("position_scale", position_scale, above=0.0)
        self.position_offset = _number("position_offset", position_offset)
        self.force_scale = _number("force_scale", force_scale, above=0.0)
        self.num_positions = max(PAST, self.num_springs - 1)
        self.state_size = self.num_positions + self.num_forces - 1
        least = max(self.num_positions, self.num_forces)
        if num_known is not None:
            num_known = positive_integer("num_known", num_known, at_least=least)
        self.num_known = num_known or least
        self.output_size = 1
        self.offset = self.add_weight(shape=(), name="offset", initializer="zeros")
        self.position_kernel = self._add_kernel("position_kernel", PAST)
        self.force_kernel = self._add_kernel("force_kernel", self.num_forces)
        self.spring_kernel = self._add_kernel("spring_kernel", self.num_springs)
        self.asymmetry = self.add_weight(shape=(), name="asymmetry", initializer="zeros")

    def _add_kernel(self, name, size):
        return self.add_weight(shape=(size,), name=name, initializer="zeros")

    def build(self, force_shape):
        if force_shape[-1] != 1:
            raise ValueError(
                "DuffingCell takes one force, (batch, time, 1). "
                f"Received {force_shape[-1]} features. Pass the motion as initial_state, not as "
                "input."
            )

    def call(self, force, states):
        state, like_states = one_state(states)
        if state.shape[-1] != self.state_size:
            raise ValueError(
                f"The state of this DuffingCell is (batch, {self.state_size}). "
                f"Received shape {tuple(state.shape)}. Make it with state_after."
            )
        positions, past = state[:, : self.num_positions], state[:, self.num_positions :]
        forces = ops.concatenate([force, past], axis=-1)
        y, u = self.scaled(positions, forces)
        p = self.offset + _product(y[:, :PAST], self.position_kernel)
        p += _product(u, self.force_kernel)
        p += _product(self.spring(y[:, : self.num_springs - 1])[0], self.spring_kernel[1:])
        spring, slope = self.spring(p)
        at_end = self.spring_kernel[0]
        output = p + at_end * spring / (1.0 - at_end * slope)
        output = output * self.position_scale + self.position_offset
        kept = [output, positions[:, :-1], forces[:, :-1]]
        new_state = ops.concatenate(kept, axis=-1)
        return output, like_states(new_state)

    def scaled(self, positions, forces):
        """y and u of the equation for positions and forces in their units."""
        y = (positions - self.position_offset) / self.position_scale
        return y, forces / self.force_scale

    def spring(self, y):
        """f(y) = y³ + q y² and its slope f'(y)."""
        return y * y * (y + self.asymmetry), y * (3.0 * y + 2.0 * self.asymmetry)

    def get_initial_state(self, batch_size=None):
        """Rest at `position_offset` without force, in a list: `(batch_size, state_size)`."""
        rest = [self.position_offset] * self.num_positions + [0.0] * (self.num_forces - 1)
        zeros = ops.zeros((batch_size, self.state_size), dtype=self.compute_dtype)
        return [zeros + ops.convert_to_tensor(rest, self.compute_dtype)]

    def state_after(self, forces, positions):
        """The state after the first samples of a record.

        Args:
            forces: u_1 … u_{k−1}, `(batch, num_known − 1, 1)`.
            positions: y_0 … y_{k−1}, `(batch, num_known, 1)`.

        Returns:
            State `(batch, state_size)`.
        """
        if self.num_known > max(self.num_positions, self.num_forces):
            positions = self._nearest_run(forces, positions)
        latest = [positions[:, -1 - j] for j in range(self.num_positions)]
        past = [forces[:, -1 - j] for j in range(self.num_forces - 1)]
        return ops.concatenate([*latest, *past], axis=-1)

    def _nearest_run(self, forces, positions):
        """The free run nearest to measured positions, `(batch, num_known − skipped, 1)`.

        With the measured y in the spring's small part, the run is linear in its two first
        positions: y = P + Φ z. They are found by least squares.
        """
        y, u = self.scaled(positions, ops.pad(forces, [[0, 0], [1, 0], [0, 0]]))  # u_0 is not used
        skipped = max(self.num_springs - 1, self.num_forces - 1) - PAST
        rows, first = self.num_known - skipped, skipped + PAST

        def delayed(values, delay):
            """Samples `delay` before y_n, for every y_n that the recurrence gives."""
            return values[:, first - delay : self.num_known - delay, 0]

        driven = self.offset + sum(
            self.force_kernel[j] * delayed(u, j) for j in range(self.num_forces)
        )
        spring = self.spring(y)[0]
        driven += sum(self.spring_kernel[j] * delayed(spring, j) for j in range(self.num_springs))
        # (1 − a_0 S − a_1 S²) y = (z, driven), with S the shift by a sample.
        shift = np.eye(rows, k=-1), np.eye(rows, k=-2)
        for matrix in shift:
            matrix[:PAST] = 0.0
        matrix = np.eye(rows) - sum(
            self.position_kernel[j] * ops.cast(s, self.compute_dtype) for j, s in enumerate(shift)
        )
        ends = np.zeros((rows, PAST))
        ends[:PAST] = [[1.0, 0.0], [1.0, 1.0]]  # alike, and apart
        motions = ops.linalg.solve(matrix, ops.cast(ends, self.compute_dtype))
        driven = ops.transpose(ops.pad(driven, [[0, 0], [PAST, 0]]))
        particular = ops.linalg.solve(matrix, driven)
        basis, mix = ops.linalg.qr(motions)
        missing = ops.transpose(y[:, skipped:, 0]) - particular
        start = ops.linalg.solve(mix, ops.matmul(ops.transpose(basis), missing))
        run = ops.transpose(particular + ops.matmul(motions, start))
        return run[..., None] * self.position_scale + self.position_offset

    def get_config(self):
        return {
            **super().get_config(),
            "num_forces": self.num_forces,
            "num_springs": self.num_springs,
            "position_scale": self.position_scale,
            "position_offset": self.position_offset,
            "force_scale": self.force_scale,
            "num_known": self.num_known,
        }


def _product(samples, kernel):
    return ops.sum(samples * kernel, axis=-1, keepdims=True)


def _number(name, value, **bounds):
    return one_number(name, value, "the unit of the data", **bounds)
