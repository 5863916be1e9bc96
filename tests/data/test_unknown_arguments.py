"""A misspelt argument of a constructor is answered with what was meant."""

import inspect
import warnings

import numpy as np
import pytest

import oscillator_zoo.data as data
import oscillator_zoo.models as models
import oscillator_zoo.training as training
from oscillator_zoo.data import (
    DampedOscillator,
    Duffing,
    InitialValueProblem,
    Trajectory,
    add_noise,
    explain_unknown_arguments,
    linear,
    simulate,
)

CLASSES = [
    kind
    for package in (data, models, training)
    for kind in (getattr(package, name) for name in package.__all__)
    if isinstance(kind, type) and kind not in (data.Force,)
]


def misspelt(name):
    return name[:1] + name[2:] if len(name) > 3 else name + name[-1]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_public_constructor_says_what_was_meant(kind):
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    names = [p.name for p in inspect.signature(kind).parameters.values() if p.kind in kinds]
    if not names:
        pytest.skip("takes no arguments by name")
    for error in (TypeError, ValueError):
        with pytest.raises(error, match=rf"{kind.__name__} has the arg.*mean '{names[0]}'\?"):
            kind(**{misspelt(names[0]): 1.0})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DampedOscillator(dampng=3), r"'dampng'. Did you mean 'damping'\?"),
        (lambda: models.PINN(DampedOscillator(), 1.0, hiden_units=(3,)), "mean 'hidden_units'"),
        (lambda: models.ElmanRNN(3, output_unit=2), r"'output_unit'. Did you mean 'output_units'"),
        (lambda: models.ElmanRNN(3, return_sequence=True), "Did you mean 'return_sequences'"),
        (lambda: models.ElmanRNN(3, qqqqq=True), r"Received: 'qqqqq'\.$"),
    ],
)
def test_misspelt_options_beside_good_ones(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_other_errors_of_a_constructor_stay_as_they_are():
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'time'"):
        data.Step(3.0)
    with pytest.raises(ValueError, match="damping must be >= 0"):
        DampedOscillator(damping=-1.0)


class Picky:
    """Takes anything, and refuses `second` alone, in the words of a message."""

    def __init__(self, first=1.0, **kwargs):
        if "second" in kwargs:
            raise TypeError("Picky got an unexpected keyword argument 'second'")
        raise ValueError("first must be positive")


explain_unknown_arguments(Picky)


def test_an_error_of_an_inner_constructor_names_the_inner_one():
    class Outer:
        def __init__(self, **options):
            Picky(**options)

    explain_unknown_arguments(Outer)
    with pytest.raises(TypeError, match=r"^Picky has the arguments first\. Received: 'second'"):
        Outer(second=1.0)


def test_only_an_argument_that_the_error_names_is_to_blame():
    """Not one whose name is part of another word of the message, nor another unknown one."""
    with pytest.raises(ValueError, match=r"^first must be positive$"):
        Picky(posit=1.0)
    with pytest.raises(TypeError, match=r"arguments first\. Received: 'second'"):
        Picky(firs=1.0, second=2.0)


def test_a_problem_of_ones_own_is_explained_too_and_may_be_marked_linear():
    class Spring(InitialValueProblem):
        def __init__(self, spring=1.0, **kwargs):
            self.spring = spring
            super().__init__(**kwargs)

        @linear
        def rhs(self, t, x, v, ops=np):
            return -self.spring * x

    assert Spring(spring=2.0, position=1.0, velocity=0.0).is_linear
    with pytest.raises(ValueError, match=r"Spring has the arguments spring, position.*'spring'\?"):
        Spring(sprng=2.0, position=1.0, velocity=0.0)
    with pytest.raises(ValueError, match=r"Received: 'positon'. Did you mean 'position'"):
        Spring(positon=1.0, velocity=0.0)


@pytest.mark.parametrize("stiffness", [0.0, -1.0])
def test_a_spring_that_pushes_away_is_sent_to_the_class_that_has_it(stiffness):
    with pytest.raises(ValueError, match=r"stiffness must be > 0 N/m\. Received: .* to Duffing"):
        DampedOscillator(stiffness=stiffness)
    assert Duffing(stiffness=stiffness).stiffness == stiffness


@pytest.mark.parametrize(
    "call",
    [
        lambda: simulate(Duffing(position=1e120), 0.1, 10),
        lambda: simulate(Duffing(position=1e120), 0.1, 10, "rk4"),
        lambda: simulate(DampedOscillator(stiffness=1e300, position=1e300), 0.1, 10),
        lambda: add_noise(Trajectory([0.0], [[[1e200]]], ("position",), [[[0.0]]]), 0.1, 0),
        lambda: simulate(Duffing(force=lambda t: np.exp(1e4 * (t + 1.0))), 0.1, 10),
        lambda: simulate(DampedOscillator(force=lambda t: np.log(t - 1.0)), 0.1, 10),
        lambda: simulate(DampedOscillator(), 1e308, 10),
        lambda: simulate(Duffing(force=data.Chirp(1.0, 0.0, 1e300, 1e-10)), 0.1, 10),
        lambda: DampedOscillator(mass=np.longdouble("1e4000")),
        lambda: Trajectory([np.nan, np.inf, np.inf], [[[1], [1], [1]]], ("position",), [[[0]] * 3]),
        lambda: models.PINN(Duffing(position=1e120), 1.0),
    ],
)
def test_no_warning_of_numpy_comes_before_an_error(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with pytest.raises(ValueError, match=r"\. "):
            call()
    assert [w for w in caught if issubclass(w.category, RuntimeWarning)] == []
