"""A preset that is used outside what it was trained for says so."""

import warnings

import numpy as np

SLACK = 0.1  # of the width of a range: that a motion of the same kind may exceed it by


def warn_outside(model, time_step=None, **values):
    """Warn of data unlike those that a preset was trained on; other models pass.

    Args:
        model: any model; one of `from_preset` has a `card`.
        time_step: of the data, in s; None where it is not known.
        **values: arrays by the name of the range in the card, "position", "velocity" or "force".

    Warns:
        UserWarning: naming what was received and what the model was trained for.
    """
    card = getattr(model, "card", None)
    if card is None:
        return
    trained_for, received = card["trained_for"], []
    trained_step = trained_for.get("time_step")
    if time_step and trained_step and abs(time_step / trained_step - 1.0) > 1e-6:
        received.append(f"a time step of {time_step:g} s")
    for name, array in values.items():
        if name in trained_for and np.size(array):
            low, high = trained_for[name]
            slack, lowest, highest = SLACK * (high - low), np.min(array), np.max(array)
            if lowest < low - slack or highest > high + slack:
                received.append(f"{name} from {lowest:.3g} to {highest:.3g}")
    if received:
        warnings.warn(
            f"The preset {card['name']!r} was trained for {_words(trained_for)}. Received "
            f"{', '.join(received)}. What it answers there is a guess: train it on such data.",
            stacklevel=3,
        )


def _words(trained_for):
    words = []
    for name, value in trained_for.items():
        is_range = isinstance(value, list)
        shown = f"from {value[0]:.3g} to {value[1]:.3g}" if is_range else f"= {value:.6g}"
        words.append(f"{name} {shown}")
    return ", ".join(words)
