"""Trajectories, the files they are kept in, and what is refused."""

import copy
import dataclasses
import json
import pickle
import subprocess
import sys

import keras
import numpy as np
import pytest

from oscillator_zoo.data import (
    Chirp,
    Constant,
    CoupledOscillators,
    DampedOscillator,
    Decay,
    InitialValueProblem,
    Sampled,
    Sinusoid,
    Step,
    Trajectory,
    add_noise,
    simulate,
    split_by_time,
    split_by_trajectory,
)
from oscillator_zoo.data.files import write_whole
from oscillator_zoo.data.trajectories.trajectory_file import FORMAT_VERSION


@keras.saving.register_keras_serializable("test_trajectory")
class Cubic(InitialValueProblem):
    def rhs(self, t, x, v, ops=np):
        return -(x**3)


@keras.saving.register_keras_serializable("test_trajectory")
class Forgetful(InitialValueProblem):
    """Keeps something other than its constructor argument."""

    def __init__(self, strength):
        self.strength = lambda: strength
        super().__init__(1.0, 0.0)


class Unregistered(InitialValueProblem):
    def rhs(self, t, x, v, ops=np):
        return -x


def ensemble():
    oscillator = DampedOscillator(
        damping=np.array([0.1, 0.2, 0.3]),
        force=Sinusoid(np.array([1.0, 2.0, 3.0]), angular_frequency=1.3),
        position=np.array([1.0, 2.0, 3.0]),
        start_time=0.5,
    )
    return simulate(oscillator, time_step=0.1, num_steps=20)


def measured(num=4):
    states, force = np.arange(num * 1.0)[None, :, None], np.ones((1, num, 1))
    return Trajectory(np.arange(num) / 10.0, states, ("position",), force)


