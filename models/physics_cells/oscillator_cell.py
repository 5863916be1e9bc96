"""Any oscillator of a few terms, or a problem's, stepped between samples by Runge and Kutta."""

import keras
import numpy as np
from keras import ops

from oscillator_zoo.data.checks import one_number, one_of
from oscillator_zoo.data.forces.force import Force

from ..recurrent.elman_cell import one_state

LARGEST_ANGLE = 0.08  # ω0 times a step of RK4, which damps by 3e-7 a radian of its own
NEWTON_STEPS = 2  # from the secant to the turning point: the error h² becomes h⁸
QUANTITIES = ("position", "velocity", "acceleration")
CONSTANTS = (
    *("squared_frequency", "damping_rate", "quadratic_drag"),
    *("quadratic_stiffness", "cubic_stiffness", "dry_friction", "gain"),
)


class RungeKuttaCell(keras.layers.Layer):
    """The next sample of a motion as a cell of `keras.layers.RNN`: steps of RK4 in between.

    A subclass gives `acceleration(x, v, force)`, and calls `build_constants`, whose last number is
    the offset of what is measured.
    """

    def build_constants(self, values, time_step, num_parts, quantity, held):
        """Keep the arguments that all cells have, and make the one weight, `constants`."""
        self.time_step = one_number("time_step", time_step, "s", above=0.0)
        self.num_parts, self.held = int(num_parts), bool(held)
        self.quantity = one_of("quantity", quantity, QUANTITIES)
        self.state_size, self.output_size = 3, 1
        values = np.array(values)
        self.constants = self.add_weight(
            shape=values.shape,
            name="constants",
            initializer=lambda shape, dtype=None: ops.convert_to_tensor(values, dtype=dtype),
        )

    def call(self, force, states):
        state, like_states = one_state(states)
        x, v, before = state[:, :1], state[:, 1:2], state[:, 2:]
        change, h = force - before, self.time_step / self.num_parts
        for part in range(self.num_parts):
            start, end = (
                before + (0.0 if self.held else (part + share) / self.num_parts) * change
                for share in (0.0, 1.0)
            )
            x, v = self.advance(x, v, (start, end), h)
        quantities = {"position": x, "velocity": v}
        output = quantities.get(self.quantity)
        if output is None:
            output = self.whole_acceleration(x, v, force)
        new_state = ops.concatenate([x, v, force], axis=-1)
        return output + self.constants[-1], like_states(new_state)

    def step(self, x, v, force, h, friction=0.0):
        """x and v a step of RK4 later, under a force that goes from one value to another."""
        start, end = force
        middle = 0.5 * (start + end)
        a1 = self.acceleration(x, v, start) - friction
        v2 = v + 0.5 * h * a1
        a2 = self.acceleration(x + 0.5 * h * v, v2, middle) - friction
        v3 = v + 0.5 * h * a2
        a3 = self.acceleration(x + 0.5 * h * v2, v3, middle) - friction
        v4 = v + h * a3
        a4 = self.acceleration(x + h * v3, v4, end) - friction
        x = x + h * (v + 2.0 * v2 + 2.0 * v3 + v4) / 6.0
        return x, v + h * (a1 + 2.0 * a2 + 2.0 * a3 + a4) / 6.0

    def advance(self, x, v, force, h):
        """x and v a step later."""
        return self.step(x, v, force, h)

    def whole_acceleration(self, x, v, force):
        """x'' of all forces, in m/s²."""
        return self.acceleration(x, v, force)


