"""Misspelt arguments of a constructor: what was meant."""

import functools
import inspect
import re

from .checks import did_you_mean


class UnknownArgumentError(TypeError, ValueError):
    """An argument that a constructor does not have: a TypeError to Python, a ValueError here."""


def explain_unknown_arguments(*classes):
    """Let constructors name what was meant when they refuse an argument that they do not have.

    What they accept stays as it is, and so does their visible signature.

    Args:
        *classes: changed in place, and their bases in the same distribution too.
    """
    for cls in classes:
        own = cls.__module__.partition(".")[0]
        for base in cls.__mro__:
            init = vars(base).get("__init__")
            if init is None or base.__module__.partition(".")[0] != own:
                continue
            if not hasattr(init, "__wrapped__"):
                base.__init__ = _explaining(init)


def _explaining(init):
    @functools.wraps(init)
    def explaining(self, *args, **kwargs):
        if type(self).__init__ is not explaining:  # a subclass passes its own arguments on
            init(self, *args, **kwargs)
            return
        try:
            init(self, *args, **kwargs)
        except UnknownArgumentError:
            raise
        except (TypeError, ValueError) as error:
            known = argument_names(type(self))
            unknown = [name for name in kwargs if name not in known]
            words = re.findall(r"\w+", str(error))
            named = [name for name in unknown if name in words]
            if "required positional argument" in str(error):
                named = named or unknown
            if not named:
                raise
            raise UnknownArgumentError(
                f"{type(self).__name__} has the arguments {', '.join(known)}. "
                f"Received: {named[0]!r}.{did_you_mean(named[0], known)}"
            ) from None

    explaining.__signature__ = inspect.signature(init)  # Keras reads it without unwrapping
    return explaining


def argument_names(cls):
    """Arguments of a constructor, with the base classes' where `**kwargs` stands for them."""
    names = {}
    for base in cls.__mro__:
        if "__init__" not in vars(base) or base is object:
            continue
        parameters = list(inspect.signature(base.__init__).parameters.values())[1:]
        names |= {
            p.name: None for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
        }
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return tuple(names)
