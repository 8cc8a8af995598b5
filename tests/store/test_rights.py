"""Data rights: a restricted viewer's answers are those of a store without what he may not see."""

import inspect
import sqlite3
from contextlib import ExitStack

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gueststar.catalogs.declaration import Declaration
from gueststar.catalogs.sources import Source
from gueststar.errors import BadInput, NotAllowed, StoreError
from gueststar.rights import PUBLIC, UNRESTRICTED, Rights
from gueststar.store import open_store, store_path
from gueststar.store.admits import Admits
from gueststar.store.bulk import KINDS
from gueststar.store.interface import Store
from gueststar.store.selection import COUNT_BY, AlertSelection, ObjectSelection
from gueststar.store.shadows import OPERATORS_ONLY, RULES
from gueststar.store.sqlite import schema
from gueststar.store.tables import OPERATORS_VIEWS, VIEW_NAMES
from gueststar.surveys.sky import healpix29
from store.alerts import letters, positions_of, random_alerts, replaced
from store.conftest import fresh_url
from store.restricted import ALERTS, ALLOWED, NAMES, batches, numbered, visible


def pages(find, selection):
    after = None
    while True:
        page = find(selection, after=after, limit=3)
        after = (page.schema.metadata or {}).get(b"gueststar.next", b"").decode() or None
        yield page
        if after is None:
            return


def questions(alerts, given):
    """Every reading method of a store with arguments: what it is asked, and how."""
    ids = [one["id"] for one in alerts]
    yield "has", lambda s: s.has([*ids, 7])
    yield "known", lambda s: s.known(given).tolist()
    yield "known", lambda s: s.known(given, modules={"rb": "1.0+abc"}, records=True).tolist()
    for name in ("alert", "cutouts", "native", "scores"):
        for one in [*ids, 7]:
            yield name, lambda s, name=name, one=one: getattr(s, name)(one)
    for name in ("object", "light_curve"):
        for one in [*filter(None, NAMES), "ZTF18aa"]:
            yield name, lambda s, name=name, one=one: getattr(s, name)(one)
    for what in KINDS:
        keys = list(dict.fromkeys(filter(None, NAMES))) if KINDS[what][0] is str else [*ids, 7]
        yield "rows_of", lambda s, what=what, keys=keys: s.rows_of(what, keys)
    yield "nights", lambda s: s.nights()
    yield "modules", lambda s: s.modules()
    yield "classes", lambda s: s.classes()
    for sort in ("score", "magnitude", "age", "time"):
        for night in (None, 20230225, 20230226):
            for more in ({}, {"min_score": 0.5}, {"band": "r", "limit": 2, "offset": 1}):
                yield "night", lambda s, a=(night,), k={"sort": sort, **more}: s.night(*a, **k)
    yield "night", lambda s: s.night(module="second")
    yield "cone", lambda s: s.cone(10.0, 0.0, 648_000)
    yield "alert_batches", lambda s: [b.arrow for b in s.alert_batches()]
    yield "alert_batches", lambda s: [b.arrow for b in s.alert_batches(lacking={"second": "1"})]
    yield (
        "alert_batches",
        lambda s: [b.arrow for b in s.alert_batches(objects=NAMES[:3], columns=["history"])],
    )
    yield "annotations", lambda s: s.annotations()
    for name in ("annotation", "annotation_history"):
        yield name, lambda s, name=name: getattr(s, name)(1)
    yield "catalogues", lambda s: s.catalogues()
    yield "matches", lambda s: s.matches("ZTF18a")
    yield "counterparts", lambda s: s.counterparts("ZTF18a")
    yield "classes", lambda s: s.classes()
    yield "xmatch", lambda s: s.xmatch([10.0], [0.0], "gaia")
    yield "orbit_files", lambda s: s.orbit_files()
    for one in [*ids, 7]:
        yield "minor_planets", lambda s, one=one: s.minor_planets(one)
    yield "minor_planet_alerts", lambda s: s.minor_planet_alerts("Eros")
    yield "orbit", lambda s: s.orbit("Eros")
    yield "planets_near", lambda s: s.planets_near([10.0], [0.0], [60000.3], ["ztf"])
    for view in VIEW_NAMES:
        if view not in OPERATORS_VIEWS:
            yield "sql", lambda s, view=view: as_set(s.sql(f"SELECT * FROM {view}"))
            yield "sql", lambda s, view=view: s.sql(f"SELECT count(*) AS n FROM {view}")
    yield from searches()


