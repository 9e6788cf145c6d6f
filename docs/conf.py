"""Sphinx's configuration: MyST pages, numpydoc docstrings, and formulas as MathML.

The API reference, the pages on mistakes and the plots of the benchmarks are generated for each
build. The pages load nothing from other servers.
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
html_static_path = ["_static"]
html_css_files = ["pages.css"]

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "fieldlist"]
myst_heading_anchors = 3

autosummary_imported_members = True  # public names are defined in submodules
autosummary_ignore_module_all = False
autodoc_typehints = "none"  # the parameter lists of numpydoc have the types
numpydoc_show_class_members = False  # the class template lists them


def inline_math(writer: HTML5Translator, node: nodes.math) -> None:
    """Write an inline formula."""
    writer.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def block_math(writer: HTML5Translator, node: nodes.math_block) -> None:
    """Write a displayed formula, with its number if it has one."""
    writer.body.append(writer.starttag(node, "div", CLASS="math"))
    if node["number"]:
        number = get_node_equation_number(writer, node)
        writer.body.append(f'<span class="eqno">({number})</span>')
    writer.body.append(tex2mathml(node.astext(), as_block=True) + "</div>\n")
    raise nodes.SkipNode


def write_generated(app: Sphinx) -> None:
    """Write a page for each mistake of the catalogue, and the plots of the benchmarks."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from benchmarks import plots
    from tools import mistake_pages

    mistake_pages.write()
    plots.write()


def skips(app: Sphinx, what: str, name: str, *rest: object) -> bool | None:
    """Leave out the methods that scikit-learn adds to every estimator for metadata routing."""
    return True if re.fullmatch(r"set_\w+_request|get_metadata_routing", name) else None


def setup(app: Sphinx) -> None:
    """Register the writers of generated files, and docutils' conversion of LaTeX to MathML."""
    app.connect("builder-inited", write_generated)
    app.connect("autodoc-skip-member", skips)
    app.add_html_math_renderer("mathml", (inline_math, None), (block_math, None))
