"""Mistakes in a user's own right-hand side: one error, with the line and what to write."""

import math

import numpy as np
import pytest
from keras import ops as keras_ops

from oscillator_zoo.data import DampedOscillator, InitialValueProblem, Sampled, simulate
from oscillator_zoo.data.problems.rhs_errors import reading_of_start
from oscillator_zoo.models import PINN


class Own(InitialValueProblem):
    """An equation whose right-hand side the tests choose."""

    def __init__(self, function, position=1.0, velocity=0.5, order=2):
        self.function = function
        super().__init__(position, velocity, order=order, dimension=np.size(position))

    def rhs(self, t, x, v=None, ops=np):
        return self.function(t, x, v, ops)


def unpacked(t, x, v, ops):
    a, b = x
    return ops.stack([b, -a], axis=-1)


def branching(t, x, v, ops):
    if x > 0.0:
        return -x
    return -2.0 * x


def branching_only_in_graphs(t, x, v, ops):
    return -x if ops is np or t[0, 0] > 1.0 else -2.0 * x


def rounded_half(t, x, v, ops):
    return ops.multiply(-x, ops.where(x > 0.0, 0.1, 0.2))


def mixed(t, x, v, ops):
    return -x * keras_ops.where(keras_ops.convert_to_tensor(x) > 0.0, 0.1, 0.2)


def first_row(t, x, v, ops):
    return -x[0]


def first_rows(t, x, v, ops):
    return ops.stack([x[1], -x[0]], axis=-1)


HERE = r"Received .*test_rhs_mistakes\.py, line \d+: "
ONE = [
    (lambda t, x, v, ops: -np.sin(x), r"`.*np\.sin\(x\).*Write ops\.sin in place of np\.sin"),
    (lambda t, x, v, ops: -math.sin(x), r"`.*math\.sin\(x\).*Write ops\.sin in place of math\.sin"),
    (lambda t, x, v, ops: np.where(x > 0.0, -x, x), "Write ops.where in place of np.where"),
    (branching, r"`if x > 0\.0:`.*truth value.*write ops\.where\(condition, a, b\)"),
    (branching_only_in_graphs, r"`return -x if ops is np.*write ops\.where\(condition, a, b\)"),
]
TWO = [
    (unpacked, r"`a, b = x`.*Write a, b = x\[\.\.\., 0\], x\[\.\.\., 1\] in place of a, b = x"),
    (lambda t, x, v, ops: -x[:, 2:3] * x[:, 2], r"`.*x\[:, 2\].*axes \(rows, d\): x\[:, 0:1\]"),
]


@pytest.mark.parametrize(("function", "message"), ONE)
def test_a_mistake_is_shown_with_its_line_and_a_cure(function, message):
    with pytest.raises(ValueError, match=HERE) as caught:
        PINN(Own(function), 2.0, (4,))
    assert caught.match(message)


@pytest.mark.parametrize(("function", "message"), TWO)
def test_mistakes_with_coordinates_are_shown(function, message):
    problem = Own(function, [1.0, 0.5], None, order=1)
    with pytest.raises(ValueError, match=HERE + message):
        PINN(problem, 2.0, (4,))
    with pytest.raises(ValueError, match=HERE + message):
        simulate(problem, 0.1, 2)


@pytest.mark.parametrize(
    ("function", "position"), [(first_row, 1.0), (first_rows, [1.0, 0.5]), (first_row, [1.0] * 3)]
)
def test_the_first_row_is_not_the_first_coordinate(function, position):
    order = 1 if function is first_rows else 2
    velocity = None if order == 1 else np.zeros_like(position)
    with pytest.raises(ValueError, match=r"x\[:, 0:1\] is the first|Keep the last axis"):
        PINN(Own(function, position, velocity, order), 2.0, (4,))


def test_rounded_literals_are_noticed():
    with pytest.raises(ValueError, match=r"same numbers with ops=numpy and .*ops\.cast\(0\.1, t"):
        PINN(Own(rounded_half), 2.0, (4,))


def test_literals_that_make_it_float32_are_refused():
    message = r"in float64\. Received float32 from .*test_rhs_mistakes\.py, line \d+.*cast it to"
    with pytest.raises(ValueError, match=message):
        PINN(Own(mixed), 2.0, (4,))


def test_what_is_no_array_is_refused():
    listed = Own(lambda t, x, v, ops: [x[..., 1], -x[..., 0]], [1.0, 0.5], None, order=1)
    with pytest.raises(ValueError, match=r"one array \(num, 2\)\. Received list from .*ops\.stack"):
        PINN(listed, 2.0, (4,))
    with pytest.raises(ValueError, match=r"one array \(num, 1\)\. Received NoneType from "):
        PINN(Own(lambda t, x, v, ops: None), 2.0, (4,))


def clipped_in_place(t, x, v, ops):
    x[x > 5.0] = 5.0  # none is
    return -x


def negated_in_place(t, x, v, ops):
    x *= -1.0
    return x


def imaginary(t, x, v, ops):
    return -1j * x


def of_kind(t, x, v, ops):
    return -x if isinstance(x, np.ndarray) else -2.0 * x


