"""How Sphinx builds the site: `sphinx-build -W -b html docs docs/_build`.

Nothing of the project is imported, and no notebook is run: they are shown as they are stored.
"""

import pathlib
import shutil
import sys

DOCS = pathlib.Path(__file__).parent
sys.path.insert(0, str(DOCS))

import pages  # noqa: E402

project = "oscillator-zoo"
author = "the authors of oscillator-zoo"
extensions = ["myst_nb"]
exclude_patterns = ["_build", "jupyter_execute"]
nb_execution_mode = "off"
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "oscillator-zoo"
html_show_copyright = False
html_static_path = ["_static"]
mathjax_path = "mathjax/tex-chtml.js"  # of this site itself: nothing is asked of other hosts


def write_generated_pages(app):
    """Copies and writes what the site has from elsewhere, before Sphinx looks for pages."""
    generated = DOCS / "generated"
    shutil.rmtree(generated, ignore_errors=True)
    pages.write(DOCS.parent, generated)


def point_links_into_the_site(app, docname, source):
    """What works in a checkout works here too."""
    if not docname.startswith("generated/"):
        source[0] = pages.links(source[0], docname, DOCS.parent)


def copy_moving_page(app, exception):
    """The page that moves is plain files; it works from a folder, without a server."""
    if exception is None and app.builder.format == "html":
        ignored = shutil.ignore_patterns("*.py", "__pycache__")
        shutil.copytree(DOCS / "moving", app.outdir / "moving", ignore=ignored, dirs_exist_ok=True)


def setup(app):
    app.connect("builder-inited", write_generated_pages)
    app.connect("source-read", point_links_into_the_site)
    app.connect("build-finished", copy_moving_page)