def assert_same(one, other):
    for name in ("times", "states", "force"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert one.feature_names == other.feature_names


# Fields


def is_read(trajectory):
    return "force" in vars(trajectory)


def test_force_of_a_formula_is_evaluated_when_it_is_read_and_kept():
    trajectory = ensemble()
    parts = (
        *(trajectory[1], trajectory[[2, 0]], trajectory[np.array([True, False, True])]),
        *(trajectory.every(3), *split_by_time(trajectory, (0.5, 0.5))),
        *split_by_trajectory(trajectory, (0.7, 0.3), seed=0),
        *(copy.deepcopy(trajectory), pickle.loads(pickle.dumps(trajectory))),
    )
    repr(trajectory), len(trajectory), trajectory.feature("position"), trajectory.time_step
    assert not any(is_read(one) for one in (trajectory, *parts))

    first = trajectory.force
    assert is_read(trajectory) and trajectory.force is first
    assert first.shape == (3, 21, 1) and first.dtype == np.float64 and first.flags.writeable
    expected = np.outer([1.0, 2.0, 3.0], np.sin(1.3 * trajectory.times))[:, :, None]
    np.testing.assert_allclose(first, expected, rtol=0, atol=1e-15)
    after = (
        *(trajectory[1], trajectory[[2, 0]], trajectory[np.array([True, False, True])]),
        *(trajectory.every(3), *split_by_time(trajectory, (0.5, 0.5))),
        *split_by_trajectory(trajectory, (0.7, 0.3), seed=0),
        *(trajectory, trajectory),
    )
    for early, late in zip(parts, after, strict=True):
        np.testing.assert_array_equal(early.force, late.force)
        np.testing.assert_array_equal(early.states, late.states)


def test_force_is_that_of_the_simulation_whatever_becomes_of_the_problem():
    amplitude = np.array([1.0, 2.0])
    problem = DampedOscillator(force=Sinusoid(amplitude, 1.3), damping=1.0)
    before, after = (simulate(problem, 0.1, 20) for _ in range(2))
    expected = before.force
    problem.force.amplitude[:] = amplitude[:] = 7.0
    np.testing.assert_array_equal(after.force, expected)


@pytest.mark.parametrize(
    "force",
    [
        *(None, Constant(2.0), Step(1.0, 0.5), Chirp(1.0, 0.5, 2.0, 3.0), Sinusoid(1.0, 2.0)),
        *(Sampled([0.0, 9.0], [0.0, 1.0]), np.cos, lambda t, ops: ops.cos(t)),
        *(Sinusoid(np.arange(3.0), 2.0), Sampled([0.0, 9.0], np.arange(6.0).reshape(3, 2))),
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_force_has_the_values_of_the_problems_force(force, dtype):
    problem = DampedOscillator(force=force, position=np.arange(1.0, 4.0))
    trajectory = simulate(problem, 0.01, 250, dtype=dtype)
    expected = problem.force_values(trajectory.times).astype(dtype)
    np.testing.assert_array_equal(trajectory.force, expected)
    assert trajectory.force.dtype == dtype
    is_shared = getattr(force, "ensemble_size", None) is None
    assert trajectory.force.flags.writeable != is_shared
    assert (trajectory.force.strides[0] == 0) == is_shared


def test_a_force_on_each_coordinate_is_chosen_from():
    forces = (Sinusoid(np.arange(3.0), 2.0), None, Constant(1.0))
    problem = CoupledOscillators(
        np.ones(3), force=forces, position=np.ones((3, 3)), velocity=np.zeros((3, 3))
    )
    early, late = (simulate(problem, 0.1, 20, "rk4") for _ in range(2))
    part = early[1:]
    np.testing.assert_array_equal(part.force, late.force[1:])
    np.testing.assert_array_equal(part.force[1, :, 0], 2.0 * np.sin(2.0 * part.times))


def test_what_a_trajectory_lacks_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'Trajectory' object has no attribute 'forces'"):
        _ = ensemble().forces
    assert not hasattr(ensemble(), "__array__")


def test_force_may_be_a_broadcast_view():
    force = np.broadcast_to(np.arange(5.0)[None, :, None], (3, 5, 1))
    trajectory = Trajectory(np.arange(5.0), np.zeros((3, 5, 1)), ("position",), force)
    assert trajectory.force is force
    np.testing.assert_array_equal(trajectory[1].force[0, :, 0], np.arange(5.0))


def test_lists_and_integers_become_arrays_of_float64():
    trajectory = Trajectory([0, 1], [[[1], [2]]], ["position"], [[[0], [0]]])
    assert trajectory.times.dtype == trajectory.states.dtype == trajectory.force.dtype == float
    assert trajectory.feature_names == ("position",)


def test_repr_is_one_short_line():
    assert repr(ensemble()) == (
        "Trajectory(batch=3, time=21, from 0.5 s to 2.5 s, position, velocity, "
        "of a DampedOscillator)"
    )
    assert repr(measured()) == (
        "Trajectory(batch=1, time=4, from 0 s to 0.3 s, position, measured)"
    )


GOOD = {
    "times": np.arange(4.0),
    "states": np.zeros((2, 4, 2)),
    "feature_names": ("position", "velocity"),
    "force": np.zeros((2, 4, 1)),
}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"times": np.zeros((2, 4))}, r"times must have the shape \(time,\).*\(2, 4\)"),
        ({"times": np.array([0.0, 2.0, 1.0, 3.0])}, "increase. Received 1 s at index 2"),
        ({"times": np.array([0.0, 1.0, np.nan, 3.0])}, "finite and increase. Received nan s"),
        ({"times": np.array([0.0, 1.0, 2.0, np.inf])}, "times must be finite"),
        ({"states": np.zeros((4, 2))}, r"= \(batch, 4, 2\). Received \(4, 2\)"),
        ({"states": np.zeros((2, 2, 4))}, r"Received \(2, 2, 4\). Put time on the second axis"),
        ({"states": np.array([["a"]])}, "states must be an array of real numbers"),
        ({"states": np.zeros((2, 4, 2), complex)}, "array of complex128"),
        ({"feature_names": "position"}, r"tuple of texts.*Write \('position',\)"),
        ({"force": np.zeros((2, 4))}, r"\(2, 4\) in front. Received \(2, 4\)"),
        ({"force": np.zeros((1, 4, 1))}, "Pass F at every time"),
        (
            {"problem": DampedOscillator(position=np.ones(3))},
            "all 2 trajectories. Received an ensemble of 3",
        ),
    ],
)
def test_fields_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Trajectory(**{**GOOD, **changes})


