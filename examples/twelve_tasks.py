"""What astronomers do with brokers, as far as gueststar does it today, with the lines it takes.

Run it anywhere: it simulates a night, stores it in a temporary folder, and walks through the tasks.
The count of lines is taken from this file: what a user would type, imports and `Broker()` aside.
The peers' counts are those of their own notebooks and documentation, imports included.
"""

import contextlib
import inspect
import subprocess
import sys
import tempfile

from astropy import units as u
from astropy.table import Table

from gueststar import Broker

#: Beside each task, the shortest way that a peer documents.
PEERS = {
    "1 light curve": "ALeRCE: 3 lines, then 10 to 30 to plot",
    "2 cone search": "Lasair: 3 lines, ids only; then a second call for photometry",
    "3 cross-match of a list": "Fink: a loop of POSTs; Lasair: an upload with login, 5 clicks",
    "4 last night's candidates": "ALeRCE SN Hunter: a page",
    "6 consume what is new": "babamul: 4 lines, with credentials",
    "7 stamps": "ALeRCE: 1 line; babamul: 1 line",
    "8 probabilities, and why none": "ALeRCE: 1 line, no reason",
    "10 SQL": "ALeRCE, Lasair: 2 to 3 lines, with a token or quotas",
    "11 bulk download": "Fink Data Transfer: Kafka and a command-line tool",
}
NOT_YET = {
    "5 filter that pushes": "filters run in `gueststar run` (docs/filters.md), not from Broker yet",
    "9 context": "no catalogues, no TNS table, no redshifts yet",
    "12 follow-up": "no visibility, no report to the TNS, no sky maps yet",
}


def light_curve(b, name, mine):
    b[name].lc.plot()


def cone_search(b, name, mine):
    b.cone("10:12:13.4 -02:03:04", 5)


def cross_match(b, name, mine):
    b.xmatch(mine, radius=2 * u.arcsec)


def candidates(b, name, mine):
    tonight = b.night(sort="score", min_score=0.5, limit=100)
    return b.alert(tonight["alert_id"][0])


def what_is_new(b, name, mine):
    for row in b.alerts(since="2020-01-01", limit=50):
        row["alert_id"]


def stamps(b, name, mine):
    b[name].cutouts.plot()


def probabilities(b, name, mine):
    b[name].scores["class", "value", "reason", "version"]


def sql(b, name, mine):
    b.sql("SELECT band, count(*) AS n, min(mag) AS brightest FROM alerts GROUP BY band")


def bulk(b, name, mine):
    b.alerts(limit=1_000_000).write("alerts.ecsv", overwrite=True)


TASKS = dict(
    zip(
        PEERS,
        (
            light_curve,
            cone_search,
            cross_match,
            candidates,
            what_is_new,
            stamps,
            probabilities,
            sql,
            bulk,
        ),
        strict=True,
    )
)


def lines_of(task):
    """Lines that a user types: the body of the function."""
    return len(inspect.getsource(task).strip().splitlines()) - 1


def main():
    """Store a simulated night, do every task, and print how many lines each took."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/night.db"
        command = ["ingest", "simulate:200:1", "--store", url]
        subprocess.run([sys.executable, "-m", "gueststar", *command], check=True, stdout=sys.stderr)
        with contextlib.chdir(folder), Broker(url) as b:
            objects = b.objects(min_detections=2, limit=20)
            mine = Table({"ra": objects["ra"], "dec": objects["dec"]})
            for task, function in TASKS.items():
                function(b, str(objects["object_id"][0]), mine)
                print(f"{task:32} lines: {lines_of(function)}   {PEERS[task]}")
    for task, reason in NOT_YET.items():
        print(f"{task:32} not yet: {reason}")


if __name__ == "__main__":
    main()
