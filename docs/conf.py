"""How Sphinx builds the documentation: ``make docs``, or ``sphinx-build -W docs OUT``.

Nothing is fetched: no inventories of other projects, no fonts, no scripts. The pages are the
Markdown files beside this one, which are readable without it.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import sitegallery

import gueststar

project = "gueststar"
author = "the gueststar developers"
project_copyright = "the gueststar developers, BSD-3-Clause"
version = release = gueststar.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "numpydoc",
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "sitegallery",  # beside this file: the gallery's night
    "sitepages",  # beside this file: pages that are made, links that leave the folder
]
exclude_patterns = ["_build", "_templates"]
templates_path = ["_templates"]
nitpicky = True  # a cross-reference that leads nowhere is a warning, and -W makes it an error
# Names of packages that need not be here; other names are looked up, see sitepages.py.
nitpick_ignore_regex = [("py:.*", r"(confluent_kafka|psycopg|pyspark|torch)\..*")]

# Markdown
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4

# The reference
autosummary_generate = True
autodoc_default_options = {"member-order": "bysource"}
autodoc_typehints = "none"  # the docstrings say types, shapes and units
autodoc_preserve_defaults = True
numpydoc_show_class_members = False  # _templates/autosummary/class.rst lists them
numpydoc_class_members_toctree = False

# Links into other projects, for who builds with a network: GUESTSTAR_DOCS_INTERSPHINX=1 make docs
if os.environ.get("GUESTSTAR_DOCS_INTERSPHINX"):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "astropy": ("https://docs.astropy.org/en/stable", None),
        "pyarrow": ("https://arrow.apache.org/docs", None),
    }

# The gallery
sphinx_gallery_conf = sitegallery.settings()

# The pages
html_theme = "pydata_sphinx_theme"
html_title = "gueststar"
html_static_path = ["_static", str(sitegallery.plotly_script())]
html_css_files = ["gueststar.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navbar_align": "left",
    "navigation_with_keys": False,
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": [],
}
copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True
