"""A real Apache Kafka on loopback, for development and tests: ``make kafka``, ``make kafka-stop``.

The jars come from Maven Central once, into ``~/.cache/gueststar/kafka``; Java 17 runs them, one
process that is broker and controller. Where there is no Maven, but Docker, the image of the same
version runs, reached from loopback alone. Nothing but the standard library is needed here. Where
GUESTSTAR_KAFKA names an address, that Kafka is used, and nothing is started.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

VERSION = "4.1.0"
IMAGE = f"apache/kafka:{VERSION}"
CLUSTER = "Z3Vlc3RzdGFyLWthZmthMQ"  # any 16 bytes, base64
VARIABLE = "GUESTSTAR_KAFKA"
LARGEST = 16 << 20  # bytes of a message: LSST packets have several MB
START_S = 60.0
ANSWER_S = 2.0
#: Kafka's protocol: how many bytes follow, Metadata, its version 1, a number of ours, our name, and
#: a list of no topics.
QUESTION = struct.pack(">ihhih9si", 23, 3, 1, 4711, 9, b"gueststar", 0)
POM = f"""<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>gueststar</groupId><artifactId>kafka</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId>
    <version>{VERSION}</version>
  </dependency></dependencies>
</project>
"""
SETTINGS = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
log.dirs={folder}/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
message.max.bytes={largest}
replica.fetch.max.bytes={largest}
"""


class Missing(Exception):
    """No Kafka can be had here; the message says what is missing."""


def cache() -> Path:
    """Folder of the jars."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "gueststar" / "kafka" / VERSION


def jars() -> Path:
    """Return the folder of the jars, fetched on first use."""
    folder = cache()
    if not shutil.which("java"):
        raise Missing("no java here: install a Java 17 run-time")
    if folder.is_dir():
        return folder
    if not shutil.which("mvn"):
        raise Missing(f"no mvn here to fetch Kafka {VERSION} with: install Maven")
    draft = folder.with_name(f".{VERSION}.{os.getpid()}")
    draft.mkdir(parents=True)
    (draft / "pom.xml").write_text(POM)
    goals = ["dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=."]
    fetched = subprocess.run(
        ["mvn", "-q", "-B", *goals], cwd=draft, capture_output=True, text=True, check=False
    )
    if fetched.returncode:
        shutil.rmtree(draft)
        raise Missing(f"Maven cannot fetch Kafka {VERSION}: {fetched.stdout.strip()[-300:]}")
    if folder.is_dir():  # another process was faster
        shutil.rmtree(draft)
    else:
        draft.rename(folder)
    return folder


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def answers(port: int) -> bool:
    """Tell whether a Kafka on loopback answers its protocol and has a broker that is ready."""
    try:
        with socket.create_connection(("127.0.0.1", port), ANSWER_S) as sock:
            sock.settimeout(ANSWER_S)
            sock.sendall(QUESTION)
            head = b""
            while len(head) < 12:
                part = sock.recv(12 - len(head))
                if not part:
                    return False
                head += part
    except OSError:
        return False
    _, number, brokers = struct.unpack(">iii", head)
    return number == 4711 and brokers > 0


def broker(folder: Path, port: int | None = None) -> Kafka | DockerKafka:
    """Return a broker that can be started here: of Maven's jars, else of Docker's image.

    Raises
    ------
    Missing
        If neither can be had.
    """
    if shutil.which("java") and (cache().is_dir() or shutil.which("mvn")):
        return Kafka(folder, port)
    if shutil.which("docker"):
        return DockerKafka(folder, port)
    raise Missing("install Java 17 and Maven, or Docker")


class Kafka:
    """One broker in a folder of its own; it can be stopped and started again.

    Parameters
    ----------
    folder : Path
        For its data, settings, log and pid.
    port : int, optional
        On loopback; a free one by default.
    """

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder, self.port = folder.resolve(), port or free_port()
        self.servers = f"127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def _properties(self) -> Path:
        return self.folder / "server.properties"

    def _java(self, main: str, *arguments: str) -> list[str]:
        memory = ["-Xmx512m", "-Xms128m", "-XX:+UseSerialGC"]
        return ["java", *memory, "-cp", f"{jars()}/*", main, *arguments]

    def format(self) -> None:
        """Write the settings and lay out the data folder, unless it was done before."""
        if self._properties.exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        command = ["format", "-t", CLUSTER, "-c", str(self._properties)]
        numbers = {"port": self.port, "controller": free_port(), "largest": LARGEST}
        self._properties.write_text(SETTINGS.format(folder=self.folder, **numbers))
        subprocess.run(
            self._java("kafka.tools.StorageTool", *command), check=True, capture_output=True
        )

    def start(self) -> Kafka:
        """Start, and wait until it answers."""
        self.format()
        command = self._java("kafka.Kafka", str(self._properties))
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )
        (self.folder / "pid").write_text(str(self.process.pid))
        (self.folder / "address").write_text(self.servers)
        self._wait()
        return self

    def _wait(self) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self.process is not None and self.process.poll() is not None:
                break
            if answers(self.port):
                return
            time.sleep(0.1)
        raise Missing(f"Kafka did not start: see {self.folder / 'server.log'}")

    def stop(self, how: int = signal.SIGTERM) -> None:
        """Stop it by its own process id, and wait for its end."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(60)
            self.process = None

    def close(self) -> None:
        """Stop it for good."""
        self.stop()


