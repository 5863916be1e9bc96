"""What least-squares steps cannot take into account, said aloud."""


def check_limits(model):
    """Raise for a model with weights that are held, or with penalties beside the residuals.

    Args:
        model: `LeastSquaresModel` that `LevenbergMarquardt` is about to train.

    Raises:
        ValueError: for weights among its unknowns that are not trainable, or penalties of layers.
    """
    moved = [*model.readout_variables, *model.other_variables]
    frozen = [variable.path for variable in moved if not variable.trainable]
    if frozen:
        raise ValueError(
            f"LevenbergMarquardt moves all weights of a {type(model).__name__}. Received frozen "
            f"ones: {', '.join(frozen)}. Set trainable=True, or train with another optimizer."
        )
    if model.losses:
        raise ValueError(
            "LevenbergMarquardt makes the squares of residuals small and nothing else. Received a "
            "model with penalties (kernel_regularizer, activity_regularizer, …). Leave them out, "
            "or train with another optimizer."
        )


def check_compiled(model, method):
    """Raise unless a model has been compiled, before anything else asks for its optimizer."""
    if getattr(model, "optimizer", None) is None:
        raise ValueError(
            f"Call compile() before {method}(). Received: a {type(model).__name__} without an "
            f"optimizer. Write model.compile(LevenbergMarquardt()) first, then model.{method}(…)."
        )
