"""Two devices train as one does: same weights and history, to rounding."""

import functools
import json
import pathlib
import subprocess
import sys
import types

import pytest
import tensorflow as tf
from distribution_worker import CASES, REFUSED

from oscillator_zoo.models.least_squares.distribution import check_batches, check_distribution

WORKER = pathlib.Path(__file__).parents[2] / "distribution_worker.py"
QUICK = ("ElmanRNN", "PINN")


@functools.cache
def results(*names):
    """What the worker prints, run in a process of its own, where there are two devices."""
    run = subprocess.run([sys.executable, WORKER, *names], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]
    return json.loads(run.stdout)


def check_same(name, result):
    """By gradient descent, which would show a gradient of another size, as Adam would not."""
    assert result["replicas"] == 2
    assert result["loss"] > 1e-5
    assert result["weights"] < 1e-12
    # Keras keeps the means of its own losses and metrics in float32.
    assert result["history"] < (1e-12 if "RNN" not in name else 1e-6)


@pytest.mark.slow
def test_two_devices_end_with_the_weights_and_the_history_of_one():
    for name in QUICK:
        check_same(name, results(*QUICK)[name])


@pytest.mark.long
@pytest.mark.parametrize("name", CASES)
def test_every_kind_of_model_trains_on_two_devices_as_on_one(name):
    check_same(name, results()[name])


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("LevenbergMarquardt", "on one device. Received: a PINN under a MirroredStrategy"),
        ("one device", "Make and compile it outside of strategy.scope(), or use keras.optim"),
        ("jit_compile", "Received: jit_compile=True and steps_per_execution=1 for 2 replicas"),
        ("steps_per_execution", "steps_per_execution=4 for 2 replicas. Leave them out"),
        ("odd points", "Received batches of 63. Use a size that 2 divides, such as 64"),
    ],
)
def test_what_several_devices_cannot_do_says_so(name, message):
    assert message in results()[name]
    assert set(REFUSED) <= set(results())


@pytest.mark.long
def test_least_squares_is_refused_under_a_strategy_only():
    assert results()["no strategy"] == "no error"


TWO = types.SimpleNamespace(num_replicas_in_sync=2)


@pytest.mark.parametrize(("jit_compile", "steps"), [(True, 1), (False, 4)])
def test_one_compiled_call_is_not_spread_over_devices(jit_compile, steps):
    model = types.SimpleNamespace(
        distribute_strategy=TWO, optimizer=None, jit_compile=jit_compile, steps_per_execution=steps
    )
    message = rf"jit_compile={jit_compile} and steps_per_execution={steps} for 2 replicas\. Leave"
    with pytest.raises(ValueError, match=message):
        check_distribution(model)


def test_batches_that_devices_cannot_share_name_a_size_that_they_can():
    points = tf.data.Dataset.from_tensors(tf.zeros((63, 1)))
    with pytest.raises(ValueError, match=r"batches of 63\. Use a size that 2 divides, such as 64"):
        check_batches(points, TWO)
    check_batches(tf.data.Dataset.from_tensors(tf.zeros((64, 1))), TWO)
