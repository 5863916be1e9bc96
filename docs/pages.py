"""Pages that are made of what stands elsewhere: notebooks, docstrings, cards, benchmarks."""

import json
import re
import shutil

import griffe

FACES = {
    "data": "Oscillators, forces, Euler's method and the sequences they make.",
    "models": "Recurrent cells and layers, and networks that solve an equation.",
    "training": "Recipes, callbacks, evaluation beside baselines, and pictures.",
}
PROOFS = ("error_bounds", "nonlinear_bounds")
HIDDEN = ("call", "build", "get_config", "compute_output_shape")  # Keras calls them
TELLS = re.compile(r"^(Args|Returns|Raises):", re.MULTILINE)
EXAMPLES = (
    "In the examples `np` is NumPy, and the name itself is imported from `oscillator_zoo.{}`."
)
NUMBERED = re.compile(r"[Nn]otebook\s(\d\d[b-d]?)")
SPECIAL = re.compile(r"([\\*_\[\]<>$|#~^{}])")


def write(root, folder):
    """Write all of them.

    Args:
        root: the checkout, a path.
        folder: where the pages go.
    """
    write_notebooks(root / "notebooks", folder / "notebooks")
    write_reference(root, folder / "reference")
    write_proof(root, folder / "proof.md")
    write_zoo(root / "models" / "presets", folder / "zoo")
    write_benchmarks(root / "benchmarks", folder / "benchmarks")


def write_notebooks(source, folder):
    """Copies of the lessons, numbered and linked where they name each other by number."""
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns(".*"))
    names = {path.name.partition("_")[0]: path.name for path in folder.glob("*.ipynb")}
    for number, name in names.items():
        lesson = json.loads((folder / name).read_text(encoding="utf-8"))
        for cell in lesson["cells"]:
            if cell["cell_type"] == "markdown":
                text = "".join(cell["source"]).replace("../docs/moving/", "../../moving/")
                cell["source"] = NUMBERED.sub(lambda m: f"[{m[0]}]({names[m[1]]})", text)
        title = lesson["cells"][0]["source"]
        lesson["cells"][0]["source"] = title.replace("# ", f"# {number} · ", 1)
        (folder / name).write_text(json.dumps(lesson), encoding="utf-8")


def save(path, *parts):
    """Write a page of paragraphs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join(part for part in parts if part) + "\n", encoding="utf-8")


# The reference, read from docstrings without importing anything ----------------------------------


def write_reference(root, folder):
    """A page for each package, with its public names in the order of the alphabet."""
    for package, sentence in FACES.items():
        module = griffe.load(package, search_paths=[str(root)], docstring_parser="google")
        names = sorted(map(str, module.exports), key=str.lower)
        things = {name: module[name].final_target for name in names}
        entries = [entry(name, thing, list(things.values())) for name, thing in things.items()]
        first = f"{sentence} {EXAMPLES.format(package)}"
        save(folder / f"{package}.md", f"# `oscillator_zoo.{package}`", first, *entries)


def write_proof(root, path):
    """The proofs of the error bound: the docstrings of their packages, which are Markdown."""
    models = griffe.load("models", search_paths=[str(root)])
    linear, nonlinear = (models[name].docstring.value for name in PROOFS)
    parts = ["# The proof of the error bound", "## Linear equations", linear]
    save(path, *parts, "## Nonlinear equations", nonlinear)


def entry(name, thing, public):
    """One class or function: how it is called, its docstring, and the public methods of a class."""
    if not thing.is_class:
        return "\n\n".join([f"## `{name}`", signature(name, thing), *docstring(thing)])
    call = resolved(thing.all_members.get("__init__"))
    parts = [f"## `{name}`", signature(name, call), *docstring(thing)]
    bases = [base for base in thing.mro() if base in public]
    if bases:
        parts.append(
            "It has the methods of these as well: " + ", ".join(f"`{base.name}`" for base in bases)
        )
    for method, function in sorted(methods(thing, bases).items()):
        parts += [f"### `{name}.{method}`", signature(method, function), *docstring(function)]
    return "\n\n".join(parts)


def resolved(member):
    """What a name stands for: itself, or what it was inherited or imported from."""
    return member.final_target if member is not None and member.is_alias else member


def methods(thing, bases):
    """The methods that its entry shows, by name.

    They are its own, and those with arguments, values or errors to tell of that it has from
    classes without an entry.
    """
    elsewhere = set(HIDDEN).union(*(base.all_members for base in bases))
    found = {}
    for name, member in thing.all_members.items():
        function, own = resolved(member), name in thing.members
        if function.is_function and function.docstring and name[0] != "_":
            text, skipped = function.docstring.value, HIDDEN if own else elsewhere
            if name not in skipped and (own or TELLS.search(text)):
                found[name] = function
    return found


def signature(name, function):
    """The call as it is written, without `self`."""
    if function is None or not hasattr(function, "parameters"):
        return f"```python\n{name}(...)\n```"
    words = []
    for parameter in function.parameters:
        if parameter.name in ("self", "cls"):
            continue
        stars = {"variadic positional": "*", "variadic keyword": "**"}
        kind = parameter.kind.value if parameter.kind else ""
        if kind == "keyword-only" and not any(word.startswith("*") for word in words):
            words.append("*")
        default = f"={parameter.default}" if parameter.default and kind not in stars else ""
        words.append(stars.get(kind, "") + parameter.name + default)
    line = f"{name}({', '.join(words)})"
    if len(line) > 88:
        line = f"{name}(\n" + "".join(f"    {word},\n" for word in words) + ")"
    return f"```python\n{line}\n```"


def docstring(thing):
    """A docstring in Google's form as Markdown."""
    if thing.docstring is None:
        return []
    blocks = re.split(r"\n\s*\n", thing.docstring.value)
    return [part for block in blocks for part in paragraph(block)]


