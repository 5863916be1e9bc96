"""Write the student's twin of every lesson: `python .ci/student_twins.py FOLDER`.

Lessons are written once, with their solutions. What stands between `### BEGIN SOLUTION` and
`### END SOLUTION`, nbgrader's marks, becomes a TODO with the words behind the first mark as a hint,
and what cells have shown is left out. The cell of claims stays: it tells the student whether
what was filled in gives the numbers of the text.
"""

import pathlib
import re
import sys

import nbformat

FOLDER = pathlib.Path(__file__).parent.parent / "notebooks"
SOLUTION = re.compile(
    r"^(?P<indent> *)### BEGIN SOLUTION *(?P<hint>.*)\n(?:.*\n)*?\s*### END SOLUTION", re.MULTILINE
)
TODO = r"\g<indent># TODO: \g<hint>" + "\n" + r'\g<indent>raise NotImplementedError("TODO")'


def twin(lesson):
    """A copy of a lesson without solutions and without outputs."""
    copy = nbformat.from_dict(lesson)
    for cell in copy.cells:
        if cell.cell_type == "code":
            cell.source = SOLUTION.sub(TODO, cell.source)
            cell.outputs, cell.execution_count = [], None
    nbformat.validate(copy)
    return copy


def write_all(folder):
    """Twins of all lessons in a folder, and how many things there are to do in each."""
    folder.mkdir(parents=True, exist_ok=True)
    count = {}
    for path in sorted(FOLDER.glob("*.ipynb")):
        copy = twin(nbformat.read(path, as_version=4))
        nbformat.write(copy, folder / path.name)
        count[path.name] = sum(cell.source.count("# TODO: ") for cell in copy.cells)
    return count


if __name__ == "__main__":
    for name, number in write_all(pathlib.Path(sys.argv[1])).items():
        print(f"{name}: {number} to do")
