"""Sphinx's configuration: MyST pages, numpydoc docstrings, and formulas as MathML.

What is known elsewhere is not repeated: the version is the installed package's, and the reference
is generated from the public names, the pages on mistakes from the catalogue. No page that is built
needs anything from another server.
"""

import re
import sys
from importlib.metadata import version as installed_version
from pathlib import Path

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

project = "chainrule"
author = "the chainrule developers"
project_copyright = f"2026, {author}"
version = release = installed_version("chainrule")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc"]
exclude_patterns = ["_build", "mistakes/generated/table.md", "mistakes/generated/unseen.md"]
templates_path = ["_templates"]

html_theme = "furo"
html_title = f"chainrule {release}"
html_math_renderer = "mathml"
html_copy_source = False

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "fieldlist"]
myst_heading_anchors = 3

autosummary_imported_members = True  # public names are loaded from the files that they live in
autosummary_ignore_module_all = False
autodoc_typehints = "none"  # numpydoc's parameter lists say the types
numpydoc_show_class_members = False  # the template of a class has them


def inline_math(writer: HTML5Translator, node: nodes.math) -> None:
    """Write a formula of a line."""
    writer.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def block_math(writer: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula of its own, with its number if it has one."""
    writer.body.append(writer.starttag(node, "div", CLASS="math"))
    if node["number"]:
        number = get_node_equation_number(writer, node)
        writer.body.append(f'<span class="eqno">({number})</span>')
    writer.body.append(tex2mathml(node.astext(), as_block=True) + "</div>\n")
    raise nodes.SkipNode


def write_mistakes(app: Sphinx) -> None:
    """Write a page for each mistake of the catalogue, with numbers that the engine works out."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tools.mistake_pages import write

    write()


def skips(app: Sphinx, what: str, name: str, *rest: object) -> bool | None:
    """Leave out what scikit-learn gives every estimator for its metadata routing."""
    return True if re.fullmatch(r"set_\w+_request|get_metadata_routing", name) else None


def setup(app: Sphinx) -> None:
    """Register the maker of pages, and the formulas' renderer: docutils makes MathML of LaTeX."""
    app.connect("builder-inited", write_mistakes)
    app.connect("autodoc-skip-member", skips)
    app.add_html_math_renderer("mathml", (inline_math, None), (block_math, None))
