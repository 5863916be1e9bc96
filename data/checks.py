"""Checks of what users pass in: each raises a `ValueError` that says what to do."""

import difflib
import numbers
import operator

import numpy as np

TENSOR_LIBRARIES = {"tensorflow", "keras", "jax", "jaxlib", "torch"}


def is_tensor(value):
    """Whether `value` belongs to a Keras backend: tensors are taken as they are, unchecked."""
    return hasattr(value, "dtype") and any(
        base.__module__.partition(".")[0] in TENSOR_LIBRARIES for base in type(value).__mro__
    )


def read_only(array):
    """A view of an array, which a user's function cannot write to."""
    view = array.view()
    view.flags.writeable = False
    return view


def real_value(name, value, unit, at_least=None, above=None, arrays=True, beyond=""):
    """A finite float, or a float64 array where an array was given.

    Args:
        name: the argument's name, for the message.
        value: number, array or tensor; a tensor is returned unchanged.
        unit: the physical unit, for the message.
        at_least: smallest value allowed.
        above: value that must be exceeded.
        arrays: whether the message offers arrays; callers that take none refuse them themselves.
        beyond: what to use, for the message, where a value out of bounds is meant.

    Returns:
        A Python float for a number, an `ndarray` of float64 for an array.

    Raises:
        ValueError: if the value is not real, not finite, or out of bounds.
    """
    if is_tensor(value):
        return value
    kinds = "number (or an array of them)" if arrays else "number"
    wanted = f"{name} must be a finite real {kinds} in {unit}"
    try:
        array = np.array(value)
        if array.dtype.kind not in "iuf":
            raise TypeError
        with np.errstate(over="ignore"):
            array = array.astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{wanted}. Received: {value!r}. Pass numbers.") from None
    if array.size == 0:
        raise ValueError(f"{wanted}. Received an empty array of shape {array.shape}. Pass numbers.")
    bad = ~np.isfinite(array)
    if bad.any():
        raise ValueError(
            f"{wanted}. Received {array[bad].flat[0]} in {brief(value)}. Remove NaN and inf first."
        )
    for bound, wrong, sign in ((at_least, np.less, ">="), (above, np.less_equal, ">")):
        if bound is not None and wrong(array, bound).any():
            raise ValueError(
                f"{name} must be {sign} {bound:g} {unit}. Received: {brief(value)}. "
                f"Pass a value {sign} {bound:g}.{beyond and ' ' + beyond}"
            )
    return float(array) if array.ndim == 0 else array


def one_number(name, value, unit, cure="Pass a float.", **bounds):
    """A finite float, as `real_value`, where an array makes no sense.

    Args:
        name: the argument's name, for the message.
        value: what was given.
        unit: the physical unit, for the message.
        cure: what to do about an array, for the message.
        **bounds: `at_least` or `above`.
    """
    number = real_value(name, value, unit, arrays=False, **bounds)
    if not isinstance(number, float):
        raise ValueError(f"{name} must be one number in {unit}. Received: {brief(value)}. {cure}")
    return number


def one_of(name, value, choices, cure=""):
    """The value, if it is one of the choices; else a `ValueError` that names the nearest."""
    if isinstance(value, str) and value in choices:
        return value
    hint = did_you_mean(value, choices) + (f" {cure}" if cure else "")
    raise ValueError(f"{name} must be one of {', '.join(choices)}. Received: {value!r}.{hint}")


def did_you_mean(name, choices):
    """' Did you mean …?' for the nearest of `choices`, or an empty string."""
    near = difflib.get_close_matches(
        str(name), [str(choice) for choice in choices], n=1, cutoff=0.5
    )
    return f" Did you mean {near[0]!r}?" if near else ""


def positive_integer(name, value, at_least=1):
    """An int of at least `at_least`; numbers such as 10.0 are not integers."""
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        cure = f" Pass an integer such as {max(at_least, 1)}."
        if isinstance(value, numbers.Real) and float(value).is_integer():
            cure = f" Write {name}={int(value)}."
        raise ValueError(
            f"{name} must be an integer of at least {at_least}. Received: {value!r}.{cure}"
        ) from None
    if number < at_least:
        raise ValueError(
            f"{name} must be an integer of at least {at_least}. Received: {number}. "
            f"Pass {at_least} or more."
        )
    return number


def brief(value):
    """The value as a message shows it: short arrays whole, long ones by their shape and range."""
    array = np.asarray(value)
    if array.size <= 6:
        return repr(value)
    return f"array of shape {array.shape} from {array.min():g} to {array.max():g}"