def searches():
    yield "find_alerts", lambda s: list(pages(s.find_alerts, AlertSelection()))
    yield "find_alerts", lambda s: s.find_alerts(AlertSelection(object_id="ZTF18a"))
    near = AlertSelection(ra=10.0, dec=0.0, radius_arcsec=1_000)
    yield "find_alerts", lambda s: s.find_alerts(near)
    yield "find_alerts", lambda s: s.find_alerts(AlertSelection(module="second", min_score=0.1))
    yield "find_objects", lambda s: list(pages(s.find_objects, ObjectSelection()))
    yield "find_objects", lambda s: s.find_objects(ObjectSelection(min_detections=1))
    for by in COUNT_BY:
        yield "counts", lambda s, by=by: s.counts(by)
    whole = ([10.0, 200.0], [0.0, -10.0], 3_600)
    yield "cones", lambda s: s.cones(*whole)
    yield "cones", lambda s: s.cones(*whole, nearest=True)


def as_set(table):
    return sorted(map(repr, zip(*table.to_pydict().values(), strict=True)))


def answer(ask, store):
    """Return what can be compared: values, or the sentence of an error."""
    try:
        return plain(ask(store))
    except (BadInput, StoreError) as error:
        return str(error)


def plain(value):
    if hasattr(value, "to_pylist"):
        return [plain(row) for row in value.to_pylist()], dict(value.schema.metadata or {})
    if hasattr(value, "to_rows"):
        return value.to_rows(), value.object_id, value.survey
    if hasattr(value, "__dataclass_fields__"):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return "nan" if value != value else value


def fill(store, some):
    for batch in some:
        store.write([batch])


def check(url, oracle_url, alerts, allowed, turned):
    alerts = list(numbered(alerts))
    whole = batches(alerts)
    with open_store(url) as store, open_store(oracle_url) as oracle:
        less = batches(visible(alerts, allowed), allowed)
        fill(store, whole[::-1] if turned else whole)
        store.write([], [letters(2)])
        fill(oracle, less[::-1] if turned else less)
        restricted = store.seen_by(Rights.of(allowed))
        for name, ask in questions(alerts, positions_of(whole[0])):
            assert answer(ask, restricted) == answer(ask, oracle), name
        health = store.health()
        assert health["in_equals_out"]
        assert health["alerts"] == len(alerts)


#: Without shrinking, which takes minutes: examples are small as they are.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)


@settings(max_examples=15, phases=PHASES, deadline=None, suppress_health_check=list(HealthCheck))
@given(ALERTS, ALLOWED, st.booleans())
def test_answers_are_those_of_a_store_without_it(tmp_path_factory, alerts, allowed, turned):
    folder = tmp_path_factory.mktemp("rights")
    urls = [f"sqlite:///{folder / name}.db" for name in ("whole", "visible")]
    check(*urls, alerts, allowed, turned)


@settings(max_examples=4, phases=PHASES, deadline=None, suppress_health_check=list(HealthCheck))
@given(alerts=ALERTS, allowed=ALLOWED, turned=st.booleans())
def test_answers_are_those_of_a_store_without_it_on_postgresql(request, alerts, allowed, turned):
    with ExitStack() as stack:
        urls = [stack.enter_context(fresh_url("postgresql", request, None)) for _ in range(2)]
        check(*urls, alerts, allowed, turned)


