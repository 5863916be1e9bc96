import base64
import io
import itertools
import sys
import types

import keras
import matplotlib
import numpy as np
import pytest

from oscillator_zoo.data import DampedOscillator, Decay, Step
from oscillator_zoo.models import PINN
from oscillator_zoo.training import Progress, ResidualTolerance, SolutionPlot
from oscillator_zoo.training.callbacks import progress as progress_module
from oscillator_zoo.training.evaluation import fine_grid
from oscillator_zoo.training.evaluation.fine_grid import equidistant_times, fine_times

matplotlib.use("Agg")
NUM_POINTS = 11


class BumpyPINN(PINN):
    """A PINN whose residual is zero at 11 training points and `level` half-way between them."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.level = self.add_weight((), initializer="ones", trainable=False, dtype="float64")

    def residual(self, t):
        spacing = self.duration / (NUM_POINTS - 1)
        return self.level * keras.ops.sin(np.pi * keras.ops.cast(t, "float64") / spacing) ** 2


def pinn_for(problem=None, duration=2.0, kind=PINN, **arguments):
    pinn = kind(problem or DampedOscillator(), duration, hidden_units=(4,), seed=1, **arguments)
    pinn.compile(keras.optimizers.Adam(1e-6), run_eagerly=True)  # a trace takes longer than 5 steps
    return pinn


def fit(pinn, callback_list, epochs=3):
    points = pinn.collocation_points(NUM_POINTS, steps_per_epoch=1)
    return pinn.fit(points, epochs=epochs, callbacks=callback_list, verbose=0)


def halving(pinn):
    """The residual's level after epoch n (from 1) is 2⁻ⁿ."""
    return keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: pinn.level.assign(0.5 ** (epoch + 1))
    )


def test_fine_grid_has_nine_times_between_neighbouring_training_points():
    pinn = pinn_for(DampedOscillator(start_time=3.0), duration=2.0)
    grid = fine_times(pinn, num_points=5)
    inside = (grid > 3.0 + 1e-9) & (grid < 3.5 - 1e-9)  # the first two training points
    assert inside.sum() == 9
    assert grid[0] == 3.0 and grid[-1] == 5.0


def test_fine_grid_is_ten_times_finer_than_the_default_collocation_points():
    pinn = pinn_for()
    batch = next(iter(pinn.collocation_points()))
    assert len(fine_times(pinn)) - 1 == 10 * (len(batch) - 1)


def test_fine_grid_of_several_windows_cuts_the_gaps_between_edges_and_training_points_into_ten():
    edges = [3.0, 3.2, 5.0]
    pinn = PINN(DampedOscillator(start_time=3.0), 2.0, hidden_units=(4,), window_edges=edges)
    points = np.concatenate([edges, next(iter(pinn.collocation_points(12)))[:, 0]])
    grid = fine_times(pinn, num_points=12)
    assert grid[0] == 3.0 and grid[-1] == 5.0
    assert np.abs(grid[:, None] - points).min(axis=0).max() < 1e-14  # rounding of the cutting
    for low, high in itertools.pairwise(np.sort(points)):
        inside = grid[(grid > low) & (grid < high)]
        longest = np.diff(inside, prepend=low, append=high).max()
        assert longest < (1.0 + 1e-9) * (high - low) / 10.0


def test_fine_grid_follows_the_models_own_number_of_training_points():
    pinn = PINN(DampedOscillator(), 8.0)
    num = len(next(iter(pinn.collocation_points())))
    assert pinn.num_windows > 1
    np.testing.assert_array_equal(fine_times(pinn), fine_times(pinn, num))
    assert len(fine_times(pinn)) > 10 * num
    assert np.isin(equidistant_times(pinn), fine_times(pinn)).all()


