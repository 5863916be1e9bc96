"""Keras models that learn and solve oscillators, written to be read as a course.

The package itself: its version, and the command `oscillator-zoo`. Both answer before TensorFlow is
imported. What there is to import lies in `oscillator_zoo.data`, `oscillator_zoo.models` and
`oscillator_zoo.training`, which setup.cfg maps to folders of the checkout.
"""

from importlib.metadata import version

__version__ = version("oscillator-zoo")
