"""The default needs no network and no torch."""

import subprocess
import sys

SCRIPT = """
import socket, sys

def refuse(*arguments, **options):
    raise AssertionError("the network was asked for")

socket.socket.connect = refuse
socket.getaddrinfo = refuse
from gueststar.cli import main
sys.argv = ["gueststar", "ingest", "simulate:40:1", "--json"]
main()
"""

IMPORTS = """
import sys
import gueststar.run.ingest, gueststar.surveys.decode, gueststar.classifiers.choose
from gueststar.classifiers.choose import modules_named
modules_named(["rb"])
heavy = {"torch", "plotly", "matplotlib", "onnx", "h5py", "pyspark", "litestar"} & set(sys.modules)
assert not heavy, heavy
"""


def run(script, folder):
    command = [sys.executable, "-c", script]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_night_is_ingested_without_the_network(tmp_path):
    done = run(SCRIPT, tmp_path)
    assert done.returncode == 0, done.stderr
    assert '"stored": 40' in done.stdout


def test_what_the_stream_imports_is_light(tmp_path):
    done = run(IMPORTS, tmp_path)
    assert done.returncode == 0, done.stderr
