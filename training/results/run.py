"""What a recipe hands back, and the folder in which it is kept."""

import dataclasses
import pathlib

import keras

from oscillator_zoo.data import Trajectory
from oscillator_zoo.models import PINN, load_model
from oscillator_zoo.models.base_model.precise_model import PreciseModel
from oscillator_zoo.models.saving.model_file import write_model

from ..evaluation.families import evaluate_family
from ..evaluation.forecasts import evaluate_forecast
from ..evaluation.responses import evaluate_response
from ..evaluation.solutions import evaluate_solution
from .run_file import read_description, write_description

TRAJECTORIES = ("test", "training")


@dataclasses.dataclass(frozen=True)
class Run:
    """A trained model with what is needed to judge it.

    | task         | the model                                    | judged by           |
    |--------------|----------------------------------------------|---------------------|
    | `"forecast"` | predicts the next state from those before it | `evaluate_forecast` |
    | `"response"` | makes the motion of the force                | `evaluate_response` |
    | `"solution"` | is a `PINN`                                  | `evaluate_solution` |
    |              | … with `parameter_ranges`                    | `evaluate_family`   |

    Args:
        model: the trained `keras.Model`.
        task: one of the three.
        history: dictionary of metric → list of its values by epoch.
        test: `Trajectory` that training never saw; None for a solution, which is compared with
            the equation's own.
        warm_up: number of samples at the start of `test` that set the model's state and are not
            scored.
        training: `Trajectory` that the linear autoregression is fitted to; None fits it to the
            warm-up of each test trajectory.
        notes: sentences about the result, a tuple of texts.
        facts: dictionary of what a reader of the folder wants to know: name of the recipe, seed,
            epochs, seconds.
    """

    model: keras.Model
    task: str
    history: dict
    test: Trajectory | None = None
    warm_up: int = 1
    training: Trajectory | None = None
    notes: tuple = ()
    facts: dict = dataclasses.field(default_factory=dict)

    def evaluate(self):
        """Errors of the model next to those of baselines, which print as a table."""
        if self.task == "solution":
            is_family = self.model.parameter_ranges is not None
            return evaluate_family(self.model) if is_family else evaluate_solution(self.model)
        if self.test is None:
            raise ValueError(
                "A model other than a PINN is judged on test data. Received a run without any. "
                "Pass test=…, or train the recipe again."
            )
        judge = evaluate_forecast if self.task == "forecast" else evaluate_response
        return judge(self.model, self.test, self.warm_up, training=self.training)

    def save(self, folder):
        """Write `model.keras`, `run.json` and the trajectories, each whole or not at all."""
        folder = pathlib.Path(folder)
        files = [folder / "model.keras"]
        if isinstance(self.model, PreciseModel):
            self.model.save(files[0])
        else:  # Keras would write straight to the name
            write_model(self.model.save, files[0])
        for name in TRAJECTORIES:
            if getattr(self, name) is not None:
                files.append(folder / f"{name}.npz")
                getattr(self, name).save(files[-1])
        content = {
            "task": self.task,
            "warm_up": self.warm_up,
            "notes": list(self.notes),
            **self.facts,
            "history": {name: [float(v) for v in values] for name, values in self.history.items()},
        }
        write_description(folder / "run.json", content, files)

    @classmethod
    def load(cls, path):
        """Read a run from its folder, or a solution from a `.keras` file alone.

        Args:
            path: folder that `save` wrote to, or a `.keras` file, inside such a folder or not.

        Raises:
            FileNotFoundError: if there is no such file or folder.
            ValueError: for anything that is not a saved run, and for a `.keras` file of another
                model than a `PINN` that has no `run.json` beside it.
        """
        path = pathlib.Path(path)
        folder, file = (path, path / "model.keras") if path.is_dir() else (path.parent, path)
        for needed in (path, file):
            if not needed.exists():
                raise FileNotFoundError(
                    f"Expected a folder written by `oscillator-zoo train`, or a .keras file. "
                    f"There is no {needed}. Check the path."
                )
        model = load_model(file)
        description = folder / "run.json"
        if not description.exists() or (path.is_file() and path.name != "model.keras"):
            return _lone_solution(model, file)
        content = read_description(description)
        needs_test = content["task"] != "solution"
        if needs_test and not (folder / "test.npz").exists():
            raise FileNotFoundError(
                f"A run is judged on its test data. There is no {folder / 'test.npz'}. Train again."
            )
        if not needs_test and not isinstance(model, PINN):
            raise ValueError(
                f"The model of a solution is a PINN. Received a {type(model).__name__} in {file}. "
                "Train again."
            )
        files = {name: folder / f"{name}.npz" for name in TRAJECTORIES}
        return cls(
            model=model,
            task=content.pop("task"),
            history=content.pop("history"),
            warm_up=content.pop("warm_up"),
            **{name: Trajectory.load(path) for name, path in files.items() if path.exists()},
            notes=tuple(content.pop("notes")),
            facts=content,
        )


def _lone_solution(model, file):
    if not isinstance(model, PINN):
        raise ValueError(
            "A model other than a PINN is judged on the test data in its run folder. "
            f"Received {file} without run.json beside it. Pass the folder that "
            "`oscillator-zoo train` wrote."
        )
    return Run(model, "solution", history={})