@pytest.mark.parametrize(("most", "parts"), [(300, 5), (1, 2)])
def test_fine_grid_of_very_many_points_has_fewer_between_them(monkeypatch, most, parts):
    monkeypatch.setattr(fine_grid, "MOST_TIMES", most)
    assert len(fine_times(pinn_for(), num_points=60)) == parts * 59 + 1


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_fine_grid_sees_both_sides_of_a_jump_in_the_dtype_of_the_model(dtype):
    force = Step(2.0, time=1.2345)
    pinn = pinn_for(DampedOscillator(force=force), dtype=dtype)
    near = fine_times(pinn, 11)
    near = near[np.abs(near - 1.2345) < 1e-5].astype(dtype)
    assert len(set(near)) == 3 and np.dtype(dtype).type(1.2345) in near
    assert set(force(near)) == {0.0, 2.0}


def test_fine_grid_leaves_out_jumps_outside_the_interval():
    pinn = pinn_for(DampedOscillator(force=Step(2.0, time=9.0)), duration=2.0)
    assert len(fine_times(pinn, 11)) == 101


def test_tolerance_stops_in_the_first_epoch_in_which_the_residual_between_points_is_small():
    pinn = pinn_for(kind=BumpyPINN)
    tolerance = ResidualTolerance(0.1, NUM_POINTS, verbose=0)
    history = fit(pinn, [halving(pinn), tolerance], epochs=10)
    assert history.epoch[-1] + 1 == 4  # 2⁻⁴ = .0625 ≤ .1 < 2⁻³
    # level · sin² at the middle between two points, exact but for the rounding of sin
    np.testing.assert_allclose(
        history.history["fine_residual_max"], [0.5, 0.25, 0.125, 0.0625], rtol=1e-12
    )


def test_tolerance_that_is_never_met_lets_training_run():
    pinn = pinn_for(kind=BumpyPINN)
    tolerance = ResidualTolerance(1e-3, NUM_POINTS)
    assert len(fit(pinn, [tolerance]).epoch) == 3
    assert tolerance.stop_reason is None


def test_tolerance_equal_to_the_residual_is_met():
    pinn = pinn_for(kind=BumpyPINN)
    largest = float(np.abs(pinn.residual(fine_times(pinn, NUM_POINTS))).max())
    history = fit(pinn, [ResidualTolerance(largest, NUM_POINTS, verbose=0)])
    assert len(history.epoch) == 1


def test_exact_solution_stops_training_at_once():
    pinn = pinn_for(h1=lambda t: keras.ops.cos(t), h2=lambda t: 1e-12 * t**2)
    tolerance = ResidualTolerance(1e-6, NUM_POINTS, verbose=0)
    assert len(fit(pinn, [tolerance]).epoch) == 1


def test_smooth_network_never_meets_the_tolerance_across_a_jump():
    # exact for the force's value before the jump, so only the time from the jump on is wrong
    problem = DampedOscillator(force=Step(0.5, time=2.0))
    pinn = pinn_for(problem, duration=2.0, h1=lambda t: keras.ops.cos(t), h2=lambda t: 1e-12 * t**2)
    history = fit(pinn, [ResidualTolerance(1e-6, NUM_POINTS)])
    np.testing.assert_allclose(history.history["fine_residual_max"], 0.5, rtol=1e-6)


def test_every_second_epoch_is_checked_and_the_others_are_nan():
    pinn = pinn_for(kind=BumpyPINN)
    tolerance = ResidualTolerance(0.1, NUM_POINTS, every=2, verbose=0)
    values = fit(pinn, [halving(pinn), tolerance], epochs=9).history["fine_residual_max"]
    np.testing.assert_allclose(values, [np.nan, 0.25, np.nan, 0.0625], rtol=1e-12)


def test_stop_is_reported_in_one_line_with_units(capsys):
    pinn = pinn_for(kind=BumpyPINN)
    tolerance = ResidualTolerance(2.0, NUM_POINTS)
    fit(pinn, [tolerance])
    said = "The residual is at most 1 m/s² (tolerance 2 m/s²) at 101 times: stopped after epoch 1."
    assert capsys.readouterr().out == said + "\n"
    assert tolerance.stop_reason == said


