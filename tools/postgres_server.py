"""A real PostgreSQL on loopback, for development and tests (``make postgres``, ``postgres-stop``).

The binaries are Debian's (``apt-get install postgresql``) or those on the PATH. ``initdb`` refuses
root: where we are root, everything runs as the user ``postgres``. Nothing but the standard library
is needed here. Where GUESTSTAR_POSTGRES names a URL, that server is used, and nothing is started.
"""

from __future__ import annotations

import argparse
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

VARIABLE = "GUESTSTAR_POSTGRES"
OLDEST = 15
PORT = 5433  # 5432 belongs to a server that the system may run
START_S = 60.0
SETTINGS = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = 100
shared_buffers = 128MB
max_wal_size = 1GB
logging_collector = off
"""


class Missing(Exception):
    """No PostgreSQL can be had here; the message says what is missing."""


def binaries() -> Path:
    """Return the folder of ``initdb`` and ``pg_ctl``, the newest version first."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version, reverse=True)
    if found and _version(found[0]) >= OLDEST:
        return found[0].parent
    if (there := shutil.which("initdb")) and shutil.which("pg_ctl"):
        return Path(there).resolve().parent
    raise Missing(f"no initdb of version {OLDEST} or newer: apt-get install postgresql")


def _version(path: Path) -> float:
    try:
        return float(path.parents[1].name)
    except ValueError:
        return 0.0


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Postgres:
    """One server in a folder of its own; it can be stopped and started again.

    Parameters
    ----------
    folder : Path
        For its data, settings and log.
    port : int, optional
        On loopback; a free one by default.
    more : str
        More lines of settings.
    """

    def __init__(self, folder: Path, port: int | None = None, more: str = "") -> None:
        self.more = more
        self.folder, self.port = folder.resolve(), port or free_port()
        self.url = f"postgresql://gueststar@127.0.0.1:{self.port}/postgres"

    @property
    def data(self) -> Path:
        """Folder of the data."""
        return self.folder / "data"

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(binaries() / program), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        return subprocess.run(
            command, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )

    def make(self) -> None:
        """Lay out the data folder, unless it was done before."""
        if (self.data / "PG_VERSION").exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            _give_to_postgres(self.folder)
        options = ["-A", "trust", "-U", "gueststar", "-E", "UTF8", "--locale=C.UTF-8"]
        done = self._run("initdb", "-D", str(self.data), *options)
        if done.returncode:
            raise Missing(f"initdb failed: {done.stderr.strip()[-300:]}")
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.write(SETTINGS.format(port=self.port) + self.more)

    def start(self) -> Postgres:
        """Start, and wait until it answers."""
        self.make()
        log = self.folder / "server.log"
        options = ["-D", str(self.data), "-l", str(log), "-w", "-t", f"{START_S:.0f}"]
        if self._run("pg_ctl", "start", *options).returncode:
            last = log.read_text()[-300:] if log.exists() else ""
            raise Missing(f"PostgreSQL did not start: see {log} {last}")
        (self.folder / "address").write_text(self.url)
        return self

    def stop(self, how: str = "fast") -> None:
        """Stop it by its own process id, and wait for its end.

        Parameters
        ----------
        how : {"smart", "fast", "immediate"}
            The last leaves it as a power failure would.
        """
        self._run("pg_ctl", "stop", "-D", str(self.data), "-m", how, "-w")

    def kill(self) -> None:
        """End the server and all its backends by SIGKILL, as a machine that is switched off."""
        pid = pid_of(self.folder)
        if pid is None:
            return
        for process in (pid, *self._children(pid)):  # the first starts no others any more
            _signalled(process, signal.SIGKILL)
        deadline = time.monotonic() + START_S
        while _signalled(pid, 0) and time.monotonic() < deadline:  # a zombie still bars the start
            time.sleep(0.05)

    def kill_backend(self) -> bool:
        """End one backend of a client by SIGKILL: the server then ends all, and recovers.

        Returns
        -------
        bool
            False if no client was there.
        """
        pid = pid_of(self.folder)
        found = self._children(pid, " gueststar ") if pid is not None else []
        return bool(found) and _signalled(found[0], signal.SIGKILL)

    @staticmethod
    def _children(pid: int, words: str = "") -> list[int]:
        shown = subprocess.run(
            ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(pid)],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        return [int(line.split()[0]) for line in shown.splitlines() if words in line]


def _signalled(pid: int, how: int) -> bool:
    try:
        os.kill(pid, how)
    except ProcessLookupError:  # it has ended by itself
        return False
    return True


def _give_to_postgres(folder: Path) -> None:
    """Give a folder to the user ``postgres``, who must be able to walk to it."""
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        raise Missing("root may not run it, and there is no user postgres") from None
    os.chown(folder, user.pw_uid, user.pw_gid)
    folder.chmod(0o700)
    walk = ["runuser", "-u", "postgres", "--", "test", "-w", str(folder)]
    if subprocess.run(walk, check=False, cwd="/").returncode:
        raise Missing(f"the user postgres cannot reach {folder}: name a --folder that it can")


def stop(folder: Path) -> str:
    """Stop the server of a folder."""
    pid = pid_of(folder)
    if pid is None:
        return f"no PostgreSQL runs in {folder}"
    os.kill(pid, signal.SIGINT)  # fast shutdown
    deadline = time.monotonic() + 60
    while pid_of(folder) is not None and time.monotonic() < deadline:
        time.sleep(0.1)
    return f"PostgreSQL (process {pid}) stopped"


def pid_of(folder: Path) -> int | None:
    """Return the process of a folder's server, if it runs and is no other that got its number."""
    file = folder.resolve() / "data" / "postmaster.pid"
    try:
        pid = int(file.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None
    shown = subprocess.run(
        ["ps", "-ww", "-o", "stat=,args=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    return pid if str(file.parent) in shown and not shown.startswith("Z") else None


def main(arguments: Sequence[str] | None = None) -> int:
    """``start`` or ``stop``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["start", "stop"])
    parser.add_argument("--folder", type=Path, default=Path(".postgres"))
    parser.add_argument("--port", type=int)
    given = parser.parse_args(arguments)
    if os.environ.get(VARIABLE):
        print(f"{VARIABLE} is set: {os.environ[VARIABLE]}")
        return 0
    if given.what == "stop":
        print(stop(given.folder))
        return 0
    try:
        return _start(given.folder, given.port)
    except Missing as reason:
        print(f"no PostgreSQL: {reason}, or set {VARIABLE} to a URL", file=sys.stderr)
        return 1


def _start(folder: Path, port: int | None) -> int:
    address = folder / "address"
    if pid_of(folder) is not None and address.exists():
        print(f"PostgreSQL answers already: {address.read_text()}")
        return 0
    if address.exists():  # its settings name the port of the first start
        port = int(address.read_text().rpartition(":")[2].partition("/")[0])
    server = Postgres(folder, port or PORT).start()
    print("PostgreSQL answers; stop it with make postgres-stop. Use it with")
    print(f"  --store {server.url}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
