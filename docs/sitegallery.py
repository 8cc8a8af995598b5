"""The gallery's night, and how its figures are shown: a Sphinx extension.

The scripts of ``examples/gallery`` run beside a night of their own, as a reader would run them:
they are copied to ``docs/_build/night``, where the night is made once.
"""

import shutil
from pathlib import Path

HERE = Path(__file__).parent
SCRIPTS = HERE.parent / "examples" / "gallery"
NIGHT = HERE / "_build" / "night"
ALERTS, SEED = 400, 1  # as the head of the gallery says


def make_night(app):
    """Simulate and store the night unless it is there, and put the scripts beside it."""
    from gueststar.classifiers.realbogus import default_module
    from gueststar.pipeline import Pipeline
    from gueststar.run.ingest import ingest
    from gueststar.simulate import write_night
    from gueststar.sources import FileSource
    from gueststar.store import open_store

    done = NIGHT / "done"
    if not done.exists():
        shutil.rmtree(NIGHT, ignore_errors=True)
        write_night(NIGHT / "night", ALERTS, SEED)
        with open_store(f"sqlite:///{NIGHT}/night.db") as store:
            source = FileSource([NIGHT / "night"])
            ingest([source], Pipeline([default_module()]), store)
        done.touch()
    (NIGHT / "stream.db").unlink(missing_ok=True)  # the stream's script makes it anew
    for script in SCRIPTS.iterdir():
        if script.is_file():
            shutil.copy(script, NIGHT / script.name)


def plotly_figures():
    """Have Plotly write figures that take its script from the site."""
    import plotly.io as pio
    from plotly.io.base_renderers import MimetypeRenderer

    class FromTheSite(MimetypeRenderer):
        def to_mimebundle(self, figure):
            options = {"include_plotlyjs": False, "include_mathjax": False, "full_html": False}
            return {"text/html": pio.to_html(figure, validate=False, **options)}

    pio.renderers["site"] = FromTheSite()
    pio.renderers.default = "site"


def plotly_script():
    """The script of Plotly that its package has inside."""
    import plotly

    return Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


def add_script(app, pagename, templatename, context, doctree):
    """Load Plotly where a figure of it is, and nowhere else: it is large."""
    if "plotly-graph-div" in context.get("body", ""):
        app.add_js_file("plotly.min.js")


def settings():
    """What sphinx-gallery is to do."""
    return {
        "examples_dirs": str(NIGHT),
        "gallery_dirs": "gallery",
        "filename_pattern": r"\.py",
        "within_subsection_order": "ExampleTitleSortKey",
        "image_scrapers": ("matplotlib",),
        "image_srcset": ["2x"],
        "capture_repr": ("_repr_html_", "__repr__"),
        "download_all_examples": False,
        "show_signature": False,
        "write_computation_times": False,
        "remove_config_comments": True,
    }


def setup(app):
    """Called by Sphinx."""
    plotly_figures()
    app.connect("builder-inited", make_night, priority=100)  # before sphinx-gallery
    app.connect("html-page-context", add_script)
    return {"parallel_read_safe": True}
