"""The zoo: every entry by name, and how it is trained."""

import contextlib
import inspect

from oscillator_zoo.data.checks import did_you_mean, positive_integer
from oscillator_zoo.data.files import make_folder
from oscillator_zoo.models import chief_path

from ..results.pictures import save_pictures
from ..results.resumable_run import run_recipe
from ..results.run import Run
from ..results.workers import training_strategy
from .forecast_recipes import forecast_damped, forecast_driven
from .measured_duffing import duffing_measured
from .measured_elman import elman_measured
from .one_step_recipes import conv_window, dense_window, elman_harmonic
from .pinn_recipes import (
    pinn_coupled,
    pinn_damped,
    pinn_damped_family,
    pinn_damped_learned,
    pinn_decay,
    pinn_driven,
    pinn_driven_learned,
    pinn_duffing,
    pinn_harmonic,
    pinn_harmonic_learned,
    pinn_pendulum,
    pinn_pendulum_learned,
    pinn_resonance,
    pinn_step,
    pinn_van_der_pol,
)
from .response_recipes import elman_driven, euler_damped, jordan_driven

RECIPES = {
    "elman-harmonic": elman_harmonic,
    "dense-window": dense_window,
    "conv-window": conv_window,
    "forecast-damped": forecast_damped,
    "forecast-driven": forecast_driven,
    "elman-driven": elman_driven,
    "jordan-driven": jordan_driven,
    "euler-damped": euler_damped,
    "elman-measured": elman_measured,
    "duffing-measured": duffing_measured,
    "pinn-decay": pinn_decay,
    "pinn-harmonic": pinn_harmonic,
    "pinn-damped": pinn_damped,
    "pinn-driven": pinn_driven,
    "pinn-resonance": pinn_resonance,
    "pinn-step": pinn_step,
    "pinn-duffing": pinn_duffing,
    "pinn-van-der-pol": pinn_van_der_pol,
    "pinn-pendulum": pinn_pendulum,
    "pinn-coupled": pinn_coupled,
    "pinn-damped-family": pinn_damped_family,
    "pinn-harmonic-learned": pinn_harmonic_learned,
    "pinn-damped-learned": pinn_damped_learned,
    "pinn-driven-learned": pinn_driven_learned,
    "pinn-pendulum-learned": pinn_pendulum_learned,
}


def recipes():
    """The zoo's entries: a dictionary of name → function.

    Each function is short enough to copy: it makes the data and the model, compiles and fits.
    It takes `epochs`, `seed` and `callbacks` and returns a `Run`.

    Example:
    >>> list(recipes())[:3]
    ['elman-harmonic', 'dense-window', 'conv-window']
    """
    return dict(RECIPES)


def train(name, output_dir, epochs=None, seed=0, resume=False, **options):
    """Train an entry of the zoo and write what came of it into a folder.

    The folder gets `model.keras` (to go on training), `run.json`, `test.npz` where there are test
    data, and pictures. `keras.utils.set_random_seed(seed)` is called first.

    While it trains, the folder also has a `backup`, written every two seconds at the end of an
    epoch. A training that was killed goes on there with `resume=True` and ends with the same
    weights and history, bit for bit on one machine. Ctrl-C ends it after the current step: the
    folder then gets everything as it is, and keeps the backup (a second Ctrl-C stops at once). A
    loss that becomes NaN ends it with the last good weights, and a warning.

    On several machines, call it in each with the environment variable `TF_CONFIG` of
    `several_machines`: they share each batch, and the first of them, the chief, writes. A folder
    that all of them see lets a training go on after one was lost: start all of them again, with
    `resume=True`. Recipes that end in least squares stay on one machine, and say so.

    Args:
        name: one of `recipes()`.
        output_dir: folder to write to; it is made if it does not exist.
        epochs: an integer ≥ 1; None for the recipe's own.
        seed: an integer ≥ 0 that fixes data and initial weights.
        resume: whether to go on with the backup of a training that was broken off; without one
            training starts from the beginning, and says so. False removes an old backup.
        **options: further arguments of the recipe: `data` (path of a CSV file) and
            `sampling_rate` (in Hz, for a file without times) of "elman-measured" and
            "duffing-measured"; `truncation` of "elman-driven", which is then trained by gradients
            through so many steps.

    Returns:
        Tuple (run, evaluation): the `Run` and its errors, which print as a table.

    Raises:
        ValueError: for an unknown name or option, a folder that cannot be written to, or a backup
            that another recipe, seed, number of epochs, option or version has made; for a
            `TF_CONFIG` that is none.
        ConnectionError: if another worker is lost.

    Example:
    >>> run, errors = train("pinn-decay", "runs/pinn-decay", epochs=2)  # doctest: +SKIP
    """
    recipe = find_recipe(name)
    options = check_options(name, recipe, epochs, options)
    seed = check_seed(seed)
    strategy = training_strategy()
    folder = make_folder(output_dir)
    try:
        run, backup = run_recipe(name, recipe, folder, seed, resume, options, strategy)
    except BaseException:
        with contextlib.suppress(OSError):  # a folder that holds something stays
            folder.rmdir()
        raise
    folder = make_folder(chief_path(folder, strategy))
    run.save(folder)
    if strategy is not None:  # a model made under it computes with all workers, forecasts too
        run = Run.load(folder)
    evaluation = run.evaluate()
    save_pictures(run, evaluation, folder)
    if not backup.interrupted_by:
        backup.remove()
    return run, evaluation


def check_seed(seed):
    """The seed as an integer that NumPy, Python and TensorFlow all take."""
    seed = positive_integer("seed", seed, at_least=0)
    if seed >= 2**32:
        raise ValueError(f"seed must be below 2**32. Received: {seed}. Pass a smaller one.")
    return seed


def find_recipe(name):
    """The function of an entry; raises and suggests the nearest name otherwise."""
    if name not in RECIPES:
        raise ValueError(
            f"The zoo has {', '.join(RECIPES)}. Received: {name!r}.{did_you_mean(name, RECIPES)}"
        )
    return RECIPES[name]


def check_options(name, recipe, epochs, options):
    """The recipe's keyword arguments, complete and known."""
    if epochs is not None:
        options = {**options, "epochs": positive_integer("epochs", epochs)}
    if options.get("truncation") is not None:
        positive_integer("truncation", options["truncation"])
    parameters = dict(inspect.signature(recipe).parameters)
    own = [p for p in parameters if p not in ("epochs", "seed", "callbacks")]
    for option in options:
        if option != "epochs" and option not in own:
            raise ValueError(
                f"The recipe {name!r} takes {', '.join(own) or 'no further options'}. "
                f"Received: {option!r}.{did_you_mean(option, own)}"
            )
    for option in own:
        if parameters[option].default is inspect.Parameter.empty and options.get(option) is None:
            raise ValueError(
                f"The recipe {name!r} needs {option}. Received none. Pass {option}=… "
                f"(on the command line --{option.replace('_', '-')})."
            )
    return options
