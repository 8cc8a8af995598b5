"""
Stamps: real and bogus
======================

Three cutouts an alert: the exposure, the reference, their difference.
"""

import matplotlib.pyplot as plt

from gueststar import Broker
from gueststar.batch import CUTOUTS
from gueststar.pictures import stretched

# %%
# The two best and the two worst scores of the night.

b = Broker("sqlite:///night.db")
best = b.night(sort="score", limit=2)
worst = b.night(sort="score", descending=False, limit=2)
alerts = [b.alert(i) for table in (best, worst) for i in table["alert_id"]]

figure, axes = plt.subplots(4, 3, figsize=(6, 8.4), layout="constrained")
for alert, row in zip(alerts, axes, strict=True):
    for name, place in zip(CUTOUTS, row, strict=True):
        place.imshow(stretched(alert.cutouts.array(name)), cmap="gray", origin="lower")
        place.set(xticks=[], yticks=[], title=name if alert is alerts[0] else None)
    row[0].set_ylabel(f"{alert.object_id}\n{alert.scores['rb_real'].value:.3f}")

# %%
# In a notebook, an alert shows its own.

alerts[0]
