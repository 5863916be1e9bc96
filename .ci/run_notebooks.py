"""Execute every notebook from its first cell; an error in a cell is an error here."""

import pathlib
import sys
import time

import nbformat
from nbconvert.preprocessors import ExecutePreprocessor

folder = pathlib.Path(__file__).parent.parent / "notebooks"
for path in sorted(folder.glob("*.ipynb")):
    start = time.perf_counter()
    notebook = nbformat.read(path, as_version=4)
    executor = ExecutePreprocessor(
        timeout=240,
        kernel_name="python3",
        record_timing=False,
        # TensorFlow's start-up messages, written past Python, stay out of the outputs.
        extra_arguments=["--IPKernelApp.capture_fd_output=False"],
    )
    executor.preprocess(notebook, {"metadata": {"path": str(folder)}})
    if "--write" in sys.argv:
        nbformat.write(notebook, path)
    print(f"{path.name}: {time.perf_counter() - start:.0f} s", flush=True)
