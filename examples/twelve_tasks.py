"""Twelve things that astronomers do with brokers, with the lines that each takes here.

Run it anywhere: it simulates a night, stores it in a temporary folder, walks through the tasks and
prints a table, which ``docs/tutorials/twelve-tasks.md`` has too. Our lines are counted in this
file: what a user types, imports and ``Broker()`` aside. The peers' are those of their own notebooks
and documentation, imports and login included, as they stood in autumn 2026.
"""

import contextlib
import inspect
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import QTable, Table
from cdshealpix.nested import healpix_to_lonlat
from mocpy import MOC
from typer.testing import CliRunner

from gueststar import Broker
from gueststar.cli import app


def light_curve(b, name, mine):
    b[name].lc.plot()


def cone_search(b, name, mine):
    b.cone("10:12:13.4 -02:03:04", 5)


def cross_match(b, name, mine):
    b.xmatch(mine, radius=2 * u.arcsec)


def candidates(b, name, mine):
    tonight = b.night(sort="score", min_score=0.5, limit=100)
    b.alert(tonight["alert_id"][0])
    b.annotate(tonight["object_id"][0], "SN?", kind="tag")


#: Settings of ``gueststar run``: what an SQL line selects goes out while the alerts come in.
FILTER = """\
store = "sqlite:///live.db"
[source]
kind = "files"
paths = ["packets"]
[filters]
young = "mag < 19 AND rb_real > 0.9"
[output]
kind = "archive"
path = "young"
filter = "young"
"""


def filter_that_pushes(b, name, mine):
    Path("broker.toml").write_text(FILTER)
    gueststar("run", "broker.toml")


def what_is_new(b, name, mine):
    for row in b.alerts(since="2020-01-01", limit=50):
        row["alert_id"]


def stamps(b, name, mine):
    b[name].cutouts.plot()


def probabilities(b, name, mine):
    b[name].scores["class", "value", "reason", "version"]


def context(b, name, mine):
    gueststar("catalogs", "add", "mine.csv", "--name", "mine", "--id", "name")
    gueststar("catalogs", "match", "mine")
    print(b[name].matches)


def sql(b, name, mine):
    b.sql("SELECT band, count(*) AS n, min(mag) AS brightest FROM alerts GROUP BY band")


def bulk(b, name, mine):
    b.alerts(limit=1_000_000).write("alerts.ecsv", overwrite=True)


def follow_up(b, name, mine):
    likely = MOC.from_multiordermap_fits_file("skymap.fits", cumul_to=0.9)
    b.alerts(region=likely, since="2020-01-01", sort="score")
    b[name].observability("palomar", night="2026-11-26").plot()
    b[name].tns_report(reporter="A. Person (Institute)", reporting_group_id=7)


class Task(NamedTuple):
    """A task, what does it, and the shortest way that a peer documents."""

    title: str
    function: Callable
    peer: str


TASKS = [
    Task("light curve of an object", light_curve, "ALeRCE: 3, then 10 to 30 to plot"),
    Task("cone search", cone_search, "Lasair: 3 for ids, then photometry by another call"),
    Task(
        "cross-match of a list", cross_match, "Fink: a loop of POSTs; Lasair: an upload, 5 clicks"
    ),
    Task("last night's candidates, and a decision", candidates, "ALeRCE SN Hunter: a page"),
    Task("a filter that pushes", filter_that_pushes, "Lasair: a form, about 10 clicks"),
    Task("what is new", what_is_new, "babamul: 4, with credentials; Lasair: 15"),
    Task("stamps", stamps, "ALeRCE, babamul: 1"),
    Task("probabilities, and why none", probabilities, "ALeRCE: 1, without a reason"),
    Task("context: what is known there", context, "Lasair: 1, with a token"),
    Task("SQL over everything", sql, "ALeRCE, Lasair: 2 to 3, with a token or quotas"),
    Task("bulk download", bulk, "Fink Data Transfer: Kafka and a command-line tool"),
    Task(
        "follow-up: sky map, visibility, report", follow_up, "SkyPortal: pages; Lasair: the map's"
    ),
]


def gueststar(*words):
    """Do what ``gueststar WORDS`` does in a shell."""
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output


def lines_of(function):
    """Lines that a user types: the body of the function, and the settings that it writes."""
    body = inspect.getsource(function).strip().splitlines()[1:]
    written = [name for name in ("FILTER",) if any(name in line for line in body)]
    return len(body) + sum(len(globals()[name].splitlines()) - 1 for name in written)


def table():
    """Return the tasks as a table in Markdown."""
    rows = ["| | task | lines here | at a peer, autumn 2026 |", "|---|---|---|---|"]
    for number, task in enumerate(TASKS, 1):
        rows.append(f"| {number} | {task.title} | {lines_of(task.function)} | {task.peer} |")
    return "\n".join(rows)


def prepare():
    """Store a night here; return what the tasks are about: a name and a list of positions."""
    gueststar("simulate", "night", "--alerts", "200", "--out", "packets")
    gueststar("ingest", "packets", "--store", "sqlite:///gueststar.db")
    with Broker() as b:
        objects = b.objects(min_detections=2, limit=20)
    mine = Table({"name": objects["object_id"], "ra": objects["ra"], "dec": objects["dec"]})
    mine.write("mine.csv")
    write_sky_map(mine)
    return str(objects["object_id"][0]), mine


def write_sky_map(mine):
    """Write a sky map in the form of the gravitational-wave networks: a density in each cell."""
    order = 4
    cells = np.arange(12 * 4**order)  # nested
    centre = SkyCoord(mine["ra"][0], mine["dec"][0], unit="deg")
    away = SkyCoord(*healpix_to_lonlat(cells, order)).separation(centre)
    weight = np.exp(-0.5 * (away.deg / 10) ** 2)
    density = weight / weight.sum() * len(cells) / (4 * np.pi * u.sr)
    table = QTable({"UNIQ": cells + 4 * 4**order, "PROBDENSITY": density})
    table.meta = {"PIXTYPE": "HEALPIX", "ORDERING": "NUNIQ", "COORDSYS": "C", "MOCORDER": order}
    table.write("skymap.fits")


def main():
    """Do every task over a stored night, and print the table."""
    folder = tempfile.mkdtemp()
    with contextlib.chdir(folder):
        name, mine = prepare()
        for task in TASKS:
            with Broker() as b:
                task.function(b, name, mine)
        assert list(Path("young").rglob("*.parquet"))
    shutil.rmtree(folder)
    print(table())


if __name__ == "__main__":
    main()
