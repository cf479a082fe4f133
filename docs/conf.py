"""How Sphinx makes a site of these pages: `make docs` writes build/docs.

Nothing is fetched, neither when the site is built nor when a page is read: no inventories of other
projects, no fonts, no scripts from elsewhere. Formulas are MathML, which browsers draw themselves.
"""

from __future__ import annotations

import sys
from pathlib import Path

import elman

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "elman"
author = "the elman developers"
copyright = author
version = release = elman.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
    "sphinx_design",
    "sphinx_copybutton",
    "generated_pages",
    "mathml",
    "public_members",
    "repository_links",
]
exclude_patterns = [
    "_ext",
    "_templates",
    "tutorials/GALLERY_HEADER.rst",
    "generated/backreferences",
    "generated/tutorials/*.ipynb",
    "generated/tutorials/*.py",
]
templates_path = ["_templates"]
language = "en"
nitpicky = True
nitpick_ignore_regex = [
    # One backtick in a docstring is a name in code: a link where the site has a page of that name,
    # and otherwise only set as code (a parameter, an expression, a name of another package).
    ("py:obj", ".*"),
    # Bases of our classes in packages that have sites of their own, which are not looked up.
    ("py:class", r"(sklearn|typing|typing_extensions|collections|numpy)\..*"),
]
default_role = "py:obj"
smartquotes = False
toc_object_entries_show_parents = "hide"

myst_enable_extensions = ["dollarmath", "colon_fence", "deflist", "attrs_inline"]
myst_heading_anchors = 4
myst_links_external_new_tab = False

autosummary_generate = True
autodoc_typehints = "none"
autodoc_mock_imports = ["aeon", "sktime"]  # bases of elman.adapters, which are not installed here
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

html_theme = "pydata_sphinx_theme"
html_title = "elman"
html_static_path = ["_static"]
html_css_files = ["elman.css"]
html_logo = "_static/logo.svg"
html_favicon = "_static/logo.svg"
html_show_sourcelink = False
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "logo": {"text": "elman", "alt_text": "elman: the documentation's first page"},
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "navbar_persistent": ["search-button-field"],
    "header_links_before_dropdown": 6,
    "show_nav_level": 1,
    "show_toc_level": 2,
    "navigation_with_keys": True,
    "back_to_top_button": True,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_context = {"default_mode": "auto"}
html_sidebars = {"index": [], "changelog": []}

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

sphinx_gallery_conf = {
    "examples_dirs": "tutorials",
    "gallery_dirs": "generated/tutorials",
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("elman",),
    "reference_url": {"elman": None},
    "filename_pattern": r"\.py$",
    "within_subsection_order": "tutorials.Order",
    "reset_modules": ("matplotlib", "seaborn", "tutorials.healthy"),
    "run_stale_examples": True,
    "abort_on_example_error": True,
    "matplotlib_animations": False,
    "image_srcset": ["2x"],
    "capture_repr": ("_repr_html_",),
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 3600,
    "write_computation_times": False,
    "download_all_examples": False,
    "parallel": False,
}