def test_time_step_needs_an_equidistant_grid():
    assert ensemble().time_step == pytest.approx(0.1, rel=1e-14)
    late = dataclasses.replace(measured(), times=1e9 + np.arange(4) / 10.0)
    assert late.time_step == pytest.approx(0.1, rel=1e-6)  # the grid is rounded to 1e-7 s
    with pytest.raises(ValueError, match=r"equidistant. Received steps from 1 s to 3 s"):
        _ = dataclasses.replace(measured(), times=np.array([0.0, 1.0, 2.0, 5.0])).time_step
    with pytest.raises(ValueError, match=r"needs two times. Received one"):
        _ = measured(1).time_step


def test_an_unknown_feature_names_the_nearest():
    with pytest.raises(ValueError, match=r"position, velocity. Received: 'velocty'. Did you mean"):
        ensemble().feature("velocty")


# Indexing


@pytest.mark.parametrize(
    ("index", "rows"),
    [
        (1, [1]),
        (-1, [2]),
        (np.int64(2), [2]),
        (slice(1, None), [1, 2]),
        ([2, 0], [2, 0]),
        (np.array([True, False, True]), [0, 2]),
        ([False, True, False], [1]),
    ],
)
def test_indexing_chooses_states_force_and_problem_alike(index, rows):
    whole = ensemble()
    part = whole[index]
    np.testing.assert_array_equal(part.states, whole.states[rows])
    np.testing.assert_array_equal(part.force, whole.force[rows])
    again = simulate(part.problem, time_step=0.1, num_steps=20)
    np.testing.assert_allclose(again.states, part.states, rtol=0, atol=1e-12)  # rounding


def test_a_trajectory_is_iterated_one_by_one():
    assert [one.states[0, 0, 0] for one in ensemble()] == [1.0, 2.0, 3.0]


def test_a_shared_problem_stays_shared():
    noisy = Trajectory(
        GOOD["times"], GOOD["states"], GOOD["feature_names"], GOOD["force"], DampedOscillator()
    )
    assert noisy[1].problem is noisy.problem


@pytest.mark.parametrize(
    ("index", "error", "message"),
    [
        (3, IndexError, "of 3 is chosen by.*Received: 3"),
        ((0, 1), IndexError, r"trajectory.states\[:, times, features\]"),
        ([True, False], IndexError, "mask of 3 booleans"),
        ([0.5], IndexError, r"Received: \[0.5\]"),
        ([False] * 3, ValueError, "at least one of the 3 trajectories"),
        (slice(3, None), ValueError, "at least one of the 3 trajectories"),
        ([[0], [1]], ValueError, r"shape \(2, 1\)"),
    ],
)
def test_an_index_that_chooses_nothing_is_refused(index, error, message):
    with pytest.raises(error, match=message):
        ensemble()[index]


# Files


@pytest.mark.parametrize(
    "problem",
    [
        DampedOscillator(mass=2.0, damping=0.3, stiffness=5.0, force=Constant(0.1), velocity=-1.0),
        DampedOscillator(force=Sampled([0.0, 0.1, 9.0], [[0.1, 0.2, 1 / 3], [1.0, 2.0, 3.0]])),
        Decay(rate=np.array([0.1, 0.7]), position=1 / 3, start_time=0.25),
        Cubic(position=[1.0, 2.0], velocity=[0.0, 1 / 3], dimension=2),
        CoupledOscillators((1.0, 2.0), (1.0, 0.2, 1.0), force=(Constant(0.1), None)),
    ],
    ids=lambda problem: type(problem).__name__,
)
def test_saved_and_loaded_are_the_same_bits(problem, tmp_path):
    trajectory = simulate(problem, time_step=0.1, num_steps=7)
    trajectory.save(tmp_path / "motion.npz")
    loaded = Trajectory.load(tmp_path / "motion.npz")
    assert_same(loaded, trajectory)
    assert type(loaded.problem) is type(problem)
    assert_same(simulate(loaded.problem, time_step=0.1, num_steps=7), trajectory)
    assert [file.name for file in tmp_path.iterdir()] == ["motion.npz"]


