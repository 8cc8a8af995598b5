"""What the site needs beyond the pages: the list of commands, pages nobody has placed, links out.

A Sphinx extension. Pages link to files outside ``docs/`` as a reader of the repository needs it;
in the site these become pages or stay plain names.
"""

import pydoc
import re
from pathlib import Path

HERE = Path(__file__).parent

#: Files of the repository that are pages of the site too.
PAGES = {
    "benchmarks/README.md": "/benchmarks.md",
    "CHANGELOG.md": "/changes.md",
    "CONTRIBUTING.md": "/contributing.md",
    "README.md": "/start.md",
}
MORE = "<!-- pages that nobody has placed yet -->"
MARKUP = re.compile(r"\[[a-z]+\](.*?)\[/[a-z]*\]")  # of rich, for terminals
LINK = re.compile(r"\]\(((?:\.\./|docs/)[^)\s#]+)(#[^)\s]*)?\)")


def commands_page():
    """Return the help of every command as Markdown, from the commands themselves."""
    import typer
    from typer.cli import get_docs_for_click

    from gueststar.cli import app

    command = typer.main.get_command(app)
    text = get_docs_for_click(obj=command, ctx=typer.Context(command), name="gueststar")
    return MARKUP.sub(r"`\1`", text).replace("# `gueststar`", "# Commands", 1)


def without_place():
    """Pages of ``docs/`` that no table of contents names: a new page is never an error."""
    contents = [HERE / f"{name}.md" for name in ("index", "how-to", "reference/index")]
    named = " ".join(page.read_text() for page in contents)
    return [p.stem for p in sorted(HERE.glob("*.md")) if not re.search(rf"\b{p.stem}\b", named)]


def link_into_the_site(match):
    """A link that leaves ``docs/`` leads to the page made of that file, if there is one."""
    target, anchor = match[1], match[2] or ""
    inside = target.rpartition("../")[2]
    if inside.startswith("examples/gallery/"):
        return f"](/gallery/{Path(inside).stem}.rst)"
    if inside in PAGES:
        return f"]({PAGES[inside]}{anchor})"
    if target.startswith("docs/"):
        return f"](/{inside.removeprefix('docs/')}{anchor})"
    return match[0]


def mend(app, docname, source):
    """Mend the text of a page before it is read."""
    text = LINK.sub(link_into_the_site, source[0])
    if MORE in text:
        app.env.note_reread()  # there may be new pages though this one is as it was
        text = text.replace(MORE, "\n".join(without_place()))
    source[0] = text


def mend_included(app, path, parent, source):
    """Mend what a page includes from outside."""
    mend(app, parent, source)


def take_what_exists(app, env, node, contnode):
    """Let a reference stand as plain text if its name exists but has no page; else Sphinx warns."""
    if node.get("refdomain") != "py":
        return None
    target, scope = node["reftarget"], node.get("py:module")
    places = [target, f"{scope}.{target}", f"{scope}.{node.get('py:class')}.{target}"]
    return contnode if any(pydoc.locate(place) for place in places) else None


def write_commands(app):
    """Write the page of commands where autosummary writes its own."""
    page = HERE / "reference" / "generated" / "commands.md"
    page.parent.mkdir(exist_ok=True)
    text = commands_page()
    if not page.exists() or page.read_text() != text:  # Sphinx reads again what has changed
        page.write_text(text)


def setup(app):
    """Called by Sphinx."""
    app.connect("builder-inited", write_commands)
    app.connect("source-read", mend)
    app.connect("include-read", mend_included)
    app.connect("missing-reference", take_what_exists)
    return {"parallel_read_safe": True}
