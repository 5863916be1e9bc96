"""Marks for parametrised tests."""

import pytest


def slow_but_for(values, *quick):
    """The values as parameters of a test, all but a few of them marked as slow."""
    return [pytest.param(v, marks=() if v in quick else pytest.mark.slow) for v in values]
