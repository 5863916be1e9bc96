"""Execute every notebook from its first cell, two at a time.

An error in a cell is an error here, and so is a cell that draws and shows no picture. After its
last cell, what the student's twin has in place of a solution is run in the same kernel: it must
stop at the TODO, and at nothing else.

With --write they run one after the other, each in a kernel of its own, so that the seconds they
show are their own, and are stored with what they showed. Otherwise a worker's lessons share a
kernel that is emptied between them: to start one with TensorFlow takes as long as a short lesson.
Names of notebooks, with or without --write, run only these.
"""

import ast
import asyncio
import multiprocessing
import os
import pathlib
import re
import runpy
import sys
import time
from multiprocessing.util import Finalize

import nbformat
from nbconvert.preprocessors import CellExecutionError, ExecutePreprocessor

FOLDER = pathlib.Path(__file__).parent.parent / "notebooks"
WRITE = "--write" in sys.argv
TODO = "NotImplementedError: TODO"
EMPTY = "import keras\nkeras.utils.clear_session()\n%reset -f"  # run between two lessons
DRAWS = re.compile(r"plot_\w+|subplots|figure|plot|hist|imshow|semilogy|loglog")  # functions


class LessonAndTwin(ExecutePreprocessor):
    """Runs a lesson, then its twin from each TODO up to the first error.

    The kernel holds all that the lesson has made by then, so this takes no time. A TODO inside a
    function is met where a later cell calls it.
    """

    def preprocess_cell(self, cell, resources, index):
        if index == 0 and not self.owns_km and self.km.lessons > 1:
            self.beside(self.execute_cell, nbformat.v4.new_code_cell(EMPTY), 0)
        result = super().preprocess_cell(cell, resources, index)
        if index == len(self.nb.cells) - 1:
            twins = runpy.run_path(str(pathlib.Path(__file__).parent / "student_twins.py"))
            self.beside(self.run_twin, twins)
        return result

    def beside(self, run, *arguments):
        """Run cells that are not the lesson's, and leave the lesson as it is."""
        lesson = list(self.nb.cells)
        run(*arguments)
        self.nb.cells[:] = lesson

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
        timeout=240,
        kernel_name="python3",
        record_timing=False,
        # TensorFlow's start-up messages, written past Python, stay out of the outputs.
        extra_arguments=["--IPKernelApp.capture_fd_output=False"],
    )
    kernel = None if WRITE else kernel_of_this_process(executor)
    executor.preprocess(notebook, {"metadata": {"path": str(FOLDER)}}, km=kernel)
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and draws(cell.source) and not shows_a_picture(cell):
            raise RuntimeError(f"{path.name}: cell {number} draws, but shows no picture.")
    if WRITE:
        nbformat.write(notebook, path)
    print(f"{path.name}: {time.perf_counter() - start:.0f} s", flush=True)


def kernel_of_this_process(executor, shared=[]):  # noqa: B006, one list for all calls
    """The kernel manager of all lessons that this process runs; it counts them."""
    if not shared:
        shared.append(executor.create_kernel_manager())
        shared[0].lessons = 0
        Finalize(None, lambda: asyncio.run(shared[0].shutdown_kernel(now=True)), exitpriority=1)
    shared[0].lessons += 1
    return shared[0]


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
    names = [name for name in sys.argv[1:] if name.endswith(".ipynb")]
    # The last lesson takes longest and the first is the shortest, so both workers end together.
    paths = [FOLDER / name for name in names] or sorted(FOLDER.glob("*.ipynb"), reverse=True)
    with multiprocessing.Pool(1 if WRITE else 2) as pool:
        pool.map(execute, paths, chunksize=1)
        pool.close()
        pool.join()  # workers end their kernels