def paragraph(block):
    """A paragraph, a table or an equation as it stands, a section with its lines, or an example."""
    heading, _, rest = block.partition("\n")
    if re.fullmatch(r"[A-Z][\w ]+:", heading.strip()) and not heading.startswith(" "):
        return [f"**{heading.strip(' :')}**", *(section(dedent(rest)) if rest else ())]
    if block.lstrip().startswith(">>>"):
        return [f"```pycon\n{dedent(block)}\n```"]
    if block.startswith("|"):
        return [block]
    if re.search(r"\S {2,}\S", block) or block.startswith("    "):
        return [f"```text\n{dedent(block)}\n```"]
    return [plain(block)]


def section(block):
    """What stands under a heading: a list of `name: what it is`, or as elsewhere."""
    return [items(block)] if re.match(r"[\w,\s`*/()]+: ", block) else paragraph(block)


def dedent(block):
    """Without the indentation of the least indented line."""
    lines = block.split("\n")
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(line[margin:] for line in lines)


def items(block):
    """`name: what it is` lines, with their continuations, as a list."""
    entries = re.split(r"\n(?=[\w`*][\w, `*/()]*: )", block)
    found = []
    for text in entries:
        name, colon, rest = text.partition(": ")
        name, rest = (plain(" ".join(part.split())) for part in (name, rest))
        found.append(f"- **{name}**: {rest}" if colon else f"- {name}")
    return "\n".join(found)


def plain(text):
    """Text in which nothing but `code` has a meaning for Markdown."""
    pieces = re.split(r"(`[^`]+`)", text)
    return "".join(
        piece if piece.startswith("`") else SPECIAL.sub(r"\\\1", piece) for piece in pieces
    )


def links(text, docname, root):
    """A page's links to files beside the docs, made to point into the site.

    Notebooks and benchmarks have pages here; of other files the name is left.
    """
    depth = docname.count("/")

    def place(match):
        words, target = match.groups()
        path = target.removeprefix("../" * (depth + 1))
        if path == target:
            return match[0]
        if path.startswith("notebooks/"):
            return f"[{words}]({'../' * depth}generated/{path})"
        if path == "benchmarks/README.md":
            return f"[{words}]({'../' * depth}generated/benchmarks/index.md)"
        if not (root / path).exists():
            raise FileNotFoundError(f"{docname} links to {target}, which is not there.")
        return words

    return re.sub(r"\[([^\]]*)\]\(([^)#\s]+)\)", place, text)


# The zoo and the benchmarks ----------------------------------------------------------------------


def write_zoo(presets, folder):
    """A page for each preset, from its card."""
    for path in sorted(presets.glob("*/card.json")):
        card = json.loads(path.read_text(encoding="utf-8"))
        save(folder / f"{card['name']}.md", *card_page(card))


def card_page(card):
    """What a preset is, how to load it, how good it is, and what it was made by and for."""
    load = f'from oscillator_zoo.models import from_preset\n\nmodel = from_preset("{card["name"]}")'
    facts = {"class": card["class"], "weights": card["num_weights"], "task": card["task"]}
    facts |= {name: card[name] for name in ("recipe", "seed", "epochs")}
    facts |= {"trained": "{seconds} s on {machine}, {date}".format(**card["training"])}
    facts |= {"with": ", ".join(f"{name} {number}" for name, number in card["versions"].items())}
    judge = f"evaluate_{card['task']}"
    problem = "A record of a measurement, which is not in the package."
    if card["problem"] is not None:
        problem = f"```json\n{json.dumps(card['problem'], indent=1)}\n```"
    return (
        f"# {card['name']}",
        "\n".join(plain(note) for note in card.get("notes", ())),
        f"```python\n{load}\n```",
        table(("", ""), facts.items()),
        "## Errors",
        f"What they are, and their units: [`{judge}`](../reference/training.md#{judge}).",
        table(("error", "value"), ((name, f"{value:.3g}") for name, value in flat(card["errors"]))),
        "## Trained on",
        problem,
        f"For use within: `{json.dumps(card.get('trained_for'))}`",
    )


def flat(errors, prefix=""):
    """Names and numbers of nested errors."""
    for name, value in errors.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}, ")
        elif isinstance(value, int | float):
            yield prefix + name.replace("_", " "), value


def table(heading, rows):
    """A table of two columns."""
    lines = [" | ".join(heading), " | ".join("---" for _ in heading)]
    lines += [" | ".join(plain(str(cell)) for cell in row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def write_benchmarks(source, folder):
    """A page for each section of the benchmarks."""
    text = (source / "README.md").read_text(encoding="utf-8")
    first, *sections = re.split(r"\n(?=## )", text)
    names = []
    for section in sections:
        title, _, rest = section.partition("\n")
        names.append(re.sub(r"\W+", "-", title.lower()).strip("-")[:40])
        page = re.sub(r"^##", "#", rest, flags=re.MULTILINE)
        save(folder / f"{names[-1]}.md", title[1:], page)
    tree = "```{toctree}\n:maxdepth: 1\n\n" + "\n".join(names) + "\n```"
    save(folder / "index.md", first, tree)
    for picture in source.glob("*.png"):
        shutil.copy(picture, folder)
