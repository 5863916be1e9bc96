"""Marks for parametrised tests."""

import pytest


def further_but_for(values, *chosen, marks=()):
    """The values as parameters of a test, all but the chosen ones marked as further cases.

    A tuple holds one value for each of several names. The marks are those of the chosen ones.
    """
    return [
        pytest.param(
            *(value if isinstance(value, tuple) else (value,)),
            marks=marks if value in chosen else pytest.mark.further,
        )
        for value in values
    ]
