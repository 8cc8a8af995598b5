"""
Real/bogus: the card and a trial of it
======================================

A net comes with a card that says how good it is. Here that is tried on a night it has not seen.
"""

import matplotlib.pyplot as plt
import numpy as np

from gueststar.batch import AlertBatch
from gueststar.classifiers.realbogus import default_module
from gueststar.simulate.stamps import training_set
from gueststar.train.metrics import auc, auc_interval, rates, roc

# %%
# What the card says.

module = default_module()
card = module.bundle.card
print(card.summary)
for name in (
    "simulated_how",
    "simulated_alerts",
    "simulated_auc",
    "simulated_fpr",
    "simulated_fnr",
):
    print(f"  {name}: {card.figures[name]}")
print("  trained on", card.training["simulated"])

# %%
# A night of seed 77 is none of those that it was trained on. Alerts of one patch of sky share stars
# and exposures, so the interval draws patches of 16, not alerts.

trial = training_set(480, seed=77)
columns = {name: trial.batch.column(name) for name in trial.batch.names}
batch = AlertBatch.from_columns(survey=["ztf"] * len(trial.labels), **columns)
scores = module(batch).column("rb_real").to_numpy()
real = trial.labels == 1
low, high = auc_interval(scores, real, np.arange(len(real)) // 16, rounds=500)
print(f"AUC {auc(scores, real):.4f} ({low:.4f} to {high:.4f})")

# %%
# The figure beside what the card promises at its threshold.

fpr, tpr, threshold = roc(scores, real)
here = rates(scores, real, card.threshold)
figure, axis = plt.subplots(figsize=(6, 5.4), layout="constrained")
axis.plot(fpr, tpr, drawstyle="steps-post", label=f"this night, AUC {auc(scores, real):.3f}")
axis.plot(here.fpr, 1 - here.fnr, "o", label=f"this night at {card.threshold}")
promised = card.figures["simulated_fpr"], 1 - card.figures["simulated_fnr"]
axis.plot(*promised, "k*", ms=12, label=f"the card at {card.threshold}")
axis.set(
    xlabel="bogus called real", ylabel="real called real", xlim=(-0.005, 0.3), ylim=(0.7, 1.005)
)
axis.legend(loc="lower right")

# %%
# Simulated alerts are not the sky. On real ones the card is more modest:

print(card.figures["real_how"])
print(f"AUC {card.figures['real_auc']}, 95 %: {card.figures['real_auc_95']}")