#: What does not read alerts, and what others than operators are refused.
NOT_READ = {
    "write", "note", "close", "rights", "seen_by", "annotate", "edit_annotation",
    "remove_annotation", "add_catalogue", "remove_catalogue", "match_catalogue", "note_unsent",
    *(name for name in vars(Admits) if not name.startswith("_")),  # test_accounts.py
    "keep_cutouts_in", "move_cutouts", "note_audit", "note_refusals", "prune_audit",
    "add_orbits", "remove_orbits", "match_orbits",
}  # fmt: skip
OPERATORS = {
    "health", "flow", "unprocessed", "dead_letters", "cutout_places", "unmoved_cutouts",
    "lost_cutouts", "audit",
}  # fmt: skip


def test_no_reading_method_is_forgotten():
    methods = {name for name, _ in inspect.getmembers(Store) if not name.startswith("_")}
    asked = {name for name, _ in questions([], None)}
    of_alerts = {"alert", "cutouts", "native", "scores"}  # asked of each alert that there is
    assert methods - NOT_READ - OPERATORS == asked | of_alerts


def mixed(n=40):
    batch = random_alerts(n, 1, objects=n // 4)
    return replaced(batch, program=[(1, 2, 3, None)[i % 4] for i in range(n)])


@pytest.fixture
def restricted(store):
    store.write([mixed()], [letters(3)])
    return store.seen_by(PUBLIC)


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_operators_only(store, restricted, name):
    def read(seen):
        found = getattr(seen, name)()
        return list(found) if inspect.isgenerator(found) else found

    assert read(store) is not None
    with pytest.raises(NotAllowed, match="for operators"):
        read(restricted)


def test_a_restricted_store_takes_nothing(restricted):
    with pytest.raises(StoreError, match="reading only"):
        restricted.write([mixed()])
    with pytest.raises(StoreError, match="reading only"):
        restricted.note([])


def two_objects(store):
    """A faint public and a bright private alert of one object, and a private object."""
    batch = random_alerts(3, 1)
    dec = np.array([0.0, 0.001, 1.0])
    batch = replaced(
        batch,
        object_id=["a", "a", "b"],
        program=[1, 3, 3],
        flux=[100.0, 9_000.0, 200.0],
        flux_err=[50.0] * 3,
        ra=[5.0] * 3,
        dec=dec.tolist(),
        healpix29=healpix29(np.full(3, 5.0), dec),
    )
    store.write([batch])
    return batch.column("alert_id").to_pylist(), store.seen_by(PUBLIC)


def test_annotations_are_seen_with_what_they_are_about(store):
    (public, private, _), restricted = two_objects(store)
    of_a, of_alert = store.annotate("a", "one"), store.annotate(None, "two", alert_id=public)
    hidden = [store.annotate(None, "three", alert_id=private), store.annotate("b", "four")]
    assert restricted.annotations()["text"].to_pylist() == ["one", "two"]
    found = restricted.sql("SELECT text FROM annotations ORDER BY text")
    assert found["text"].to_pylist() == ["one", "two"]
    assert restricted.annotation_history(of_a.annotation_id).num_rows == 1
    assert restricted.annotation(of_alert.annotation_id).text == "two"
    for one in hidden:
        with pytest.raises(BadInput, match="no annotation"):
            restricted.annotation(one.annotation_id)
        with pytest.raises(BadInput, match="no annotation"):
            restricted.annotation_history(one.annotation_id)
    with pytest.raises(BadInput, match="no object"):
        restricted.annotations("b")
    with pytest.raises(StoreError, match="reading only"):
        restricted.annotate("a", "no")


def test_matches_of_a_position_that_is_not_seen_are_hidden(store):
    _, restricted = two_objects(store)
    cell = healpix29(np.array([5.0]), np.array([0.001]))[0].as_py()
    piece = [Source(cell, "s", 5.0, 0.001, "[]")]
    store.add_catalogue(Declaration("gaia", kind="star"), [piece], "v1")
    store.match_catalogue("gaia")
    assert store.matches("a").num_rows == 1  # the bright alert gives the object its place
    assert restricted.matches("a").num_rows == 0
    assert restricted.sql("SELECT count(*) AS n FROM crossmatches")["n"].to_pylist() == [0]
    assert restricted.catalogues()["n_matched"].to_pylist() == [0]
    assert store.seen_by(Rights.of([1, 3])).matches("a").num_rows == 1
    with pytest.raises(BadInput, match="no object"):
        restricted.matches("b")


def test_rights_never_widen(restricted):
    assert restricted.seen_by(UNRESTRICTED) is restricted
    both = restricted.seen_by(Rights.of([1, 2, 3]))
    assert both.sql("SELECT DISTINCT program FROM alerts").to_pydict() == {"program": [1]}
    assert restricted.seen_by(Rights.of([2])).nights().num_rows == 0


def test_closing_closes_what_others_see(store, restricted):
    store.close()
    with pytest.raises(StoreError, match="closed"):
        restricted.nights()


@pytest.mark.parametrize("program", [-1, 7, 10**9])
def test_programs_that_cannot_be(program):
    with pytest.raises(BadInput, match="0 to 6"):
        Rights.of([program])


HOSTILE = [
    "SELECT program FROM main.alert_rows",
    "SELECT program FROM main.alerts",
    'SELECT count(*) FROM "main"."alerts"',
    "SELECT count(*) FROM main.alert_rows",
    "SELECT count(*) FROM public.alert_rows",
    "SELECT program FROM alert_rows",
    "SELECT count(*) FROM main.dead_letters",
    "SELECT points FROM curve_rows",
    "SELECT program FROM temp.alert_rows",
    "SELECT program FROM pg_temp.alert_rows",
    "WITH alerts AS (SELECT * FROM main.alert_rows) SELECT program FROM alerts",
    "WITH alert_rows AS (SELECT * FROM main.alert_rows) SELECT program FROM alert_rows",
    "WITH alerts AS (SELECT * FROM alert_rows) SELECT program FROM alerts",
    "WITH alert_rows AS (SELECT * FROM public.alert_rows) SELECT program FROM alert_rows",
    "SELECT * FROM (WITH alert_rows AS (SELECT 1) SELECT * FROM alert_rows) x, alert_rows",
    "SELECT * FROM (WITH pg_class AS (SELECT 1) SELECT * FROM pg_class) x, pg_class",
    "SELECT * FROM (WITH dead_rows AS (SELECT 1) SELECT * FROM dead_rows) x, dead_rows",
    "SELECT sql FROM sqlite_master",
    "SELECT count(*) FROM sqlite_temp_master",
    "WITH alerts AS (SELECT sql FROM sqlite_temp_master) SELECT * FROM alerts",
    "WITH alerts AS (SELECT name FROM pragma_table_list) SELECT * FROM alerts",
    "WITH lightcurves AS (SELECT * FROM dbstat) SELECT * FROM lightcurves",
    "SELECT relname FROM pg_catalog.pg_class",
    "SELECT query FROM pg_stat_activity",
    "SELECT (SELECT count(*) FROM main.alert_rows AS alerts)",
    "SELECT a.program FROM alerts a JOIN main.alerts b ON 1",
    "SELECT * FROM alerts UNION ALL SELECT * FROM main.alerts",
    "SELECT EXISTS (SELECT 1 FROM main.alert_rows WHERE program = 3)",
    "DROP VIEW alert_rows",
    "DROP VIEW temp.alert_rows",
    "PRAGMA query_only = 0",
    "SET search_path = public",
]


@pytest.mark.parametrize("query", HOSTILE)
def test_no_query_reaches_behind(restricted, query):
    try:
        found = restricted.sql(query)
    except BadInput:
        return
    # Engines that allow it answer with what is seen.
    assert query in {"SELECT count(*) FROM temp.alerts"}, found.to_pylist()


def test_what_a_query_counts_is_seen(restricted):
    n = restricted.sql("SELECT count(*) AS n FROM alerts").column("n")[0].as_py()
    assert n == 10
    for table in ("alerts", "(SELECT 1 FROM alerts) AS t"):
        found = restricted.sql(f"SELECT count(*) AS n FROM {table}")
        assert found.column("n").to_pylist() == [10]
    for view in OPERATORS_VIEWS:
        assert restricted.sql(f"SELECT * FROM {view}").num_rows == 0


def test_every_table_has_a_rule(store):
    """A new table is empty for restricted viewers until :mod:`.shadows` says whose it is."""
    with store._reading() as connection:
        if hasattr(connection, "wanted") and type(connection).__name__ == "SqliteSession":
            query = """SELECT name FROM sqlite_master WHERE type IN ('table', 'view')
                       AND name NOT LIKE 'sqlite%'"""
        else:
            query = """SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p', 'v')
                       AND relnamespace = current_schema()::regnamespace AND NOT relispartition"""
        names = {name for (name,) in connection.execute(query)}
    assert names - set(VIEW_NAMES) <= set(RULES) | OPERATORS_ONLY


OLD_POINTS = '[[1,59000.0,"r",5.0,1.0,null,null,20.0,"detection"]]'


def old_store(url):
    """A store of the version before, with two objects of ZTF and one of LSST."""
    alerts = [
        (1, 1, "z", "ztf", 1, 100.0), (2, 2, "z", "ztf", 3, 900.0), (3, 3, "y", "ztf", None, 50.0),
        (4, 4, "170", "lsst", None, 70.0),
    ]  # fmt: skip
    objects = [
        (2, "z", "ztf", 2, 90.0, 2),
        (3, "y", "ztf", 1, 5.0, 3),
        (4, "170", "lsst", 1, 7.0, 4),
    ]
    insert_alert = """INSERT INTO alert_rows (healpix29, alert_id, object_id, survey, mjd_tai,
        night, ra, dec, flux, flux_err, program)
        VALUES (?, ?, ?, ?, 59000.0, 20200101, 1.0, 2.0, ?, 10.0, ?)"""
    insert_object = """INSERT INTO object_rows (healpix29, object_id, survey, ra, dec,
        n_detections, first_mjd_tai, last_mjd_tai, n_alerts, n_points, best_snr, best_alert_id)
        VALUES (?, ?, ?, 1.0, 2.0, 1, 59000.0, 59000.0, ?, 1, ?, ?)"""
    rows = [(cell, i, name, survey, flux, p) for cell, i, name, survey, p, flux in alerts]
    curves = [(name, OLD_POINTS) for name in ("z", "y", "170")]
    if url.startswith("sqlite"):
        connection = sqlite3.connect(store_path(url))
        connection.executescript(schema.TABLES + schema.FLOW_TABLES)
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 2")
        connection.executemany(insert_alert, rows)
        connection.executemany(insert_object, objects)
        connection.executemany("INSERT INTO curve_rows VALUES (?, ?)", curves)
        connection.commit()
        connection.close()
        return
    import psycopg

    from gueststar.store.postgres import schema as postgres

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(postgres.TABLES)
        connection.execute("INSERT INTO store_version VALUES (1)")
        postgres.make_partitions(connection, [20200101])
        cursor = connection.cursor()
        cursor.executemany(insert_alert.replace("?", "%s"), rows)
        keys = [(row[1], 20200101, row[3]) for row in rows]
        cursor.executemany("INSERT INTO alert_keys VALUES (%s, %s, %s)", keys)
        cursor.executemany(insert_object.replace("?", "%s"), objects)
        cursor.executemany("INSERT INTO curve_rows VALUES (%s, %s)", curves)


def test_an_older_store_shows_what_is_known(url):
    old_store(url)
    with open_store(url) as store:
        assert store.object("z").n_detections == 1
        assert len(store.light_curve("z")) == 1
        public = store.seen_by(PUBLIC)
        query = """SELECT object_id, n_alerts, n_points, n_detections, healpix29 FROM objects
                   ORDER BY object_id"""
        assert list(zip(*public.sql(query).to_pydict().values(), strict=True)) == [
            ("170", 1, 1, 1, 4),
            ("z", 1, 0, 0, 1),  # where its public alert lies; its points are unknown
        ]
        assert len(public.light_curve("170")) == 1
        assert len(public.light_curve("z")) == 0
        both = store.seen_by(Rights.of([1, 3])).sql(query)
        assert both["healpix29"].to_pylist() == [4, 2]
        with pytest.raises(BadInput, match="no object"):
            public.object("y")
