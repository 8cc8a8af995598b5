"""
Light curve in flux and in magnitude
====================================

Flux keeps its sign, so that a point below zero is as good as one above; a magnitude cannot.
"""

import matplotlib.pyplot as plt
import numpy as np

from gueststar import Broker
from gueststar.plots import colour

# %%
# Among the objects that were detected often and always brighter than the reference, the one that
# changed most.

b = Broker("sqlite:///night.db")
many = b.objects(min_detections=12)
curves = [b[name].lc for name in many["object_id"]]
brighter = [one for one in curves if (one.detections.flux > 0).all()]
lc = max(brighter, key=lambda one: np.ptp(one.detections.mag))
lc

# %%
# :meth:`~gueststar.lightcurve.LightCurve.to_table` gives a table with units. Detections are filled,
# forced photometry is open, limits (5 sigma) point down.

table = lc.to_table()
detected, forced, limit = (table[table["kind"] == k] for k in ("detection", "forced", "limit"))

figure, (flux, mag) = plt.subplots(2, 1, sharex=True, figsize=(8, 7), layout="constrained")
for band in lc.bands:
    look = {"color": colour(band, lc.survey), "ls": "none"}
    for some, marker in ((detected, "o"), (forced, "s")):
        rows = some[some["band"] == band]
        days = rows["time"].mjd
        fill = {} if marker == "o" else {"mfc": "none"}
        name = f"{band}, {'detected' if marker == 'o' else 'forced'}"
        micro = rows["flux"].to_value("uJy"), rows["flux_err"].to_value("uJy")
        flux.errorbar(days, micro[0], micro[1], marker=marker, label=name, **look, **fill)
        bright = rows["flux"] > 3 * rows["flux_err"]
        mag.errorbar(
            days[bright],
            rows["mag"].value[bright],
            rows["mag_err"].value[bright],
            marker=marker,
            **look,
            **fill,
        )
    rows = limit[limit["band"] == band]
    mag.plot(rows["time"].mjd, rows["limit"].value, marker="v", alpha=0.5, **look)
flux.axhline(0, color="grey", lw=0.8)
flux.set(ylabel="difference flux (µJy)", title=lc.object_id)
flux.legend(ncols=2, fontsize="small")
mag.set(xlabel="MJD (TAI)", ylabel="AB magnitude")
mag.invert_yaxis()

# %%
# In a notebook one line is enough; this figure can be moved and zoomed.

lc.plot()
