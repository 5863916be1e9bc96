"""Marks for parametrised tests."""

import pytest


def slow_but_for(values, *quick):
    """The values as parameters of a test, all but a few of them marked as slow.

    A tuple holds one value for each of several names.
    """
    return [
        pytest.param(
            *(value if isinstance(value, tuple) else (value,)),
            marks=() if value in quick else pytest.mark.slow,
        )
        for value in values
    ]
