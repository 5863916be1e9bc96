"""How a family of solutions is made, fed, taken apart and served."""

import warnings

import keras
import numpy as np
from keras import ops

from oscillator_zoo.data.checks import positive_integer

from ..equation.plain_forces import has_plain_force
from ..equation.sketch import Sketch
from ..trial_solution.domain import checked_times, is_outside, nan_where
from .family_sketch import FamilySketch
from .family_trial import FamilyTrial
from .parameter_box import ParameterBox
from .parameter_nodes import MOST_READOUTS, Mixture, ParameterNodes, low_discrepancy

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

POINTS = 44  # collocation points of a node in a window, 4 for 3 unknowns
DEVIATION = 1e-3  # from RK4, of the largest position: healthy families are a thousand times nearer


class Family(FamilyTrial):
    """What a `PINN` with `parameter_ranges` takes and gives; a single solution is as it was.

    Times come with a value of each parameter, {"t": times, "damping": values}, all `(num,)` or
    `(num, 1)` or single numbers that serve every row. Values outside the ranges raise.
    """

    def set_box(self, parameter_ranges, fixed):
        """Take the ranges of parameters, if any, and return a sketch of the motion or motions.

        Args:
            parameter_ranges: pairs (lo, hi) by name, or None.
            fixed: what a family cannot have, by name.
        """
        if parameter_ranges is None:
            return Sketch(self.problem, self.duration)
        for name, value in fixed.items():
            if value is not None and value != ():
                raise ValueError(
                    f"A PINN with parameter_ranges takes no {name}. Received: {value!r}. "
                    f"Leave {name} out, or solve for one value of the parameters."
                )
        if has_plain_force(self.problem):
            raise ValueError(
                "A family needs a force that runs inside a graph. Received a plain function. Use "
                "one of the forces of oscillator_zoo.data, or write it as force(t, ops=numpy)."
            )
        self.box = ParameterBox(self.problem, parameter_ranges)
        return FamilySketch(self.problem, self.box, self.duration)

    def set_nodes(self, counts, sketch):
        """Take the numbers of nodes by name, or find them by rule."""
        if self.box is None:
            if counts is not None:
                raise ValueError(
                    "parameter_nodes belong to parameter_ranges. "
                    f"Received: {counts!r} without ranges. Leave them out."
                )
            return
        self.nodes = ParameterNodes.of(self.box, counts, sketch)
        num = self.num_readouts
        if num > MOST_READOUTS:
            raise ValueError(
                f"A family may have {MOST_READOUTS} readouts, nodes times windows. Received ranges "
                f"that need {self.nodes.counts} nodes in {self.num_windows} windows, {num} in all. "
                "Narrow the ranges or shorten the duration."
            )

    @property
    def parameter_ranges(self):
        """Pairs [lo, hi] by name of the parameter, None for a single solution."""
        return None if self.box is None else self.box.ranges

    @property
    def parameter_nodes(self):
        """Numbers of nodes by name of the parameter, None for a single solution."""
        return None if self.nodes is None else dict(zip(self.box.names, self.nodes.counts))

    def member(self, **parameters):
        """The solution for one value of each parameter, as a `PINN` of its own.

        It has the same hidden weights and the readout that the family has there, so it gives the
        same numbers, and all that belongs to a single solution: error bars, pictures, tables.

        Args:
            **parameters: a number for each name of `parameter_ranges`.

        Raises:
            ValueError: for a model without `parameter_ranges`, missing or unknown names, arrays,
                or values outside the box.

        Example:
        >>> from oscillator_zoo.data import DampedOscillator
        >>> from oscillator_zoo.models import PINN, LevenbergMarquardt
        >>> family = PINN(DampedOscillator(), 5.0, parameter_ranges={"damping": (0.1, 0.3)}, seed=1)
        >>> family.compile(LevenbergMarquardt())
        >>> history = family.fit(epochs=9, verbose=0)
        >>> bound, _ = family.member(damping=0.2).error_bound([1.0, 5.0])
        >>> bool((bound < 1e-8).all())
        True
        """
        if self.box is None:
            raise ValueError(
                "Only a PINN with parameter_ranges has members. Received one without. "
                "It is a single solution itself."
            )
        if any(np.ndim(value) for value in parameters.values()):
            raise ValueError(
                f"A member has one number for each parameter. Received: {parameters!r}. "
                "Call the family itself for many, pinn({'t': …, …})."
            )
        columns = self.rows({"t": self.problem.start_time, **parameters})
        problem = self.problem.with_parameters(
            **{n: np.asarray(columns[n]).item() for n in self.box.names}
        )
        config = {**self.get_config(), "problem": problem, "name": None}
        config |= {"parameter_ranges": None, "parameter_nodes": None}
        single = type(self).from_config(config)
        mixture = Mixture(None, self.nodes.weights(self.box.scaled(columns)))
        for old, new in zip(self.network.hidden, single.network.hidden):
            new.set_weights(old.get_weights())
        single.set_readout([mixture.of_windows(v)[0] for v in self.readout_variables])
        return single

    def __call__(self, t, *args, **kwargs):
        if self.box is not None and not any(map(keras.backend.is_keras_tensor, _leaves(t))):
            t = self.rows(t)
        return super().__call__(t, *args, **kwargs)

    def checked(self, t):
        """Times as an array `(num, 1)`, or a family's times and parameters by name."""
        if self.box is None:
            return super().checked(t)
        columns = self.box.columns(t)
        return {**columns, "t": checked_times(columns["t"], self.problem.start_time, self.duration)}

    def rows(self, x):
        """Times as a tensor, or times and parameters by name, each `(num, 1)`."""
        if self.box is None:
            return super().column(x)
        self.box.check_names(x)
        if not any(tf.is_symbolic_tensor(leaf) for leaf in _leaves(x)):
            checked = self.checked(x)
            x = {name: a if tf.is_tensor(a) else checked.get(name, a) for name, a in x.items()}
        node = {name: x[name] for name in x if name == "node"}
        columns = {
            name: ops.reshape(ops.cast(x[name], self.compute_dtype), (-1, 1))
            for name in ("t", *self.box.names)
        }
        zero = sum(0.0 * ops.stop_gradient(column) for column in columns.values())
        return {**{name: column + zero for name, column in columns.items()}, **node}

    def column(self, t):
        return super().column(t) if self.box is None else self.rows(t)["t"]

    def at_parameters(self, x):
        """x̂ as a function of t alone, for the parameters of a batch."""
        if self.box is None:
            return self
        return lambda t: self({**x, "t": t})

    def family_points(self, num_points=None):
        """Points of `collocation_points`: those at the nodes, or a number of them in the box."""
        if num_points is None:
            return self.node_points()
        return self.box_points(positive_integer("num_points", num_points, at_least=2))

    def node_points(self):
        """Times and parameters at all nodes, `POINTS` in each window: columns `(num, 1)`."""
        edges, num_nodes = np.asarray(self.window_edges), self.nodes.num_nodes
        inside = 0.5 - 0.5 * np.cos(np.pi * (np.arange(POINTS) + 0.5) / POINTS)
        times = edges[:-1, None] + np.diff(edges)[:, None] * inside
        shape = (self.num_windows, num_nodes, POINTS)
        values = {
            name: np.broadcast_to(v[:, None], shape)
            for name, v in self.box.values(self.nodes.points).items()
        }
        values["t"] = np.broadcast_to(times[:, None], shape)
        columns = {
            name: np.reshape(v, (-1, 1)).astype(self.compute_dtype) for name, v in values.items()
        }
        node = np.broadcast_to(np.arange(num_nodes, dtype="int32")[:, None], shape)
        return {**columns, "node": node.reshape(-1, 1)}

    def box_points(self, num_points):
        """Times and parameters spread evenly in t0 … t0 + T and the box: columns `(num, 1)`."""
        points = low_discrepancy(num_points, 1 + len(self.box.names))
        values = {
            "t": self.problem.start_time + self.duration * points[:, 0],
            **self.box.values(2.0 * points[:, 1:] - 1.0),
        }
        return {name: v[:, None].astype(self.compute_dtype) for name, v in values.items()}

    def fit(self, *args, **kwargs):
        history = super().fit(*args, **kwargs)
        if self.box is not None and getattr(self.optimizer, "stop_reason", None) is not None:
            self._warn_of_few_nodes()
        return history

    def _warn_of_few_nodes(self):
        """Warn if members between the nodes are far from where RK4 leads."""
        points = 2.0 * low_discrepancy(8, len(self.box.names)) - 1.0
        dimension, times = self.problem.dimension, self.sketch.times[::50]
        expected = self.sketch.motions(points)[:, ::50, :dimension]
        rows = {name: np.repeat(v, len(times)) for name, v in self.box.values(points).items()}
        found = self({"t": np.tile(times, len(points)), **rows})
        deviation = np.abs(np.reshape(found, expected.shape) - expected).max()
        if not deviation <= DEVIATION * np.abs(expected).max():
            warnings.warn(
                f"Between its nodes this family differs from RK4 by up to {deviation:.2g} "
                f"{self.problem.position_unit}. Received parameter_nodes={self.parameter_nodes}. "
                "Leave parameter_nodes out to have enough of them by rule, or narrow the ranges.",
                stacklevel=4,
            )

    def prepare(self, dataset):
        if self.box is not None and isinstance(dataset, dict):
            return self.checked(dataset)
        if self.box is not None and isinstance(dataset, tf.data.Dataset):
            dataset = dataset.map(lambda *batch: _inside(batch, self.box))
        return super().prepare(dataset)

    def evaluate(self, x=None, *args, **kwargs):
        """`keras.Model.evaluate`; a family's default is 4096 points between its nodes."""
        if self.box is not None and x is None:
            x = self.collocation_points(4096, steps_per_epoch=1)
        elif self.box is not None and isinstance(x, dict):
            x = self.checked(x)
        return super().evaluate(x, *args, **kwargs)

    def export_signature(self):
        """Times `(num, 1)` in s, and a parameter of each row, by name."""
        of_times = super().export_signature()
        if self.box is None:
            return of_times
        names = ("t", *self.box.names)
        return {name: tf.TensorSpec((None, 1), of_times.dtype, name) for name in names}

    def nan_outside(self, x):
        """The inputs, with NaN for times outside the interval or beside outside parameters."""
        if self.box is None:
            return super().nan_outside(x)
        outside = is_outside(x["t"], self.problem.start_time, self.duration)
        outside |= self.box.is_outside(x)
        return {**x, "t": x["t"] + tf.cast(nan_where(outside), x["t"].dtype)}


def _leaves(x):
    return list(x.values()) if isinstance(x, dict) else [x]


def _inside(batch, box):
    """A batch of a dataset as it is; raises where its parameters leave the box or are NaN."""
    box.check_names(batch[0])
    outside = box.is_outside(batch[0])
    for name in box.names:
        outside |= tf.math.is_nan(batch[0][name])
    message = box.outside_message("values outside in a dataset")
    with tf.control_dependencies([tf.debugging.Assert(~tf.reduce_any(outside), [message])]):
        batch = tf.nest.map_structure(tf.identity, batch)
    return batch if len(batch) > 1 else batch[0]