def test_stop_reason_is_forgotten_when_training_goes_on():
    pinn = pinn_for(kind=BumpyPINN)
    tolerance = ResidualTolerance(0.6, NUM_POINTS, verbose=0)
    fit(pinn, [halving(pinn), tolerance])
    assert tolerance.stop_reason is not None
    pinn.level.assign(1.0)
    fit(pinn, [tolerance], epochs=1)
    assert tolerance.stop_reason is None


def test_residual_of_order_one_is_reported_in_metres_per_second(capsys):
    fit(pinn_for(Decay(rate=1.0)), [ResidualTolerance(1e9, NUM_POINTS)])
    assert "1e+09 m/s)" in capsys.readouterr().out


def test_residual_with_a_plain_force_is_that_of_the_model():
    pinn = pinn_for(DampedOscillator(force=lambda t: np.sin(3.0 * t)))
    history = fit(pinn, [ResidualTolerance(1e-9, NUM_POINTS)], epochs=1)
    expected = np.abs(pinn.residual(fine_times(pinn, NUM_POINTS))).max()
    np.testing.assert_allclose(history.history["fine_residual_max"], expected, rtol=1e-12)


def test_tolerance_of_another_model_raises():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"belong to a PINN\. Received a model of type Sequential"):
        model.fit(np.ones((2, 1)), np.ones((2, 1)), callbacks=[ResidualTolerance()], verbose=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tolerance": 0.0}, "tolerance must be > 0"),
        ({"num_points": 1}, "num_points must be an integer of at least 2"),
        ({"every": 0}, "every must be an integer of at least 1"),
    ],
)
def test_wrong_arguments_of_the_tolerance_raise(arguments, message):
    with pytest.raises(ValueError, match=message):
        ResidualTolerance(**arguments)


