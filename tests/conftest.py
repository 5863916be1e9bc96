"""What every test starts from."""

import gc
import os

import keras
import pytest

os.environ.setdefault("MPLBACKEND", "Agg")  # pictures go to files, on a desktop too

# TensorFlow's graphs are many small objects that stay: looking them through often takes seconds.
gc.set_threshold(10_000, 10, 10)


@pytest.fixture(autouse=True)
def same_weights():
    """The same random weights in every run, whichever tests ran before in the same process."""
    keras.utils.set_random_seed(0)
