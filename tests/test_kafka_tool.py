"""tools/kafka_server.py: what answers, what is chosen, and the container that is asked for."""

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from conftest import kafka_tool

tool = kafka_tool()


def test_an_open_port_is_no_answer(kafka):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert not tool.answers(silent.getsockname()[1])
    assert not tool.answers(tool.free_port())
    assert tool.answers(int(kafka.servers.rpartition(":")[2]))


def path_with(folder, monkeypatch, *programs):
    """Leave these programs alone in the path, and no jars in the cache."""
    for name in programs:
        if (found := shutil.which(name)) is None:
            pytest.skip(f"no {name} here")
        (folder / name).symlink_to(Path(found).resolve())
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))


def test_maven_comes_before_docker(monkeypatch, tmp_path):
    path_with(tmp_path, monkeypatch, "java", "mvn")
    assert isinstance(tool.broker(tmp_path / "kafka"), tool.Kafka)


def test_docker_is_used_where_there_is_no_maven(monkeypatch, tmp_path):
    path_with(tmp_path, monkeypatch, "docker")
    assert isinstance(tool.broker(tmp_path / "kafka"), tool.DockerKafka)


def test_without_both_it_says_what_to_install(monkeypatch, tmp_path, capsys):
    path_with(tmp_path, monkeypatch)
    monkeypatch.delenv(tool.VARIABLE, raising=False)
    assert tool.main(["start", "--folder", str(tmp_path / "kafka")]) == 1
    said = capsys.readouterr().err
    assert "Maven, or Docker" in said
    assert tool.VARIABLE in said


def test_an_address_wins_over_both(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv(tool.VARIABLE, "kafka.example.org:9092")
    assert tool.main(["start", "--folder", str(tmp_path)]) == 0
    assert "kafka.example.org:9092" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_the_container_is_reached_from_loopback_alone(tmp_path):
    command = tool.DockerKafka(tmp_path, 19092).command()
    assert command[-1] == f"apache/kafka:{tool.VERSION}"
    assert [c for c in command if "publish" in c] == ["--publish=127.0.0.1:19092:19092"]
    given = dict(c.removeprefix("--env=").split("=", 1) for c in command if c.startswith("--env="))
    assert given["KAFKA_ADVERTISED_LISTENERS"] == "PLAINTEXT://127.0.0.1:19092"
    assert given["KAFKA_PROCESS_ROLES"] == "broker,controller"
    assert given["KAFKA_MESSAGE_MAX_BYTES"] == str(tool.LARGEST)
    assert "KAFKA_LOG_DIRS" not in given


def daemon():
    """Tell whether a Docker daemon answers."""
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0


def test_a_docker_without_its_daemon_is_told(tmp_path):
    if shutil.which("docker") is None or daemon():
        pytest.skip("needs a docker whose daemon does not run")
    with pytest.raises(tool.Missing, match="docker run fails"):
        tool.DockerKafka(tmp_path).start()


@pytest.mark.slow
def test_a_container_starts_and_stops(tmp_path):
    if not daemon():
        pytest.skip("no Docker daemon answers here")
    server = tool.DockerKafka(tmp_path).start()
    assert tool.answers(server.port)
    server.stop()
    assert not tool.answers(server.port)
    server.start()
    assert "removed" in tool.stop(tmp_path)