@pytest.mark.slow
def test_solution_plot_writes_one_picture_per_interval_and_the_last_one(tmp_path):
    folder = tmp_path / "new" / "pictures"
    fit(pinn_for(), [SolutionPlot(folder, every=2)], epochs=5)
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["epoch_00002.png", "epoch_00004.png", "epoch_00005.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in folder.iterdir())


def test_solution_plot_writes_one_file_over_and_over(tmp_path):
    fit(pinn_for(), [SolutionPlot(tmp_path / "solution.svg", every=1)], epochs=2)
    assert [path.name for path in tmp_path.iterdir()] == ["solution.svg"]


def test_solution_plot_draws_the_current_solution_on_a_live_axes():
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    pinn = pinn_for()
    plot = SolutionPlot(every=1, ax=ax)
    fit(pinn, [plot], epochs=2)
    exact, solution = ax.lines  # those of epoch 1 are gone
    np.testing.assert_allclose(exact.get_ydata(), np.cos(exact.get_xdata()), atol=1e-12)
    current = np.asarray(pinn.derivatives(solution.get_xdata())[0])[:, 0]
    np.testing.assert_array_equal(solution.get_ydata(), current)
    assert ax.get_title().startswith("Epoch 2. At most ")


def test_solution_plot_that_cannot_be_written_raises_before_training(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ValueError, match=r"that can be written to\. Received: .*file"):
        fit(pinn_for(), [SolutionPlot(tmp_path / "file" / "pictures")])


def test_picture_of_an_unknown_format_raises_before_training(tmp_path):
    with pytest.raises(ValueError, match=r"end in one of .*\.png, .*Received: .*solution\.xyz"):
        fit(pinn_for(), [SolutionPlot(tmp_path / "solution.xyz")])
    assert not list(tmp_path.iterdir())


class Terminal(io.StringIO):
    def isatty(self):
        return True


def run_progress(monkeypatch, stdout, epochs, seconds_per_epoch=1.0, stop_after=None):
    """What `Progress` writes for a fit whose epochs all take equally long."""
    clock = [0.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(sys, "stdout", stdout)
    progress = Progress()
    model = types.SimpleNamespace(stop_training=False)
    progress.set_params({"epochs": epochs})
    progress.set_model(model)
    progress.on_train_begin()
    for epoch in range(epochs):
        progress.on_epoch_begin(epoch)
        clock[0] += seconds_per_epoch
        progress.on_epoch_end(epoch, {"loss": 1.0 / (epoch + 1), "other": 3.0})
        if epoch + 1 == stop_after:
            break
    progress.on_train_end()
    return stdout.getvalue()


def test_progress_in_a_terminal_is_one_line_that_ends_once(monkeypatch):
    text = run_progress(monkeypatch, Terminal(), epochs=4)
    assert text.count("\n") == 1 and text.endswith("\n")
    shown = [line.rstrip() for line in text.split("\r")[1:]]
    assert shown[0] == "epoch 1/4 · loss 1.00e+00 · 0:03 left"
    assert shown[2] == "epoch 3/4 · loss 3.33e-01 · 0:01 left"
    assert shown[3] == "epoch 4/4 · loss 2.50e-01 · 0:04 in all"


def test_progress_line_is_at_least_as_long_as_the_one_it_replaces(monkeypatch):
    text = run_progress(monkeypatch, Terminal(), epochs=12, seconds_per_epoch=4000.0)
    lengths = [len(line.rstrip("\n")) for line in text.split("\r")[1:]]
    visible = [len(line.rstrip()) for line in text.split("\r")[1:]]
    assert all(now >= before for now, before in zip(lengths[1:], visible[:-1]))


def test_progress_writes_at_most_five_times_a_second(monkeypatch):
    text = run_progress(monkeypatch, Terminal(), epochs=1000, seconds_per_epoch=0.01)
    assert text.count("\r") <= 51  # 10 s of training, and the last line


def test_progress_in_a_file_is_about_ten_lines(monkeypatch):
    text = run_progress(monkeypatch, io.StringIO(), epochs=1000)
    assert "\r" not in text and text.count("\n") == 10


def test_progress_closes_its_line_when_training_stops_early(monkeypatch):
    text = run_progress(monkeypatch, Terminal(), epochs=100, stop_after=3)
    assert text.endswith("epoch 3/100 · loss 3.33e-01 · 0:03 in all\n")


def notebook(monkeypatch):
    """Stands for a notebook: a list of what it shows, and the stream that programs print to."""
    shown = []

    class Handle:
        def update(self, content, raw):
            shown.append(("update", content))

    def display(content, display_id, raw):
        shown.append(("display", content))
        return Handle()

    module = types.ModuleType("IPython.display")
    module.display = display
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    if "IPython" not in sys.modules:
        monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    stream = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})()
    return shown, stream


def test_progress_in_a_notebook_replaces_one_output(monkeypatch):
    shown, stream = notebook(monkeypatch)
    assert run_progress(monkeypatch, stream, epochs=3) == ""
    assert [kind for kind, _ in shown] == ["display", "update", "update"]
    assert shown[-1][1] == {"text/plain": "epoch 3/3 · loss 3.33e-01 · 0:03 in all"}


def test_solution_plot_in_a_notebook_replaces_one_picture(monkeypatch):
    shown, stream = notebook(monkeypatch)
    monkeypatch.setattr(sys, "stdout", stream)
    fit(pinn_for(), [SolutionPlot(every=2)], epochs=3)
    assert [kind for kind, _ in shown] == ["display", "update"]
    assert all(base64.b64decode(c["image/png"]).startswith(b"\x89PNG") for _, c in shown)


@pytest.mark.parametrize("order", [1, -1])
def test_progress_and_tolerance_in_either_order_keep_their_lines_apart(monkeypatch, order):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    fit(pinn_for(kind=BumpyPINN), [Progress(), ResidualTolerance(2.0, NUM_POINTS)][::order])
    *progress, said = terminal.getvalue().splitlines()
    assert progress[-1].startswith("epoch 1/3 · loss ") and said.startswith("The residual is")
