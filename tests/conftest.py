"""What every test starts from."""

import gc
import os

import pytest

os.environ.setdefault("MPLBACKEND", "Agg")  # pictures go to files, on a desktop too


def pytest_collection_finish():
    """TensorFlow's many small objects stay: looking them through often takes seconds."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 20)


@pytest.fixture(autouse=True)
def same_weights():
    """The same random weights in every run, whichever tests ran before in the same process."""
    import keras  # not above: the process that hands tests to the others need not wait for it

    keras.utils.set_random_seed(0)
