"""Two devices train as one does: same weights and history, to rounding."""

import json
import pathlib
import subprocess
import sys

import pytest
from distribution_worker import CASES, REFUSED

pytestmark = pytest.mark.slow
WORKER = pathlib.Path(__file__).parent / "distribution_worker.py"


@pytest.fixture(scope="module")
def results():
    """What the worker prints, run in a process of its own."""
    run = subprocess.run([sys.executable, WORKER], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]
    return json.loads(run.stdout)


@pytest.mark.parametrize("name", CASES)
def test_two_devices_end_with_the_weights_and_the_history_of_one(name, results):
    """By gradient descent, which would show a gradient of another size, as Adam would not."""
    result = results[name]
    assert result["replicas"] == 2
    assert result["loss"] > 1e-5
    assert result["weights"] < 1e-12
    # Keras keeps the means of its own losses and metrics in float32.
    assert result["history"] < (1e-12 if "RNN" not in name else 1e-6)


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
def test_what_several_devices_cannot_do_says_so(name, message, results):
    assert message in results[name]
    assert set(REFUSED) <= set(results)


def test_least_squares_is_refused_under_a_strategy_only(results):
    assert results["no strategy"] == "no error"
