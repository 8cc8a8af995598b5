"""Public views that every engine defines alike; ``docs/sql.md`` says what each column holds."""

import re

VIEWS = """
CREATE VIEW alerts AS
    SELECT alert_id, object_id, survey, band, mjd_tai, night, ra, dec, healpix29, flux, flux_err,
           mag, published_rb, program
    FROM alert_rows;
CREATE VIEW scores AS
    SELECT s.alert_id, n.module, v.version, n.class, s.value, s.reason
    FROM score_rows AS s
    JOIN score_names AS n ON n.name_id = s.name_id
    JOIN module_versions AS v ON v.version_id = s.version_id;
CREATE VIEW objects AS
    SELECT object_id, survey, ra, dec, n_detections, first_mjd_tai, last_mjd_tai, n_alerts,
           n_points, healpix29
    FROM object_rows;
CREATE VIEW ledger AS
    SELECT s.source, p.partition, l."offset",
           CASE l.state WHEN 0 THEN 'stored' WHEN 1 THEN 'duplicate' ELSE 'dead-letter' END
               AS state,
           l.alert_id, l.reason, l.record
    FROM ledger_rows AS l
    JOIN parts AS p ON p.part_id = l.part_id
    JOIN sources AS s ON s.source_id = p.source_id;
CREATE VIEW dead_letters AS
    SELECT s.source, p.partition, d."offset", d.record, d.reason, d.packet
    FROM dead_rows AS d
    JOIN parts AS p ON p.part_id = d.part_id
    JOIN sources AS s ON s.source_id = p.source_id;
CREATE VIEW annotations AS
    SELECT annotation_id, object_id, alert_id, author, at, kind, text, edited_at
    FROM annotation_rows WHERE removed_at IS NULL;
CREATE VIEW crossmatches AS
    SELECT m.object_id, n.name AS catalogue, n.version, m.rank, m.source_id, m.ra, m.dec,
           m.separation_arcsec, m.position_angle, m.separation_kpc, m.light_radii, m.source_kind,
           m.facts AS columns
    FROM match_rows AS m
    JOIN catalogue_names AS n ON n.catalogue_id = m.catalogue_id;
CREATE VIEW minor_planets AS
    SELECT p.alert_id, f.name AS orbits, f.version, p.rank, p.designation, p.number, p.name,
           p.ra, p.dec, p.separation_arcsec, p.position_angle, p.v_mag, p.r_au, p.delta_au,
           p.phase_deg, p.elongation_deg, p.motion, p.motion_angle
    FROM planet_rows AS p
    JOIN orbit_files AS f ON f.file_id = p.file_id;
CREATE VIEW unsent AS
    SELECT alert_id, topic, at, reason FROM unsent_rows;
"""

_VIEW = re.compile(r"CREATE VIEW (\w+) AS\b(.*)", re.DOTALL)


def bodies(script: str) -> dict[str, str]:
    """Return the SELECT of each view that a script makes.

    Examples
    --------
    >>> bodies("CREATE VIEW a AS SELECT 1; CREATE VIEW b AS SELECT 2;")
    {'a': 'SELECT 1', 'b': 'SELECT 2'}
    """
    found = (_VIEW.search(statement) for statement in script.split(";"))
    return {one[1]: one[2].strip() for one in found if one}
