"""Proves the settings of a broker before it starts, and says what would run.

Nothing is read, written or sent, and no Kafka is asked: its settings are only given to its client,
which knows them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from gueststar.classifiers.choose import modules_named
from gueststar.contracts import Filter, ScienceModule
from gueststar.errors import BadInput
from gueststar.run.assemble import make_catalogues, make_filters, make_source
from gueststar.run.config import Config
from gueststar.run.parts import (
    ArchivedConfig,
    FilesConfig,
    FolderConfig,
    KafkaConfig,
    OutputConfig,
    SimulateConfig,
    SourceConfig,
    is_shared,
    split_urls,
)
from gueststar.sinks.store import check_known
from gueststar.store import Store, is_server, open_store, store_exists, store_name, store_path
from gueststar.store.places import Folder, place_of, place_url

Engine = Literal["local", "spark"]


@dataclass(frozen=True)
class Finding:
    """One line of what would run.

    Parameters
    ----------
    part : str
        ``source``, ``module``, ``filter``, ``output``, ``store``, ``catalogue``, ``archive``,
        ``engine``.
    what : str
    warning : str
        What may be a mistake; empty if nothing.
    """

    part: str
    what: str
    warning: str = ""


def check(config: Config, engine: Engine = "local") -> list[Finding]:
    """Check everything that can be checked without starting.

    Raises
    ------
    GueststarError
        The first thing that cannot be, with the way out.
    """
    modules = modules_named(config.modules)
    filters = make_filters(config, [*_catalogue_modules(config, engine), *modules])
    found = [Finding("source", _source(source, engine)) for source in config.sources]
    found += [Finding("module", f"{module.name} {module.version}") for module in modules]
    found += [_filter(config, filter) for filter in filters]
    found += [Finding("output", _output(output)) for output in config.outputs]
    found += _places(config)
    found += _spark(config) if engine == "spark" else _local(config)
    return found


def _source(given: SourceConfig, engine: Engine) -> str:
    here, urls = split_urls(given.paths) if isinstance(given, FilesConfig) else ([], [])
    if isinstance(given, FilesConfig) and urls and engine == "spark":
        files = replace(given, paths=tuple(here))
        return ", ".join([*urls, _source(files, engine)] if here else urls)
    source = make_source(given)
    if isinstance(given, KafkaConfig):
        _check_consumer(given)
        end = f", until {given.until}" if given.until else ""
        return (
            f"Kafka {given.servers}: {', '.join(given.topics)} (group {given.group}, from "
            f"{given.start}{end})"
        )
    if isinstance(given, FilesConfig):
        return f"{len(getattr(source, 'files', []))} files of {', '.join(given.paths)}"
    if isinstance(given, ArchivedConfig):
        return f"archive {given.path}, scored again: {len(getattr(source, 'files', []))} files"
    return f"a simulated night of {given.alerts} alerts, seed {given.seed}"


def _check_consumer(given: KafkaConfig) -> None:
    from gueststar.sources.kafka import SETTINGS
    from gueststar.streams import client

    named = {"bootstrap.servers": given.servers, "group.id": given.group}
    quiet = {"error_cb": lambda _: None}
    client.consumer({**SETTINGS, **named, **quiet, **given.options}).close()


def _filter(config: Config, filter: Filter) -> Finding:
    text = next(one.text for one in config.filters if one.name == filter.name)
    warning = "; ".join(getattr(filter, "unseen", ()))
    if warning:
        warning = f"ZTF's schema 4.02 lacks it, another may have it: {warning}"
    elif filter.name not in {output.filter for output in config.outputs}:
        warning = "no output asks for it"
    return Finding("filter", f"{filter.name}: {text}", warning)


def _output(given: OutputConfig) -> str:
    which = f"alerts of filter {given.filter}" if given.filter else "all alerts"
    if isinstance(given, FolderConfig):
        _check_folder(Path(given.path))
        return f"{which} to Parquet files in {given.path}"
    from gueststar.sinks.kafka import KafkaSink

    KafkaSink(given.servers, given.topic, form=given.form, options=given.options)
    return f"{which} to topic {given.topic} of Kafka {given.servers}, as {given.form}"


def _places(config: Config) -> Iterator[Finding]:
    name = store_name(config.store)
    if store_exists(config.store):
        with open_store(config.store, read_only=True) as store:
            yield Finding("store", name)
            yield from _catalogues(config, store)
    else:
        if not is_server(config.store):
            _check_folder(store_path(config.store).parent)
        if config.catalogs:
            raise BadInput("catalogs: the store is new and has none: gueststar catalogs add")
        yield Finding("store", f"{name} (new)")
    if config.archive:
        _check_folder(Path(config.archive))
        yield Finding("archive", str(config.archive))
    if config.cutouts and (url := place_url(config.cutouts)):
        place = place_of(url)
        if isinstance(place, Folder):
            _check_folder(place.folder)
        yield Finding("cutouts", url)


def _catalogue_modules(config: Config, engine: Engine) -> list[ScienceModule]:
    """Catalogues that filters may name; on Spark there are none."""
    if engine == "spark" or not store_exists(config.store):
        return []
    with open_store(config.store, read_only=True) as store:
        return make_catalogues(config, store)


def _catalogues(config: Config, store: Store) -> Iterator[Finding]:
    if config.catalogs:
        check_known(store, config.catalogs)
    for row in store.catalogues().to_pylist():
        name = row["catalogue"]
        left_out = config.catalogs is not None and name not in config.catalogs
        warning = "left out: objects wait for it" if left_out else ""
        yield Finding("catalogue", f"{name} {row['version']}", warning)
    for row in store.orbit_files().to_pylist():
        left_out = config.catalogs is not None and row["orbits"] not in config.catalogs
        warning = "left out: alerts wait for it" if left_out else ""
        yield Finding("orbits", f"{row['orbits']} {row['version']}", warning)


def _check_folder(folder: Path) -> None:
    """Check that something can be written in a folder that may not be there yet."""
    folder = folder.absolute()
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise BadInput(f"cannot write into {folder}: {there} is no folder that may be written")


def _local(config: Config) -> Iterator[Finding]:
    warning = ""
    if config.crew < config.workers:
        warning = f"workers = {config.workers}, but nothing here can be shared: one reads it all"
    elif config.workers > 1 and not all(map(is_shared, config.sources)):
        warning = "what is no Kafka is read by the first worker"
    yield Finding("engine", f"local, {config.crew} worker{'s' * (config.crew > 1)}", warning)


def _spark(config: Config) -> Iterator[Finding]:
    from gueststar.run.spark.session import need_spark

    need_spark()
    for source in config.sources:
        if isinstance(source, SimulateConfig):
            raise BadInput("Spark reads Kafka, files and archives, and does not simulate")
        if isinstance(source, KafkaConfig) and source.until not in (None, "caught-up"):
            raise BadInput(
                f"until = {source.until!r}: on Spark a stream ends never or when caught-up; "
                "--engine local knows numbers and times"
            )
    warning = "Spark shares the work itself: workers is not used" if config.workers > 1 else ""
    yield Finding("engine", f"spark, master {config.spark.master or 'of spark-submit'}", warning)
