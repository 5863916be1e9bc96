"""The house stays one: rooms by subject, nothing imported upwards, nothing grown out of hand."""

import ast
import collections
import configparser
import importlib
import inspect
import pathlib
import re

import keras
import pytest

ROOT = pathlib.Path(__file__).parent.parent
# The rooms from the bottom to the top: each may import those before it. "" is the top folder.
STAIRCASES = {
    "data": ("forces", "problems", "trajectories", "records", "stepping", "datasets"),
    "models": (
        *("layer_graphs", "saving", "export", "presets", "base_model", "recurrent"),
        *("least_squares", "physics_cells", "forecasting", "equation", "trial_solution"),
        *("families", "inverse", "error_bounds", "nonlinear_bounds", "pinn"),
    ),
    "training": (
        "backpropagation",
        "evaluation",
        "plots",
        "multiple_shooting",
        "law_fits",
        "instrument",
        "callbacks",
        "results",
        "zoo",
    ),
}
# The package `oscillator_zoo` itself, which setup.cfg maps to a folder: it lies above all rooms.
FRONT = "oscillator_zoo"
BESIDE = {"data": "bottom", "models": "bottom", "training": "top"}  # modules outside of rooms
PACKAGES = tuple(STAIRCASES)
MODULES = sorted(
    path.relative_to(ROOT)
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
    if path.name != "__init__.py"
)
MOST_MODULES = 13  # in a room: what one looks over at a glance
MOST_LINES = 200  # of code in a module, without docstrings: about four screens
MOST_LINES_OF_FUNCTION = 40  # of code, without its docstring: one screen


def tree(path):
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def imported(path, source=None):
    """What a module imports of this project, as paths without their ending.

    A package of which it imports a name that is no module there stands for itself.
    """
    for node in ast.walk(tree(path) if source is None else ast.parse(source)):
        if isinstance(node, ast.Import):
            named = [alias.name.split(".") for alias in node.names]
            yield from (place(*parts[1:]) for parts in named if parts[0] == "oscillator_zoo")
        if not isinstance(node, ast.ImportFrom):
            continue
        parts = path.with_suffix("").parts[: -node.level] if node.level else ()
        named = (node.module or "").split(".")
        if not node.level and named.pop(0) != "oscillator_zoo":
            continue
        parts = (*parts, *filter(None, named))
        for alias in node.names:
            inner = ROOT.joinpath(*parts, alias.name)
            is_module = inner.is_dir() or inner.with_suffix(".py").is_file()
            yield place(*parts, alias.name) if is_module else place(*parts)


def place(*parts):
    """Where a part of `oscillator_zoo` lies in the checkout, without its ending."""
    return pathlib.PurePath(*parts if parts and parts[0] in PACKAGES else ("training", FRONT))


def step_of(path):
    """How high the room of a module lies: first the package, then its place in the staircase."""
    package, *rest = path.parts
    rooms = STAIRCASES[package]
    if rest and rest[0] == FRONT:
        height = len(rooms) + 3
    elif not rest:  # the face of a package, which imports all of it
        height = len(rooms) + 2
    elif rest and rest[0] in rooms:
        height = rooms.index(rest[0]) + 1
    else:
        height = 0 if BESIDE[package] == "bottom" else len(rooms) + 1
    return PACKAGES.index(package), height


@pytest.mark.parametrize("package", PACKAGES)
def test_no_room_imports_one_above_it(package):
    upwards = [
        f"{path} imports {other}"
        for path in MODULES
        if path.parts[0] == package
        for other in imported(path)
        if step_of(other) > step_of(path)
    ]
    assert not upwards


@pytest.mark.parametrize(
    ("source", "is_upwards"),
    [
        ("from oscillator_zoo.training import train", True),
        ("import oscillator_zoo.training.zoo", True),
        ("from oscillator_zoo import training", True),
        ("from oscillator_zoo import __version__", True),
        ("from oscillator_zoo.models import PINN", True),
        ("from .. import PINN", True),
        ("from .. import pinn", True),
        ("from ..pinn.answers import Answers", True),
        ("from ..saving import model_file", False),
        ("from .elman_cell import ElmanCell", False),
        ("from oscillator_zoo.data import simulate", False),
        ("from oscillator_zoo import data", False),
        ("import numpy, oscillator_zoo.data.stepping", False),
    ],
)
def test_upward_imports_are_seen_however_they_are_written(source, is_upwards):
    path = pathlib.PurePath("models/recurrent/elman_rnn.py")
    others = set(imported(path, source))
    assert others and any(step_of(other) > step_of(path) for other in others) == is_upwards


def test_setup_names_every_package():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    faces = (path for package in PACKAGES for path in (ROOT / package).rglob("__init__.py"))
    folders = {path.parent.relative_to(ROOT) for path in faces} - {place()}
    expected = {"oscillator_zoo", *(".".join(("oscillator_zoo", *f.parts)) for f in folders)}
    assert set(setup["options"]["packages"].split()) == expected


