"""All questions that the API answers, in the order of the documentation."""

from __future__ import annotations

from gueststar.serve.api.questions import (
    alerts,
    catalogs,
    cutouts,
    nights,
    notes,
    objects,
    sky,
    skyportal,
    sql,
)

QUESTIONS = (
    objects.find,
    objects.find_in,
    objects.one,
    objects.light_curve,
    alerts.find,
    alerts.find_in,
    alerts.one,
    alerts.scores,
    alerts.native,
    cutouts.names,
    cutouts.one,
    sky.cone,
    sky.cones,
    catalogs.listing,
    catalogs.matches,
    catalogs.xmatch,
    sql.by_get,
    sql.by_post,
    nights.nights,
    nights.one,
    nights.counts,
    nights.modules,
    nights.health,
    notes.find,
    notes.write,
    notes.history,
    notes.edit,
    notes.remove,
    skyportal.find,
    skyportal.one,
)