class DockerKafka:
    """The same broker in a container; it can be stopped and started again.

    Parameters
    ----------
    folder : Path
        For the id of the container; the data are in the container.
    port : int, optional
        On loopback; a free one by default.
    """

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder, self.port = folder.resolve(), port or free_port()
        self.servers = f"127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        """Return what starts the container: its port is published on loopback alone."""
        given = SETTINGS.format(folder="", port=self.port, controller=9093, largest=LARGEST)
        settings = dict(line.split("=", 1) for line in given.splitlines())
        del settings["log.dirs"]  # the image has a place of its own
        settings["listeners"] = f"PLAINTEXT://0.0.0.0:{self.port},CONTROLLER://127.0.0.1:9093"
        named = {f"KAFKA_{key.upper().replace('.', '_')}": v for key, v in settings.items()}
        variables = [f"--env={key}={v}" for key, v in {"CLUSTER_ID": CLUSTER, **named}.items()]
        published = f"--publish=127.0.0.1:{self.port}:{self.port}"
        return ["run", "--detach", published, *variables, IMAGE]

    def start(self) -> DockerKafka:
        """Start, fetching the image on first use, and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if (self.folder / "container").exists():
            docker("start", container_of(self.folder))
        else:
            (self.folder / "container").write_text(docker(*self.command()).split()[-1])
        (self.folder / "address").write_text(self.servers)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if answers(self.port):
                return self
            time.sleep(0.2)
        raise Missing(f"Kafka did not start: see docker logs {container_of(self.folder)}")

    def stop(self, how: int = signal.SIGTERM) -> None:
        """Stop it by the id of its own container."""
        docker("kill" if how == signal.SIGKILL else "stop", container_of(self.folder))

    def close(self) -> None:
        """Stop it for good, and remove the container."""
        docker("rm", "--force", container_of(self.folder))
        (self.folder / "container").unlink()


def container_of(folder: Path) -> str:
    """Return the id of the container that was started for a folder."""
    return (folder / "container").read_text().strip()


def docker(*arguments: str) -> str:
    """Run docker and return what it says.

    Raises
    ------
    Missing
        If it fails, with its own reason.
    """
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Missing(f"docker {arguments[0]} fails: {done.stderr.strip()[-300:]}")
    return done.stdout


def stop(folder: Path) -> str:
    """Stop the broker whose pid, or container, stands in a folder."""
    if (folder / "container").exists():
        name = container_of(folder)
        DockerKafka(folder).close()
        return f"Kafka (container {name[:12]}) stopped and removed"
    file = folder / "pid"
    if not file.exists():
        return f"no Kafka was started in {folder}"
    pid = int(file.read_text())
    file.unlink()
    if not _is_kafka(pid):
        return f"process {pid} is no Kafka any more"
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 60
    while _is_kafka(pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    return f"Kafka (process {pid}) stopped"


def _is_kafka(pid: int) -> bool:
    """Tell whether this process is a running Kafka, and not another that got its number."""
    shown = subprocess.run(
        ["ps", "-ww", "-o", "stat=,args=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    return "kafka.Kafka" in shown and not shown.startswith("Z")


def main(arguments: Sequence[str] | None = None) -> int:
    """``start`` or ``stop``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["start", "stop"])
    parser.add_argument("--folder", type=Path, default=Path(".kafka"))
    parser.add_argument("--port", type=int)
    given = parser.parse_args(arguments)
    if os.environ.get(VARIABLE):
        print(f"{VARIABLE} is set: {os.environ[VARIABLE]}")
        return 0
    try:
        if given.what == "stop":
            print(stop(given.folder))
            return 0
        return _start(given.folder, given.port)
    except Missing as reason:
        print(f"no Kafka: {reason}, or set {VARIABLE} to an address", file=sys.stderr)
        return 1


def _start(folder: Path, port: int | None) -> int:
    address = folder / "address"
    if (folder / "pid").exists() and _is_kafka(int((folder / "pid").read_text())):
        print(f"Kafka answers already at {address.read_text()}")
        return 0
    if (folder / "container").exists() and answers(_port(address)):
        print(f"Kafka answers already at {address.read_text()}")
        return 0
    if address.exists():  # its settings name the port of the first start
        port = _port(address)
    kafka = broker(folder, port or 9092).start()
    print(f"Kafka {VERSION} answers at {kafka.servers}; stop it with make kafka-stop")
    return 0


def _port(address: Path) -> int:
    return int(address.read_text().rpartition(":")[2])


if __name__ == "__main__":
    sys.exit(main())
