"""The table of the presets that come with the package."""

import collections.abc

from oscillator_zoo.data.checks import did_you_mean

from .card import TASKS, read_card
from .preset import PRESETS, preset_names

HEADINGS = ("name", "class", "problem", "weights", "error", "of", "training (s)")


class PresetTable(collections.abc.Mapping):
    """Cards of presets by name, which print as a table.

    Args:
        cards: dictionary of name → card.
    """

    def __init__(self, cards):
        self._cards = dict(cards)

    def __getitem__(self, name):
        if name not in self._cards:
            raise KeyError(f"no preset {name!r}.{did_you_mean(name, self._cards)}")
        return self._cards[name]

    def __contains__(self, name):
        return name in self._cards

    def __iter__(self):
        return iter(self._cards)

    def __len__(self):
        return len(self._cards)

    def rows(self):
        """Texts of the table, a tuple for each preset, in the order of `HEADINGS`."""
        return [_row(card) for card in self._cards.values()]

    def markdown(self):
        """The table as Markdown."""
        rows = [HEADINGS, ("---",) * len(HEADINGS), *self.rows()]
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)

    def __str__(self):
        rows = [HEADINGS, *self.rows()]
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = ("  ".join(text.ljust(w) for text, w in zip(row, widths)) for row in rows)
        return "\n".join(line.rstrip() for line in lines)

    __repr__ = __str__


def available_presets():
    """The trained models that come with the package: a table, and a mapping of name → card.

    Returns:
        `PresetTable`. Its columns are the name, the class, the problem, the number of weights, the
        error (of what kind the next column says), and the seconds that training took.

    Raises:
        ValueError: if a card is damaged.

    Example:
    >>> presets = available_presets()
    >>> presets["pinn-decay"]["class"]
    'PINN'
    """
    return PresetTable({name: read_card(PRESETS / name / "card.json") for name in preset_names()})


def shown_error(card):
    """The error of a card's table, with two digits, or a dash."""
    value = card["errors"].get(TASKS[card["task"]][0])
    return "–" if value is None else f"{value:.1e}" if value < 1e-3 else f"{value:.2g}"


def _row(card):
    seconds = card["training"].get("seconds")
    return (
        card["name"],
        card["class"],
        _problem(card["problem"]),
        str(card["num_weights"]),
        shown_error(card),
        TASKS[card["task"]][1],
        "–" if seconds is None else f"{seconds:.1f}",
    )


def _problem(problem):
    """The classes of a problem and of its force."""
    if problem is None:
        return "measured"
    force = problem.get("force")
    return problem["class"] + (f", {force.get('class')}" if isinstance(force, dict) else "")
