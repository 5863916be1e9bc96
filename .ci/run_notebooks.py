"""Execute every notebook from its first cell, two at a time.

An error in a cell is an error here, and so is a cell that draws and shows no picture. The other
notebooks run all the same; at the end each one that failed is named. After its last cell, what the
student's twin has in place of a solution is run in the same kernel: it must stop at the TODO, and
at nothing else.

Each has a kernel of its own, as it has for a reader. With --write they run one after the other, so
that the seconds they show are their own, and are stored with what they showed. Names of notebooks,
with or without --write, run only these.
"""

import ast
import multiprocessing
import os
import pathlib
import re
import runpy
import sys
import time

import nbformat
from nbconvert.preprocessors import CellExecutionError, ExecutePreprocessor

FOLDER = pathlib.Path(__file__).parent.parent / "notebooks"
WRITE = "--write" in sys.argv
TODO = "NotImplementedError: TODO"
DRAWS = re.compile(r"plot_\w+|subplots|figure|plot|hist|imshow|semilogy|loglog")  # functions


class LessonAndTwin(ExecutePreprocessor):
    """Runs a lesson, then its twin from each TODO up to the first error.

    The kernel holds all that the lesson has made by then, so this takes no time. A TODO inside a
    function is met where a later cell calls it.
    """

    def preprocess_cell(self, cell, resources, index):
        result = super().preprocess_cell(cell, resources, index)
        if index == len(self.nb.cells) - 1:
            twins = runpy.run_path(str(pathlib.Path(__file__).parent / "student_twins.py"))
            lesson = list(self.nb.cells)
            self.run_twin(twins)
            self.nb.cells[:] = lesson
        return result

    def run_twin(self, twins):
        """Each TODO stops the twin, by its own error."""
        cells = twins["twin"](nbformat.from_dict(self.nb)).cells
        for first, cell in enumerate(cells):
            if cell.cell_type == "code" and "# TODO: " in cell.source:
                met = self.first_error(cells, first)
                if TODO not in met:
                    raise RuntimeError(f"Cell {first} of the twin ends with {met!r}, not its TODO.")

    def first_error(self, cells, first):
        """What the first cell that fails says, from `first` on; empty if none does."""
        for index in range(first, len(cells)):
            try:
                if cells[index].cell_type == "code":
                    self.execute_cell(cells[index], index)
            except CellExecutionError as error:
                return f"{error.ename}: {error.evalue}"
        return ""


def execute(path):
    """Run one notebook."""
    start = time.perf_counter()
    notebook = nbformat.read(path, as_version=4)
    executor = LessonAndTwin(
        timeout=600,  # s for a cell, on a slow machine too
        kernel_name="python3",
        record_timing=False,
        # TensorFlow's start-up messages, written past Python, stay out of the outputs.
        extra_arguments=["--IPKernelApp.capture_fd_output=False"],
    )
    executor.preprocess(notebook, {"metadata": {"path": str(FOLDER)}})
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and draws(cell.source) and not shows_a_picture(cell):
            raise RuntimeError(f"{path.name}: cell {number} draws, but shows no picture.")
    if WRITE:
        nbformat.write(notebook, path)
    print(f"{path.name}: {time.perf_counter() - start:.0f} s", flush=True)


def fault_of(path):
    """Why a notebook does not run to its end; empty if it does."""
    try:
        execute(path)
    except Exception as error:
        return f"{path.name}: {error}"
    return ""


def draws(source):
    """Whether a cell calls a function that draws, and does not merely define one that would."""
    waiting = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if DRAWS.fullmatch(name):
                return True
        waiting.extend(ast.iter_child_nodes(node))
    return False


def shows_a_picture(cell):
    """Whether an executed cell has an image among its outputs."""
    return any("image/png" in output.get("data", {}) for output in cell.outputs)


if __name__ == "__main__":
    # Kernels show pictures unless the environment asks for a backend that only writes files.
    os.environ.pop("MPLBACKEND", None)
    if not WRITE:  # two lessons share two cores: their threads of BLAS would wait for each other
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    names = [name for name in sys.argv[1:] if name.endswith(".ipynb")]
    # The last lesson takes longest and the first is the shortest, so both workers end together.
    paths = [FOLDER / name for name in names] or sorted(FOLDER.glob("*.ipynb"), reverse=True)
    with multiprocessing.Pool(1 if WRITE else 2) as pool:
        faults = [fault for fault in pool.map(fault_of, paths, chunksize=1) if fault]
    if faults:
        sys.exit("\n\n".join(faults))