def test_a_trajectory_says_how_it_was_made_in_a_file_too(tmp_path):
    trajectory = simulate(DampedOscillator(), time_step=0.1, num_steps=20, method="euler_cromer")
    coarse = add_noise(trajectory, 0.1, seed=0).every(5)[0]
    coarse.save(tmp_path / "motion.npz")
    for made in (trajectory, coarse, Trajectory.load(tmp_path / "motion.npz")):
        assert (made.method, made.method_step) == ("euler_cromer", 0.1)
    assert (measured().method, measured().method_step) == (None, None)


def test_files_written_before_methods_were_recorded_are_read(tmp_path):
    trajectory = simulate(DampedOscillator(damping=1.0), time_step=0.1, num_steps=20)
    dataclasses.replace(trajectory, method=None, method_step=None).save(tmp_path / "old.npz")
    with np.load(tmp_path / "old.npz") as arrays:
        assert not {"method", "method_step"} & set(arrays)
    loaded = Trajectory.load(tmp_path / "old.npz")
    assert_same(loaded, trajectory)
    assert loaded.method is None


def test_a_measurement_is_saved_without_a_problem(tmp_path):
    measured().save(tmp_path / "record.npz")
    loaded = Trajectory.load(tmp_path / "record.npz")
    assert_same(loaded, measured())
    assert loaded.problem is None


@pytest.mark.slow
def test_a_file_is_read_in_a_fresh_process(tmp_path):
    ensemble().save(tmp_path / "motion.npz")
    code = (
        "import sys; from oscillator_zoo.data import Trajectory;"
        "t = Trajectory.load(sys.argv[1]); print(t, t.problem.damping.tolist())"
    )
    run = [sys.executable, "-c", code, str(tmp_path / "motion.npz")]
    output = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    assert output.strip() == f"{ensemble()!r} [0.1, 0.2, 0.3]"


def test_importing_data_imports_no_deep_learning_library():
    code = "import sys, oscillator_zoo.data; print(*sys.modules)"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    modules = set(output.split())
    assert "oscillator_zoo.data" in modules
    assert not modules & {"keras", "tensorflow", "jax", "torch", "matplotlib"}


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (Unregistered(1.0, 0.0), "unregistered Unregistered. Put @keras.saving.register"),
        (DampedOscillator(force=np.sin), "plain function cannot be saved.*Use Sinusoid"),
        (Forgetful(2.0), "(?s)a Forgetful that cannot be built.*unchanged, as an attribute"),
    ],
)
def test_a_problem_that_would_not_come_back_is_not_saved(problem, message, tmp_path):
    states, force = np.zeros((1, 4, 2)), np.zeros((1, 4, 1))
    trajectory = Trajectory(np.arange(4.0), states, ("position", "velocity"), force, problem)
    with pytest.raises(ValueError, match=message):
        trajectory.save(tmp_path / "motion.npz")
    assert not list(tmp_path.iterdir())


