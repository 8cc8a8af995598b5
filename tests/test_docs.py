"""The documentation is under test: its Python runs, its commands run, nothing is left out.

Blocks marked ``python`` in one page run in order in one namespace, in an empty folder. Lines
``$ gueststar ...`` of ``console`` blocks run too, but for commands that serve until stopped.
A block after ``<!-- not run: why -->`` is left out. Those after ``<!-- kafka -->`` run by
themselves, in order, where there is a Kafka: its address takes the place of ``localhost:9092``.
Those after ``<!-- postgres -->`` run likewise on a PostgreSQL, in the place of
``localhost:5433/alerts``, with its own programs and SQL.
"""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md")), *sorted(DOCS.glob("tutorials/*.md"))]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
BLOCK = re.compile(
    r"(?:<!-- (not run|kafka|spark|postgres).*?-->\n)?```(python|console|toml|sql)\n(.*?)```",
    re.DOTALL,
)
SERVES = ("serve", "demo")
PROGRAMS = ("createdb", "pg_dump", "pg_restore")  # of PostgreSQL, run as they stand


def blocks_of(page, mark=""):
    """Blocks that carry this mark: (language, text)."""
    found = BLOCK.findall(page.read_text())
    return [(language, text) for marked, language, text in found if marked == mark]


def run(arguments, folder):
    env = {**os.environ, "GUESTSTAR_MODELS": str(folder / "models"), "COLUMNS": "200"}
    done = subprocess.run(
        arguments, cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def commands_of(text):
    """What is run of a console block, word by word."""
    lines = text.replace("\\\n", " ").splitlines()
    typed = [shlex.split(line[2:], comments=True) for line in lines if line.startswith("$ ")]
    ours = [sys.executable, "-m"]
    return [
        words if words[0] in PROGRAMS else [*ours, *words]
        for words in typed
        if words[0] in PROGRAMS or (words[0] == "gueststar" and words[1] not in SERVES)
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_example_of_a_page_runs(page, tmp_path):
    script = []
    for language, text in blocks_of(page):
        if language == "python":
            script.append(text)
        elif language == "console":
            run_commands(text, tmp_path)
    if script:
        run_script("\n".join(script), tmp_path)


@pytest.mark.parametrize("page", [p for p in PAGES if blocks_of(p, "kafka")], ids=lambda p: p.name)
def test_every_example_with_a_kafka_runs(page, kafka, tmp_path):
    for language, text in blocks_of(page, "kafka"):
        text = text.replace("localhost:9092", kafka.servers)
        if language == "toml":
            (tmp_path / "broker.toml").write_text(text)
        elif language == "python":
            run_script(text, tmp_path)
        else:
            run_commands(text, tmp_path)


@pytest.mark.parametrize(
    "page", [p for p in PAGES if blocks_of(p, "postgres")], ids=lambda p: p.name
)
def test_every_example_with_a_postgres_runs(page, own_postgres, tmp_path):
    """A server of its own: roles are of the server, and stay."""
    own_postgres.execute("CREATE DATABASE alerts")
    server = own_postgres.base.partition("@")[2].partition("/")[0]
    for language, text in blocks_of(page, "postgres"):
        text = text.replace("localhost:5433", server)
        if language == "sql":
            own_postgres.execute(text, f"postgresql://gueststar@{server}/alerts")
        elif language == "python":
            run_script(text, tmp_path)
        else:
            run_commands(text, tmp_path)


def run_commands(text, folder):
    for command in commands_of(text):
        run(command, folder)


def run_script(text, folder):
    path = folder / "page.py"
    path.write_text(text)
    run([sys.executable, "-W", "error", str(path)], folder)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda p: p.name)
def test_every_example_file_runs(example, tmp_path):
    assert run([sys.executable, "-W", "error", str(example)], tmp_path)


def test_the_table_of_tasks_is_what_the_example_counts():
    spec = importlib.util.spec_from_file_location("tasks", ROOT / "examples/twelve_tasks.py")
    tasks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tasks)
    assert tasks.table() in (DOCS / "tutorials/twelve-tasks.md").read_text()


def test_links_between_pages_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_command_is_in_the_documentation():
    from gueststar.cli import app

    text = "\n".join(page.read_text() for page in PAGES)
    names = [c.name or c.callback.__name__ for c in app.registered_commands]
    names += [group.typer_instance.info.name for group in app.registered_groups]
    assert not [name for name in names if f"gueststar {name}" not in text]


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120
