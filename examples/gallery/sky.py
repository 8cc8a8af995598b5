"""
The sky of a night
==================

Where the alerts are, and how many in each HEALPix cell.
"""

import astropy.units as u
import matplotlib.pyplot as plt
import numpy as np
from astropy.coordinates import SkyCoord

from gueststar import Broker
from gueststar.plots import colour

# %%
# An answer knows its positions: ``coord`` is a :class:`~astropy.coordinates.SkyCoord`.

b = Broker("sqlite:///night.db")
alerts = b.alerts()
where = alerts.coord
longitude = -where.ra.wrap_at(180 * u.deg).rad  # east is left

figure = plt.figure(figsize=(8, 4.6), layout="constrained")
axis = figure.add_subplot(projection="mollweide")
for band in ("g", "r", "i"):
    rows = np.asarray(alerts["band"]) == band
    look = {"color": colour(band, "ztf"), "s": 14, "alpha": 0.6, "label": band}
    axis.scatter(longitude[rows], where.dec.rad[rows], **look)
plane = np.linspace(0, 360, 721) * u.deg
galactic = SkyCoord(plane, 0 * plane, frame="galactic").icrs
order = np.argsort(-galactic.ra.wrap_at(180 * u.deg).rad)
axis.plot(-galactic.ra.wrap_at(180 * u.deg).rad[order], galactic.dec.rad[order], "k-", lw=0.7)
axis.set_xticklabels([f"{(-d) % 360}°" for d in range(-150, 180, 30)], fontsize="small")
axis.grid(alpha=0.4)
axis.legend(title="band", loc="lower right")
axis.set_title(
    f"night {alerts['night'][0]}; the line is the plane of the Galaxy", fontsize="medium"
)

# %%
# Counts by cell come from the store, not from a long table. Order 5 has cells of 1.8 degrees.

cells = b.counts("healpix", order=5)
cells.sort("n_alerts", reverse=True)
cells[:5]
