"""What every test starts from."""

import keras
import pytest


@pytest.fixture(autouse=True)
def same_weights():
    """The same random weights in every run, whichever tests ran before in the same process."""
    keras.utils.set_random_seed(0)
