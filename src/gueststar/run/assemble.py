"""Makes of settings what runs: modules, filters, sources and sinks, for every engine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

import pyarrow as pa

from gueststar.batch import VOCABULARY, AlertBatch
from gueststar.catalogs.stage import CatalogueModule, PlanetModule
from gueststar.contracts import Filter, ScienceModule, Sink, Source
from gueststar.filters import make_filter
from gueststar.pipeline import check_filter_declaration, check_mask
from gueststar.run.config import Config
from gueststar.run.parts import (
    ArchivedConfig,
    FilesConfig,
    FolderConfig,
    KafkaConfig,
    SimulateConfig,
    SourceConfig,
    TopicConfig,
)
from gueststar.sinks.archive import Archive
from gueststar.sinks.archived import ArchivedAlerts
from gueststar.sinks.kafka import FLUSH_S
from gueststar.sinks.selecting import Archives, Chosen, Selecting
from gueststar.sinks.store import StoreSink, check_known
from gueststar.sources.files import FileSource
from gueststar.store import Store


def columns_after(modules: Sequence[ScienceModule]) -> pa.Schema:
    """Return the columns of a batch that these modules have scored.

    The fields of ``native`` are those of ZTF's schema 4.02; other surveys and versions have
    others.
    """
    from gueststar.simulate.schema import schema_json
    from gueststar.surveys.avro.schema import parse

    native = parse(json.loads(schema_json())).arrow
    given = [field for module in modules for field in module.gives]
    return pa.schema([*VOCABULARY, pa.field("native", native), *given])


def make_catalogues(config: Config, store: Store) -> list[ScienceModule]:
    """Make modules of the catalogues and orbits of a store that a broker may use.

    Raises
    ------
    NotThere
        If the settings name one that is not there; the message names the nearest.
    """
    if config.catalogs:
        check_known(store, config.catalogs)
    modules: list[ScienceModule] = [
        CatalogueModule(
            row["catalogue"],
            row["version"],
            row["kept"],
            partial(store.xmatch, catalogue=row["catalogue"]),
        )
        for row in store.catalogues().to_pylist()
        if config.catalogs is None or row["catalogue"] in config.catalogs
    ]
    modules += [
        PlanetModule(
            row["orbits"], row["version"], partial(store.planets_near, orbits=row["orbits"])
        )
        for row in store.orbit_files().to_pylist()
        if config.catalogs is None or row["orbits"] in config.catalogs
    ]
    return modules


def asked_for(
    catalogues: Sequence[ScienceModule], filters: Sequence[Filter]
) -> list[ScienceModule]:
    """Return those modules whose columns some filter needs."""
    needed = {column for filter in filters for column in filter.needs}
    return [one for one in catalogues if needed & set(one.gives.names)]


def make_filters(config: Config, modules: Sequence[ScienceModule]) -> list[Filter]:
    """Make the filters of a broker, each tried on no rows of the columns that there will be.

    Raises
    ------
    BadInput, BadModule
        If a filter cannot be; the message names it and the nearest column.
    """
    schema = columns_after(modules)
    empty = AlertBatch(pa.RecordBatch.from_pylist([], schema=schema))
    filters = [make_filter(one.name, one.kind, one.text) for one in config.filters]
    for made in filters:
        check_filter_declaration(made, schema.names)
        check_mask(made, empty, made(empty.select(made.needs)))
    return filters


def make_source(given: SourceConfig) -> Source:
    """Make a source; nothing is read yet.

    Raises
    ------
    BadInput
        If a setting cannot be, or a file is not there.
    """
    if isinstance(given, KafkaConfig):
        return _kafka(given)
    if isinstance(given, FilesConfig):
        return FileSource(given.paths, given.batch_size)
    if isinstance(given, ArchivedConfig):
        nights = [] if given.night is None else [given.night]
        return ArchivedAlerts(given.path, nights, given.batch_size, scores=False)
    assert isinstance(given, SimulateConfig)
    from gueststar.simulate.source import SimulatedSource

    return SimulatedSource(given.alerts, given.seed, batch_size=given.batch_size)


def _kafka(given: KafkaConfig) -> Source:
    from gueststar.sources.kafka import KafkaSource
    from gueststar.sources.parse import start_of, until_of

    until: Any = until_of(given.until) if given.until else None
    return KafkaSource(
        given.servers,
        given.topics,
        group=given.group,
        start=start_of(given.start),
        until=until,
        batch_size=given.batch_size,
        options=given.options,
    )


def make_sink(
    config: Config, store: Store, filters: Sequence[Filter], *, flush_s: float = FLUSH_S
) -> Selecting:
    """Make the sinks of a broker behind one; topics come before the store.

    Then what is in the store has gone out, and what is repeated goes out no second time. Folders
    are in step with the store: their files appear when it has committed.

    Parameters
    ----------
    config : Config
    store : Store
    filters : sequence of Filter
        Those that no output asks for do not run.
    flush_s : float
        How long one try to send to a topic may take.
    """
    topics = [out for out in config.outputs if isinstance(out, TopicConfig)]
    folders = [out for out in config.outputs if isinstance(out, FolderConfig)]
    parts = [(Archive(out.path), out.filter) for out in folders]
    if config.archive:
        parts.insert(0, (Archive(config.archive), None))
    archive = Archives(parts) if parts else None
    sinks: list[Sink] = [_topic(out, store, flush_s) for out in topics]
    wanted = {out.filter for out in config.outputs}
    used = [filter for filter in filters if filter.name in wanted]
    return Selecting(used, [*sinks, StoreSink(store, archive, config.catalogs)])


def _topic(out: TopicConfig, store: Store, flush_s: float) -> Sink:
    from gueststar.sinks.kafka import KafkaSink

    sink = KafkaSink(
        out.servers,
        out.topic,
        form=out.form,
        known=store.has,  # they have gone out
        unsent=store.note_unsent,
        flush_s=flush_s,
        options=out.options,
    )
    return sink if out.filter is None else Chosen(sink, out.filter)
