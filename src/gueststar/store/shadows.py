"""What a viewer with restricted rights finds under the names of a store's tables.

His connection has a temporary view for each table of the store, of the same name, which both
engines find before the table. So every query of ours is restricted, whoever wrote it. A table that
:data:`RULES` does not name is empty for him: a new table shows nothing until somebody has said
here whose it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gueststar.rights import EVERYTHING, UNKNOWN, Rights
from gueststar.store.tables import OPERATORS_VIEWS, VIEW_NAMES
from gueststar.store.views import bodies
from gueststar.surveys import with_programs


@dataclass(frozen=True)
class Place:
    """Where the tables of a store are, and how an engine takes a light curve apart.

    Parameters
    ----------
    schema : str
        Of the tables, quoted.
    columns : mapping of str to sequence of str
        Columns by table or view.
    points : str
        SELECT of the points of ``c.points`` that ``{which}`` allows, as one JSON text; there
        ``{program}`` stands for a point's program.
    program : str
        A point's program in SQL.
    """

    schema: str
    columns: Mapping[str, Sequence[str]]
    points: str
    program: str


def shadows(rights: Rights, place: Place) -> dict[str, str]:
    """Return the SELECT that stands for each table.

    Parameters
    ----------
    rights : Rights
        Restricted.
    place : Place
    """
    return {name: RULES.get(name, _nothing)(name, rights, place) for name in place.columns}


def public(script: str, rights: Rights, columns: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the SELECT of each public view, over whatever stands under the tables' names.

    Parameters
    ----------
    script : str
        Makes the views.
    rights : Rights
        Who may not see everything finds nothing in the views that speak of inputs.
    columns : mapping of str to sequence of str
        Columns of these views, each as SQL that gives null.
    """
    found = {name: body for name, body in bodies(script).items() if name in VIEW_NAMES}
    if rights.restricted:
        for name in OPERATORS_VIEWS:
            found[name] = f"SELECT {', '.join(columns[name])} WHERE 1 = 0"
    return found


Rule = Callable[[str, Rights, Place], str]


def _select(name: str, place: Place, where: str, **instead: str) -> str:
    """Select all columns of a table ``t``; some of them as something else."""
    listed = ", ".join(
        f'{instead[column]} AS "{column}"' if column in instead else f't."{column}"'
        for column in place.columns[name]
    )
    return f"SELECT {listed} FROM {place.schema}.{name} AS t WHERE {where}"


def _nothing(name: str, rights: Rights, place: Place) -> str:
    return _select(name, place, "1 = 0")


def _all(name: str, rights: Rights, place: Place) -> str:
    return _select(name, place, "1 = 1")


def _names(name: str, rights: Rights, place: Place) -> str:
    return _select(name, place, "t.name >= ''")  # as in :func:`_with`


def _programs(rights: Rights) -> str:
    """Programs as SQL lists them; of none, what is equal to nothing."""
    return ", ".join(str(p) for p in sorted(rights.programs or ())) or "NULL"


def _seen(rights: Rights, none: str) -> str:
    """Ask for rows of these programs and of surveys without, whose program is ``none``."""
    strict = ", ".join(f"'{survey}'" for survey in with_programs()) or "''"
    return (
        f"(t.program IN ({_programs(rights)}) OR t.program {none} AND t.survey NOT IN ({strict}))"
    )


def _alerts(name: str, rights: Rights, place: Place) -> str:
    """Alerts of these programs and of surveys without; their age counts from what is seen."""
    return _select(
        name,
        place,
        _seen(rights, "IS NULL"),
        age=f"""t.mjd_tai - (SELECT s.first_mjd_tai FROM {place.schema}.object_sums AS s
                            WHERE s.object_id = t.object_id
                                  AND s.mask = s.present & {rights.mask})""",
    )


def _nights(name: str, rights: Rights, place: Place) -> str:
    """Select numbers of alerts by program, where -1 is none (:mod:`gueststar.store.tally`)."""
    return _select(name, place, _seen(rights, "= -1"))


def _objects(name: str, rights: Rights, place: Place) -> str:
    """Objects that have an alert which is seen, summed over what is seen."""
    listed = ", ".join(f't."{column}"' for column in place.columns[name])
    return f"""SELECT {listed} FROM {place.schema}.object_sums AS t
               WHERE t.mask = t.present & {rights.mask}"""


def _of_alert(name: str, rights: Rights, place: Place) -> str:
    night = " AND a.night = t.night" if "night" in place.columns[name] else ""
    return _select(
        name, place, f"EXISTS (SELECT 1 FROM alert_rows AS a WHERE a.alert_id = t.alert_id{night})"
    )


