"""SQL that brings objects of older stores under data rights; both engines run it.

Older stores do not know of which program a point of a light curve is. Points of ZTF are of unknown
program until their packets are read again; LSST has no programs.
"""

from __future__ import annotations

_OLD = """o.healpix29, o.object_id, o.survey, o.ra, o.dec, o.n_detections, o.first_mjd_tai,
    o.last_mjd_tai, o.n_alerts, o.n_points, o.best_snr, o.best_alert_id"""
_NAMES = _OLD.replace("o.", "")

#: See :func:`gueststar.rights.bits_of`; of the surveys of that time only ZTF had programs.
_BIT = """CASE WHEN program BETWEEN 0 AND 6 THEN 2 << program
               WHEN program IS NULL AND survey <> 'ztf' THEN 1 ELSE 256 END"""

#: All masks, the bits of alerts by object, and what of its points is known.
_WITH = f"""WITH RECURSIVE masks(m) AS (SELECT 1 UNION ALL SELECT m + 1 FROM masks WHERE m < 256),
    a AS (SELECT *, {_BIT} AS bit FROM alert_rows WHERE object_id IS NOT NULL),
    has AS (SELECT object_id, CAST(sum(DISTINCT bit) AS INTEGER) AS bits FROM a
            GROUP BY object_id),
    o AS (SELECT o.*, coalesce(h.bits, 256) AS bits,
                 coalesce(h.bits, 256) | CASE WHEN o.n_points = 0 THEN 0
                                              WHEN o.survey = 'ztf' THEN 256 ELSE 1 END AS present
          FROM object_rows AS o LEFT JOIN has AS h ON h.object_id = o.object_id),
    part AS (SELECT DISTINCT o.bits, o.present, masks.m FROM o JOIN masks
             ON masks.m & ~o.bits = 0 AND masks.m <> o.present)"""

FILL_SUMS = f"""
INSERT INTO object_sums ({_NAMES}, mask, present)
{_WITH} SELECT {_OLD}, o.present, o.present FROM o;

INSERT INTO object_sums ({_NAMES}, mask, present)
{_WITH} SELECT healpix29, object_id, survey, ra, dec, 0, NULL, NULL, n, 0, snr, alert_id, m, present
FROM (SELECT a.healpix29, a.object_id, a.survey, a.ra, a.dec, a.alert_id, a.snr, p.m, o.present,
             count(*) OVER (PARTITION BY a.object_id, p.m) AS n,
             row_number() OVER (PARTITION BY a.object_id, p.m
                                ORDER BY a.snr DESC, a.alert_id) AS place
      FROM (SELECT *, CASE WHEN flux IS NULL OR flux_err IS NULL OR flux_err = 0 THEN -1.0
                           ELSE abs(flux) / flux_err END AS snr FROM a) AS a
      JOIN o ON o.object_id = a.object_id
      JOIN part AS p ON p.bits = o.bits AND p.present = o.present AND a.bit & p.m <> 0) AS best
WHERE place = 1"""

OBJECT_ROWS = f"""
CREATE VIEW object_rows AS SELECT {_NAMES} FROM object_sums WHERE mask = present"""

RENEW_CURVES = """
UPDATE curve_rows SET programs = 1 WHERE object_id IN
    (SELECT object_id FROM object_rows WHERE survey <> 'ztf');
UPDATE own_curve_rows SET programs = 1 WHERE alert_id IN
    (SELECT alert_id FROM alert_rows WHERE object_id IS NULL AND survey <> 'ztf');
"""