BY_BOTH = [  # also seen by steppers, which would follow wrong numbers or fail without a word
    (clipped_in_place, r"`x\[x > 5\.0\] = 5\.0.*ops\.where\(condition, a, b\) in place of x\[cond"),
    (negated_in_place, r"`x \*= -1\.0`.*write x = -x in place of x \*= -1"),
    (imaginary, r"one array \(num, 1\)\. Received ndarray of complex128 from"),
    (lambda t, x, v, ops: (v, -x), r"one array \(num, 1\)\. Received tuple from"),
    (lambda t, x, v, ops: None, r"one array \(num, 1\)\. Received NoneType from"),
    (lambda t, x, v, ops: "-x", r"one array \(num, 1\)\. Received str from"),
    (lambda t, x, v, ops: -x * undefined, "NameError, name 'undefined' is not.*Define it before"),  # noqa: F821
    (lambda t, x, v, ops: -ops.sine(x), "no attribute 'sine'.*numpy and keras.ops share"),
    (lambda t, x, v, ops: -float(x), "leave float"),
    (lambda t, x, v, ops: -x / 0.0, r"finite at the start\. Received -inf from .*by zero"),
    (lambda t, x, v, ops: ops.sqrt(x - 5.0), r"finite at the start\. Received nan from "),
]


@pytest.mark.parametrize(("function", "message"), BY_BOTH)
def test_steppers_and_networks_refuse_alike(function, message):
    for use in (lambda p: PINN(p, 2.0, (4,)), lambda p: simulate(p, 0.1, 2, "rk4")):
        with pytest.raises(ValueError, match=message):
            use(Own(function))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda t, x, v, ops: -x.T.T, r"write ops\.transpose\(x, …\) in place of x\.T"),
        (lambda t, x, v, ops: -x.astype("float64"), r"write ops\.cast\(x, …\) in place of x\.ast"),
        (of_kind, "differs by 1 m/s².*without asking for the kind of x"),
    ],
)
def test_what_tensors_do_not_have_is_named(function, message):
    with pytest.raises(ValueError, match=message):
        PINN(Own(function), 2.0, (4,))


def test_an_error_of_the_users_own_gets_no_advice():
    def failing(t, x, v, ops):
        raise RuntimeError("the pump is off")

    with pytest.raises(ValueError, match=r"RuntimeError, the pump is off\.$"):
        simulate(Own(failing), 0.1, 2)


def test_a_force_outside_its_times_is_no_mistake_of_the_equation():
    force = Sampled([0.0, 1.0], [0.0, 1.0])
    problem = Own(lambda t, x, v, ops: force(t - 2.0, ops=ops) - x)
    with pytest.raises(ValueError, match=r"^(?!rhs must)[^`]*-2 s"):
        simulate(problem, 0.1, 3)


def test_arguments_in_another_order_are_refused():
    """As SciPy's odeint has them: x for t, and nothing would fail."""

    class Swapped(InitialValueProblem):
        def rhs(self, x, v, t, ops=np):
            return -x

    for use in (lambda p: PINN(p, 2.0, (4,)), lambda p: simulate(p, 0.1, 2)):
        with pytest.raises(ValueError, match=r"def rhs\(self, t, x, v, ops=np\).*t is not its arg"):
            use(Swapped(1.0, 0.0))


def test_missing_arguments_are_named():
    class NoOps(InitialValueProblem):
        def rhs(self, t, x, v):
            return -x

    for use in (lambda p: PINN(p, 2.0, (4,)), lambda p: simulate(p, 0.1, 2)):
        with pytest.raises(
            ValueError, match=r"def rhs\(self, t, x, v, ops=np\).*`def rhs\(self, t"
        ):
            use(NoOps(1.0, 0.0))


@pytest.mark.slow
def test_a_right_hand_side_that_takes_rows_passes():
    good = Own(lambda t, x, v, ops: ops.where(t > 1.0, -x, -2.0 * x) - 0.1 * ops.sin(v))
    PINN(good, 2.0, (4,))
    PINN(Own(lambda t, x, v, ops: -9), 2.0, (4,))
    pair = Own(lambda t, x, v, ops: ops.stack([x[..., 1], -x[..., 0]], -1), [1.0, 0.0], None, 1)
    PINN(pair, 2.0, (4,))


def test_fit_before_compile_says_so():
    with pytest.raises(ValueError, match=r"compile\(\) before .*fit"):
        PINN(Own(lambda t, x, v, ops: -x), 2.0, (4,)).fit(epochs=1)


class Chain(InitialValueProblem):
    """Of order 1 in three coordinates, which the caller has to say."""

    order = 1

    def rhs(self, t, x, ops=np):
        a, b, c = x[..., 0], x[..., 1], x[..., 2]
        return ops.stack([-a, a - b, b + 0.0 * c], axis=-1)


class Outer(Chain):
    def rhs(self, t, x, ops=np):
        return x * x[:, 0]


def test_several_numbers_at_the_start_are_an_ensemble_and_both_readings_are_named():
    reading = (
        r"A position of 3 numbers was read as 3 motions of one coordinate: for one motion of 3 "
        r"coordinates pass dimension=3, or write it in the class\."
    )
    start = (1.0, 0.0, 0.0)
    with pytest.raises(ValueError, match=r"ensemble of 3\. .*select\(0\)\. " + reading):
        PINN(Chain(start), 1.0)
    for equation in (Chain, Outer):  # the first fails, the second returns another shape
        with pytest.raises(ValueError, match=reading):
            simulate(equation(start), 0.1, 2)
    assert simulate(Chain(start, dimension=3), 0.1, 2).states.shape == (1, 3, 3)
    own = Own(lambda t, x, v, ops: -x)
    own.velocity = np.array([1.0, 2.0])
    with pytest.raises(ValueError, match="A velocity of 2 numbers was read as 2 motions"):
        PINN(own, 1.0)


def test_an_ensemble_that_is_meant_has_one_reading():
    """Of starts `(batch, dimension)`, of an equation of this library, and of a single number."""
    for problem in (Chain(np.ones((2, 3))), DampedOscillator(position=[1.0, 2.0]), Chain([1.0])):
        assert problem.ensemble_size and reading_of_start(problem) == ""