def test_every_room_is_on_the_staircase_and_tells_its_story():
    for package, rooms in STAIRCASES.items():
        found = {path.parent.name for path in (ROOT / package).glob("*/__init__.py")}
        assert found - {FRONT} == set(rooms)
        for room in rooms:
            story = importlib.import_module(f"oscillator_zoo.{package}.{room}").__doc__
            assert story and len(story.split()) > 20, f"{package}/{room}"
            modules = {p.stem for p in (ROOT / package / room).glob("*.py")} - {"__init__"}
            unnamed = {m for m in modules if not re.search(rf"`{m}[`.]", story)}
            assert not unnamed, f"the face of {package}/{room} does not name {unnamed}"
        named = re.findall(r"`(\w+)`", importlib.import_module(f"oscillator_zoo.{package}").__doc__)
        assert [name for name in named if name in rooms] == list(rooms)
        beside = {path.stem for path in (ROOT / package).glob("*.py")} - {"__init__"}
        assert beside <= set(named), f"the face of {package} does not name all modules beside"


def test_the_page_on_reading_lists_the_rooms_in_their_order():
    page = (ROOT / "docs" / "explanation" / "reading_the_source.md").read_text(encoding="utf-8")
    listed = re.findall(r"\[`(\w+)/(\w+)`\]", page)
    assert listed == [(package, room) for package, rooms in STAIRCASES.items() for room in rooms]


def test_modules_do_not_import_each_other_in_a_circle():
    graph = {path.with_suffix(""): set(imported(path)) for path in MODULES}
    done, above = set(), []

    def visit(module):
        assert module not in above, f"circle: {[str(m) for m in [*above, module]]}"
        if module in done or module not in graph:
            return
        above.append(module)
        for other in graph[module]:
            visit(other)
        done.add(above.pop())

    for module in graph:
        visit(module)


def test_a_room_is_looked_over_at_a_glance():
    sizes = collections.Counter(path.parent for path in MODULES)
    assert {str(room): n for room, n in sizes.items() if n > MOST_MODULES} == {}


def test_one_name_means_one_module_and_no_public_function():
    names = collections.Counter(path.stem for path in MODULES)
    assert [name for name, n in names.items() if n > 1] == []
    rooms = {room for rooms in STAIRCASES.values() for room in rooms}
    public = {
        name
        for package in PACKAGES
        for name in importlib.import_module(f"oscillator_zoo.{package}").__all__
    }
    assert public & (set(names) | rooms) == set()


def test_one_name_means_one_function_or_class():
    names = collections.Counter(
        node.name
        for path in MODULES
        for node in tree(path).body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_")
    )
    del names["sin"]  # of tensors and of discs: a name of mathematics
    assert [name for name, n in names.items() if n > 1] == []


def test_classes_that_are_spoken_of_exist():
    """`CamelCase` in a docstring or comment: a class of this project or of Keras."""
    known = {"None", "True", *dir(keras.layers), *dir(keras.saving)}
    for path in MODULES:
        for node in ast.walk(tree(path)):
            known |= {getattr(node, name, None) for name in ("id", "attr", "name")}
    unknown = [
        f"{path}: {name}"
        for path in MODULES
        for name in re.findall(r"`([A-Z]\w*[a-z]\w*)", (ROOT / path).read_text(encoding="utf-8"))
        if name not in known
    ]
    assert not unknown


def lines_of_code(path, node):
    """Lines of a module or function that hold code: without docstrings, comments and blanks."""
    text = (ROOT / path).read_text(encoding="utf-8").splitlines()
    first = getattr(node, "lineno", 1)
    lines = set(range(first, getattr(node, "end_lineno", len(text)) + 1))
    for part in ast.walk(node):
        body = getattr(part, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            value = body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                lines -= set(range(value.lineno, value.end_lineno + 1))
    return sum(bool(text[n - 1].strip()) and text[n - 1].strip()[0] != "#" for n in lines)


def test_modules_and_functions_are_read_in_one_sitting():
    long = {}
    for path in MODULES:
        whole = tree(path)
        sizes = {str(path): (lines_of_code(path, whole), MOST_LINES)}
        for node in ast.walk(whole):
            if isinstance(node, ast.FunctionDef):
                sizes[f"{path}: {node.name}"] = body_lines(path, node), MOST_LINES_OF_FUNCTION
        long |= {name: size for name, (size, most) in sizes.items() if size > most}
    assert long == {}


def body_lines(path, function):
    """Lines of code below the signature, which in Keras may list fifteen arguments."""
    first = function.body[0].lineno - function.lineno
    return lines_of_code(path, function) - first


def test_the_lecture_is_read_at_the_top_of_the_pinn():
    """`call`, `derivatives`, `residual`, `train_step` follow the docstring, within 75 lines."""
    from oscillator_zoo.models import PINN, LeastSquaresModel, LevenbergMarquardt

    (cls,) = (n for n in tree("models/pinn/pinn.py").body if isinstance(n, ast.ClassDef))
    first = [node for node in cls.body if isinstance(node, ast.FunctionDef)][:5]
    assert [f.name for f in first] == ["call", "derivatives", "residual", "residuals", "train_step"]
    assert first[-1].end_lineno - first[0].lineno < 75
    assert "GradientTape" in inspect.getsource(PINN.train_step)
    mro = " > ".join(c.__name__ for c in PINN.__mro__[:5])
    assert mro == "PINN > Answers > IntervalModel > LeastSquaresModel > PreciseModel"
    for cls in (LeastSquaresModel, LevenbergMarquardt):
        source = inspect.getsource(cls)
        assert "unknowns" not in source and "family" not in source
