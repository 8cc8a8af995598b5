"""
Fold a variable star
====================

A period from the light curve that came with the alerts, and the period that the simulator gave it.
"""

import matplotlib.pyplot as plt
import numpy as np
import pyarrow.parquet as pq
from astropy.timeseries import LombScargle

from gueststar import Broker
from gueststar.plots import colour

# %%
# The RR Lyrae star of the night with the most forced photometry: every exposure, measured at one
# place. What varies is the total flux, reference and difference together; the difference alone has
# no zero of its own.

b = Broker("sqlite:///night.db")
truth = pq.read_table("night/truth.parquet").to_pylist()
stars = {row["object_id"]: row["period"] for row in truth if row["kind"] == "rr_lyrae"}
lc = max((b[name].lc.forced.total() for name in stars), key=len)
lc

# %%
# Magnitudes of all bands, each less its own mean, searched over the periods of RR Lyrae stars.

days, mag = lc["mjd_tai"], lc.mag
centred = mag.copy()
for band in lc.bands:
    rows = lc["band"] == band
    centred[rows] -= np.average(mag[rows], weights=1 / lc.mag_err[rows] ** 2)

frequency = np.linspace(1 / 1.0, 1 / 0.2, 40_000)
power = LombScargle(days, centred, lc.mag_err).power(frequency)
period = 1 / frequency[np.argmax(power)]
given = stars[lc.object_id]
print(f"found {period:.5f} d, given {given:.5f} d")

# %%
# Thirty days with one or two exposures a night leave high peaks at aliases.

figure, (peaks, folded) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
peaks.plot(1 / frequency, power, lw=0.6)
peaks.axvline(given, color="grey", ls="--", lw=1, label="given")
peaks.set(xlabel="period (d)", ylabel="power", title=lc.object_id)
peaks.legend()
for band in lc.bands:
    rows = lc["band"] == band
    phase = (days[rows] / period) % 1
    twice = np.concatenate([phase, phase + 1]), np.tile(mag[rows], 2)
    folded.plot(*twice, "o", color=colour(band, lc.survey), label=band)
folded.set(xlabel=f"phase, period {period:.5f} d", ylabel="AB magnitude of the total flux")
folded.invert_yaxis()
folded.legend(title="band")
