"""Callbacks that make a forecast harder from epoch to epoch."""

import keras

from oscillator_zoo.models import ForecastModel


class _Schedule(keras.callbacks.Callback):
    """Sets one attribute of a `ForecastModel` at the beginning of every epoch."""

    attribute = None

    def __init__(self, schedule):
        super().__init__()
        if not callable(schedule):
            raise ValueError(
                f"schedule must be a function of the epoch, 0, 1, …, that returns {self.attribute}."
                f" Received: {schedule!r}. For one value throughout, set model.{self.attribute}."
            )
        self.schedule = schedule

    def on_train_begin(self, logs=None):
        if not isinstance(self.model, ForecastModel):
            raise ValueError(
                f"{type(self).__name__} sets the {self.attribute} of a ForecastModel. Received: "
                f"{type(self.model).__name__}. Wrap it: ForecastModel(model, warm_up)."
            )

    def on_epoch_begin(self, epoch, logs=None):
        setattr(self.model, self.attribute, self.schedule(epoch))

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            value = getattr(self.model, self.attribute)
            logs[self.attribute] = float("inf") if value is None else value


class HorizonSchedule(_Schedule):
    """Sets `horizon` of a `ForecastModel` at the beginning of every epoch: short forecasts first.

    The loss of different horizons is not the same quantity, so it may rise where the horizon does;
    the validation loss is always that of the whole forecast. `history` shows the horizon, inf for
    the whole forecast.

    Args:
        schedule: function of the epoch, 0, 1, …, that returns the number of steps or None.

    Raises:
        ValueError: if `schedule` is not a function, or at the start of `fit` of another model.

    Example:
    >>> grows = HorizonSchedule(lambda epoch: min(2**epoch, 300))
    >>> [grows.schedule(epoch) for epoch in (0, 1, 2, 9)]
    [1, 2, 4, 300]
    """

    attribute = "horizon"


class TeacherForcingSchedule(_Schedule):
    """Sets `teacher_forcing` of a `ForecastModel` at the beginning of every epoch: much, then none.

    Args:
        schedule: function of the epoch, 0, 1, …, that returns the probability, from 0 to 1.

    Raises:
        ValueError: if `schedule` is not a function, or at the start of `fit` of another model.

    Example:
    >>> fades = TeacherForcingSchedule(lambda epoch: max(0.0, 1.0 - epoch / 20))
    >>> fades.schedule(0), fades.schedule(10), fades.schedule(30)
    (1.0, 0.5, 0.0)

    Reference:
        S. Bengio et al., Scheduled sampling for sequence prediction with recurrent neural
        networks, NeurIPS 28 (2015).
    """

    attribute = "teacher_forcing"
