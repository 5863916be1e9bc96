"""The examples of every docstring, run over the installed modules."""

import doctest
import importlib
import pkgutil

import pytest

PACKAGES = ["oscillator_zoo.data", "oscillator_zoo.models", "oscillator_zoo.training"]


def modules():
    for package in PACKAGES:
        yield package
        path = importlib.import_module(package).__path__
        yield from (found.name for found in pkgutil.walk_packages(path, f"{package}."))


@pytest.mark.parametrize("name", list(modules()))
def test_examples_of_docstrings_run(name):
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert failed == 0
