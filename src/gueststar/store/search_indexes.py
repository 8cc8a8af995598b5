"""Indexes of searches, the same for all engines: added with store version 3 (PostgreSQL 2)."""

from __future__ import annotations

SEARCH_INDEXES = """
CREATE INDEX score_by_value ON score_rows (name_id, value, alert_id) WHERE latest;
CREATE INDEX alert_by_brightness ON alert_rows (mag, alert_id);
CREATE INDEX object_by_detections ON object_rows (n_detections, object_id);
CREATE INDEX object_by_first ON object_rows (first_mjd_tai, object_id);
CREATE INDEX object_by_last ON object_rows (last_mjd_tai, object_id);
"""