def _curves(owner: str) -> Rule:
    def rule(name: str, rights: Rights, place: Place) -> str:
        """Select curves of what is seen; of their points those of these programs."""
        key = "object_id" if owner == "object_rows" else "alert_id"
        which = f"""({place.program} IN ({_programs(rights)})
                     OR {place.program} IS NULL AND t.programs & {UNKNOWN} = 0)"""
        hidden = EVERYTHING & ~rights.mask
        points = f"""CASE WHEN t.programs & {hidden} = 0 THEN t.points
                          ELSE ({place.points.format(which=which)}) END"""
        programs = f"t.programs & {rights.mask}"
        exists = f"EXISTS (SELECT 1 FROM {owner} AS o WHERE o.{key} = t.{key})"
        return _select(name, place, exists, points=points, programs=programs)

    return rule


def _with(table: str, key: str, word: str) -> Rule:
    def rule(name: str, rights: Rights, place: Place) -> str:
        """Select names that something uses which is seen.

        The last condition always holds. SQLite tells its authorizer of a table of which nothing
        but the key is read as of one that is counted, as if the query had named it.
        """
        exists = f"EXISTS (SELECT 1 FROM {table} AS x WHERE x.{key} = t.{key})"
        return _select(name, place, f"{exists} AND t.{word} >= ''")

    return rule


def _lines(name: str, rights: Rights, place: Place) -> str:
    """Lines of the ledger that speak of alerts which are seen."""
    return _select(
        name,
        place,
        "t.state <> 2 AND EXISTS (SELECT 1 FROM alert_rows AS a WHERE a.alert_id = t.alert_id)",
    )


def _matches(name: str, rights: Rights, place: Place) -> str:
    """Select matches of objects that lie, for this viewer, where they were matched."""
    sums = f"{place.schema}.object_sums"
    return _select(
        name,
        place,
        f"""EXISTS (SELECT 1 FROM {sums} AS s JOIN {sums} AS w ON w.object_id = s.object_id
                    WHERE s.object_id = t.object_id AND s.mask = s.present & {rights.mask}
                          AND w.mask = w.present AND w.best_alert_id = s.best_alert_id
                          AND (w.mask = s.mask OR w.last_mjd_tai = s.last_mjd_tai))""",
    )


def _notes(name: str, rights: Rights, place: Place) -> str:
    """Select annotations of objects and alerts that are seen."""
    return _select(
        name,
        place,
        """(t.alert_id IS NULL OR EXISTS
                (SELECT 1 FROM alert_rows AS a WHERE a.alert_id = t.alert_id))
           AND (t.object_id IS NULL OR EXISTS
                (SELECT 1 FROM object_rows AS o WHERE o.object_id = t.object_id))""",
    )


def _of_object(name: str, rights: Rights, place: Place) -> str:
    exists = "EXISTS (SELECT 1 FROM object_rows AS o WHERE o.object_id = t.object_id)"
    return _select(name, place, exists)


#: Whose the rows of a table are. Operators read dead letters, counts of writes and streams, and
#: alarms from the whole store; for others they are empty, by not standing here.
RULES: dict[str, Rule] = {
    "alert_rows": _alerts,
    "alert_keys": _of_alert,
    "alert_by_id": _alerts,
    "night_rows": _nights,
    "object_rows": _objects,
    "object_sums": _objects,
    "curve_rows": _curves("object_rows"),
    "own_curve_rows": _curves("alert_rows"),
    "cutout_rows": _of_alert,
    "cutout_parts": _of_alert,
    "cutout_packs": _all,  # names without a meaning, found by the parts of an alert
    "cutout_places": _all,
    "score_rows": _of_alert,
    "score_names": _with("score_rows", "name_id", "module"),
    "module_versions": _with("score_rows", "version_id", "module"),
    "ledger_rows": _lines,
    "parts": _with("ledger_rows", "part_id", "partition"),
    "sources": _with("parts", "source_id", "source"),
    "annotation_rows": _notes,
    "annotation_changes": _with("annotation_rows", "annotation_id", "author"),
    "catalogue_names": _names,
    "catalogue_rows": _all,
    "match_rows": _matches,
    "unmatched_rows": _of_object,
    "orbit_files": _names,
    "orbit_pieces": _all,  # orbits are public
    "planet_rows": _of_alert,
    "planet_waiting": _of_alert,
    "native_chunks": _all,  # 64 records of many programs: read by the place that an alert tells
}

#: Tables that stay empty on purpose.
OPERATORS_ONLY = frozenset(
    {"dead_rows", "write_rows", "flow_rows", "reading_rows", "alarm_rows", "archive_moves",
     "store_version", "unsent_rows", "token_rows", "account_rows", "login_rows", "login_secrets",
     "signing_keys", "cutout_names", "audit_rows"}
)  # fmt: skip