def test_folders_that_cannot_be_written_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"must exist and be writable.*absent.*Create the folder"):
        measured().save(tmp_path / "absent" / "record.npz")
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"must exist and be writable.*Not a directory"):
        measured().save(tmp_path / "file" / "record.npz")
    with pytest.raises(ValueError, match=r"needs a name. Received the folder"):
        measured().save(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_an_interrupted_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "record.npz"
    measured().save(path)
    before = path.read_bytes()

    def interrupted(file, **arrays):
        file.write(b"half a file")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez_compressed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        measured(9).save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_has_the_usual_permissions(tmp_path):
    (tmp_path / "usual").write_text("")
    with write_whole(tmp_path / "whole.txt") as temporary:
        assert temporary.suffix == ".txt"
        temporary.write_text("content")
    assert (tmp_path / "whole.txt").stat().st_mode == (tmp_path / "usual").stat().st_mode


def archive(path, **changes):
    """A file as `save` writes it, with other content; `name=None` leaves an array out."""
    content = {
        "format_version": np.array(FORMAT_VERSION),
        "times": np.arange(4.0),
        "states": np.zeros((1, 4, 1)),
        "feature_names": np.array(["position"]),
        "force": np.zeros((1, 4, 1)),
        "problem": np.array(""),
    }
    content = {name: value for name, value in {**content, **changes}.items() if value is not None}
    np.savez(path, **content)
    return path


class Exploit:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_pickles_are_refused_unopened(tmp_path):
    payload = np.empty(1, object)
    payload[0] = Exploit(tmp_path / "executed")
    paths = [archive(tmp_path / "a.npz", states=payload), tmp_path / "b.npz"]
    paths[1].write_bytes(pickle.dumps(Exploit(tmp_path / "executed")))
    for path in paths:
        with pytest.raises(ValueError, match=r"written by Trajectory.save.*another kind of file"):
            Trajectory.load(path)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("kept", [0, 1, 10, 200, -300, -30, -1])
def test_truncated_files_are_refused(kept, tmp_path):
    path = tmp_path / "motion.npz"
    ensemble().save(path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"A saved trajectory is an .npz file"):
        Trajectory.load(path)


def test_no_damaged_byte_escapes_as_another_error(tmp_path):
    path = tmp_path / "motion.npz"
    ensemble().save(path)
    whole = path.read_bytes()
    for position in range(0, len(whole), 37):
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        try:
            loaded = Trajectory.load(path)
        except ValueError as error:
            assert "trajectory" in str(error)
        else:  # bytes that carry no data, such as a time stamp
            assert_same(loaded, ensemble())


def test_foreign_files_are_refused(tmp_path):
    np.save(tmp_path / "array.npy", np.zeros(3))
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    (tmp_path / "text.npz").write_text("input,output\n1,2\n")
    for name in ("array.npy", "other.npz", "text.npz"):
        with pytest.raises(ValueError, match=rf"written by Trajectory.save. Received: .*{name}"):
            Trajectory.load(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        Trajectory.load(tmp_path / "absent.npz")


def text(class_name="DampedOscillator", package="oscillator_zoo", **config):
    registered = f"{package}>{class_name}" if package else class_name
    module = "oscillator_zoo.data"
    content = {"module": module, "class_name": class_name, "registered_name": registered}
    return np.array(json.dumps({**content, "config": config}))


WITHOUT_CONFIG = '{"class_name": "Decay", "registered_name": "oscillator_zoo>Decay"}'
LAMBDA = {"class_name": "__lambda__", "config": {"value": "x"}}
DENSE = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 1}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": None}, "written by Trajectory.save.*another kind"),
        ({"format_version": np.array(99)}, "format 1 is expected.*of format 99"),
        ({"times": np.arange(3.0)}, r"cannot be read. states must have the shape"),
        ({"problem": np.array("{")}, "problem in .* cannot be read"),
        ({"problem": np.array("[]")}, "holds no problem"),
        ({"problem": text("Stranger", "elsewhere")}, "'elsewhere>Stranger', which is not regist"),
        ({"problem": text("Sinusoid")}, "'oscillator_zoo>Sinusoid', which is not registered"),
        ({"problem": text(force=LAMBDA)}, "'__lambda__', which is not registered"),
        ({"problem": text(force=[DENSE])}, "'Dense', which is not registered"),
        ({"problem": text(springs=3)}, "problem in .* cannot be read"),
        ({"problem": text(mass=-1.0)}, "cannot be read. mass must be > 0"),
        ({"problem": np.array('{"config": {}}')}, "class None, which is not registered"),
        ({"problem": np.array(WITHOUT_CONFIG)}, "holds no problem. Save it again"),
    ],
)
def test_wrong_content_is_refused(changes, message, tmp_path):
    path = archive(tmp_path / "motion.npz", **changes)
    with pytest.raises(ValueError, match=message):
        Trajectory.load(path)
    assert Trajectory.load(archive(path)).problem is None


def test_every_keeps_the_first_sample_and_every_nth_one():
    motion = simulate(DampedOscillator(damping=0.3, force=Sinusoid(1.0, 2.0)), 0.1, 10)
    coarse = motion.every(4)
    np.testing.assert_array_equal(coarse.times, motion.times[[0, 4, 8]])
    np.testing.assert_array_equal(coarse.states, motion.states[:, [0, 4, 8]])
    np.testing.assert_array_equal(coarse.force, motion.force[:, [0, 4, 8]])
    assert coarse.problem is motion.problem


def test_every_refuses_steps_that_are_not_positive_integers():
    motion = simulate(DampedOscillator(damping=0.3), 0.1, 10)
    with pytest.raises(ValueError, match="num_steps must be an integer of at least 1"):
        motion.every(0)