@keras.saving.register_keras_serializable("oscillator_zoo")
class OscillatorCell(RungeKuttaCell):
    """The next sample of an oscillator's motion, as a cell of `keras.layers.RNN`.

        x'' + d x' + q |x'| x' + f sign x' + s x + s2 x² + s3 x³ = G u

    with s sin x in place of s x for a pendulum. With dry friction it turns where the velocity is 0,
    found by Newton's method within a step, and sticks while all other forces stay below f. Between
    samples it takes as many steps of RK4 as the frequency asks for; the force is a straight line
    there, or held.

    | symbol         | argument                                    | unit      |
    |----------------|---------------------------------------------|-----------|
    | s              | `squared_frequency`                         | 1/s²      |
    | d              | `damping_rate`                              | 1/s       |
    | q              | `quadratic_drag`                            | 1/m       |
    | s2, s3         | `quadratic_stiffness`, `cubic_stiffness`    | 1/(m s²), 1/(m² s²) |
    | f              | `dry_friction`; 0 stays 0                   | m/s²      |
    | G              | `gain`                                      | 1/kg      |
    | c              | `offset` of what is measured                | its unit  |

    The constants are one weight, `constants`, in this order, c last, and are trained with the
    rest of a model.

    Args:
        time_step: between samples, in s.
        quantity: what is measured: "position", "velocity" or "acceleration".
        pendulum: whether the spring's force is that of a pendulum, s sin x.
        held: whether the force stays at u_n until the next sample.

    Call arguments:
        force: u_{n+1}, `(batch, 1)`; zeros for a free decay.
        states: in a list, (x_n, v_n, u_n), `(batch, 3)`.

    Returns:
        The measured quantity plus c at the next sample, `(batch, 1)`, and the next state.

    Raises:
        ValueError: for a time step that is not positive, constants that are not finite, or an
            unknown quantity.

    Example:
    >>> cell = OscillatorCell(0.1, squared_frequency=4.0, dtype="float64")
    >>> layer = keras.layers.RNN(cell, return_sequences=True, dtype="float64")
    >>> start = keras.ops.convert_to_tensor([[1.0, 0.0, 0.0]], dtype="float64")
    >>> motion = layer(keras.ops.zeros((1, 5, 1), dtype="float64"), initial_state=[start])
    >>> round(float(motion[0, -1, 0]), 4)  # cos(2 · 0.5)
    0.5403
    """

    def __init__(
        self,
        time_step,
        squared_frequency=1.0,
        damping_rate=0.0,
        quadratic_drag=0.0,
        quadratic_stiffness=0.0,
        cubic_stiffness=0.0,
        dry_friction=0.0,
        gain=1.0,
        offset=0.0,
        quantity="position",
        pendulum=False,
        held=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        given = (squared_frequency, damping_rate, quadratic_drag)
        given += (quadratic_stiffness, cubic_stiffness, dry_friction, gain)
        for name, value in zip((*CONSTANTS, "offset"), (*given, offset)):
            setattr(self, name, one_number(name, value, "the unit of the data"))
        self.pendulum = bool(pendulum)
        time_step = one_number("time_step", time_step, "s", above=0.0)
        angle = time_step * np.sqrt(abs(self.squared_frequency))
        values = [getattr(self, name) for name in (*CONSTANTS, "offset")]
        parts = max(1, int(np.ceil(angle / LARGEST_ANGLE)))
        self.build_constants(values, time_step, parts, quantity, held)

    def advance(self, x, v, force, h):
        if self.dry_friction:
            return self.step_with_friction(x, v, force, h)
        return self.step(x, v, force, h)

    def whole_acceleration(self, x, v, force):
        found = self.acceleration(x, v, force)
        return found - self.friction(found, v) if self.dry_friction else found

    def step_with_friction(self, x, v, force, h):
        """The same in two parts where the motion turns, the second at rest if it sticks.

        A mass at rest breaks away within a step where the force on it, a straight line, comes to f.
        """
        start, end = force
        drive = self.acceleration(x, v, start)
        friction = self.friction(drive, v)
        last = self.step(x, v, force, h, friction)
        turns = v * last[1] < 0.0
        share = ops.where(turns, v / ops.where(turns, v - last[1], 1.0), 1.0)
        for _ in range(NEWTON_STEPS):
            turn = start + share * (end - start)
            there, speed = self.step(x, v, (start, turn), share * h, friction)
            slope = h * (self.acceleration(there, speed, turn) - friction)
            share = ops.where(turns, share - speed / ops.where(turns, slope, 1.0), 1.0)
        still = ops.zeros_like(v)
        stuck = (v == 0.0) & self.sticks(drive)
        later = self.acceleration(x, still, end)
        breaks = stuck & ~self.sticks(later)
        needed = self.friction(later, still) - drive
        share = ops.where(breaks, needed / ops.where(breaks, later - drive, 1.0), share)
        turn = start + share * (end - start)
        there, _ = self.step(x, v, (start, turn), share * h, friction)
        there = ops.where(breaks, x, there)
        drive = self.acceleration(there, still, turn)
        other = self.friction(drive, still)
        after = self.step(there, still, (turn, end), (1.0 - share) * h, other)
        sticks = self.sticks(drive) & ~breaks
        after = ops.where(sticks, there, after[0]), ops.where(sticks, still, after[1])
        return tuple(
            ops.where(stuck & ~breaks, rest, ops.where(turns | breaks, a, b))
            for rest, a, b in zip((x, still), after, last)
        )

    def sticks(self, drive):
        """Whether a mass at rest stays there against the acceleration of all other forces."""
        return ops.abs(drive) <= self.constants[CONSTANTS.index("dry_friction")]

    def friction(self, drive, v):
        """What dry friction takes off the acceleration of all other forces, in m/s²."""
        most = self.constants[CONSTANTS.index("dry_friction")]
        at_rest = ops.where(self.sticks(drive), drive, most * ops.sign(drive))
        return ops.where(v == 0.0, at_rest, most * ops.sign(v))

    def acceleration(self, x, v, force):
        """x'' in m/s², without dry friction."""
        s, d, q, s2, s3, _, gain = (self.constants[i] for i in range(len(CONSTANTS)))
        spring = s * (ops.sin(x) if self.pendulum else x) + (s2 + s3 * x) * x * x
        return gain * force - (d + q * ops.abs(v)) * v - spring

    def get_config(self):
        names = ("time_step", *CONSTANTS, "offset", "quantity", "pendulum", "held")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class _Acting(Force):
    """A force that is what acts at the moment."""

    value = None

    def __call__(self, t, ops=np):
        return self.value


@keras.saving.register_keras_serializable("oscillator_zoo")
class ProblemCell(RungeKuttaCell):
    """The next sample of the motion of any problem of order 2, as a cell of `keras.layers.RNN`.

        x'' = rhs(t, x, x'),    its constants p of the names in `unknown` are trained

    The right-hand side must not depend on time but by its force, and be written in `ops`.

    Args:
        problem: `InitialValueProblem` of order 2 and dimension 1; its values of p are the first.
        unknown: names of constructor arguments.
        time_step: between samples, in s.
        num_parts: steps of RK4 in it.
        offset: of what is measured, the last of the weight `constants`, after p.
        quantity: what is measured: "position", "velocity" or "acceleration".
        held: whether the force stays at u_n until the next sample; else it is a straight line.

    Call arguments:
        force: u_{n+1}, `(batch, 1)`; not used by a problem that takes no force.
        states: in a list, (x_n, v_n, u_n), `(batch, 3)`.

    Returns:
        The measured quantity plus the offset at the next sample, `(batch, 1)`, and the next state.

    Raises:
        ValueError: for a time step that is not positive, a name that is no argument, or a problem
            of another order or dimension.
    """

    def __init__(
        self,
        problem,
        unknown,
        time_step,
        num_parts=1,
        offset=0.0,
        quantity="position",
        held=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if (problem.order, problem.dimension) != (2, 1):
            raise ValueError(
                "A ProblemCell steps a problem of order 2 and dimension 1. Received order "
                f"{problem.order}, dimension {problem.dimension}. Write the motion of one mass."
            )
        self.problem, self.unknown = problem, tuple(unknown)
        self.offset = one_number("offset", offset, "the unit of the data")
        given = problem.with_parameters(**dict.fromkeys(self.unknown, 1.0)).get_config()
        values = [one_number(n, problem.get_config()[n], "its unit") for n in self.unknown]
        self.takes_force = "force" in given
        self.build_constants([*values, offset], time_step, num_parts, quantity, held)

    def acceleration(self, x, v, force):
        """x'' in m/s²."""
        given = {n: ops.reshape(self.constants[i], (1, 1)) for i, n in enumerate(self.unknown)}
        if self.takes_force:
            given["force"] = _Acting()
            given["force"].value = force
        return self.problem.with_parameters(**given).rhs(0.0, x, v, ops=ops)

    def get_config(self):
        names = ("problem", "unknown", "time_step", "num_parts", "offset", "quantity", "held")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    @classmethod
    def from_config(cls, config):
        read = keras.saving.deserialize_keras_object
        return cls(**{n: read(v) if isinstance(v, dict) else v for n, v in config.items()})
