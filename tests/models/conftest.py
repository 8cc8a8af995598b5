"""A small net of our own, as a bundle."""

import numpy as np
import pytest

from gueststar.models.bundle import golden_inputs, write_bundle
from gueststar.models.card import Card, Recipe
from gueststar.models.vgg6 import VGG6, onnx_model


def random_weights(config=None, seed=0):
    rng = np.random.default_rng(seed)
    shapes = (config or VGG6()).shapes()
    return {name: rng.normal(0, 0.05, shape).astype("f4") for name, shape in shapes.items()}


def small_card(**changes):
    fields = {
        "name": "small",
        "version": "1",
        "task": "real-bogus",
        "classes": ("real",),
        "inputs": (Recipe("triplets", "stamps", (63, 63, 3), {"norm": "image", "size": 63}),),
        "licence": "BSD-3-Clause",
        "source": "a test",
        "created": "2026-01-31",
        "surveys": ("ztf",),
    }
    return Card(**{**fields, **changes})


def make_bundle(path, seed=0, **changes):
    card = small_card(**changes)
    model = onnx_model(random_weights(seed=seed)).SerializeToString()
    return write_bundle(path, model, card, {"triplets": golden_inputs(card.recipe)})


@pytest.fixture
def bundle_folder(tmp_path):
    return make_bundle(tmp_path / "small")
