"""The real/bogus module keeps its contract, and the stream needs no torch."""

import gzip
import io
import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits

from gueststar.batch import CUTOUTS, AlertBatch
from gueststar.checks import check_module
from gueststar.classifiers.realbogus import RealBogus
from gueststar.classifiers.tasks import module_for
from gueststar.errors import BadBundle
from gueststar.models.bundle import Bundle, golden_inputs, write_bundle
from gueststar.models.card import Card, Recipe
from gueststar.models.vgg6 import VGG6, onnx_model

RNG = np.random.default_rng(1)


def stamp(shape=(63, 63)):
    out = io.BytesIO()
    fits.PrimaryHDU(RNG.normal(size=shape).astype("f4")).writeto(out)
    return gzip.compress(out.getvalue())


def batch_of(n, survey="ztf"):
    return AlertBatch.from_columns(
        survey=[survey] * n, **{name: [stamp() for _ in range(n)] for name in CUTOUTS}
    )


def bundle_at(path, *, value=None, **changes):
    """Write random weights, or a net that answers one value always, as a bundle."""
    shapes = VGG6().shapes()
    weights = {name: RNG.normal(0, 0.05, shape) for name, shape in shapes.items()}
    if value is not None:
        weights["fc_out.weight"] = np.zeros(shapes["fc_out.weight"])
        weights["fc_out.bias"] = np.full(1, value)
    recipe = Recipe(
        "triplets", "stamps", (63, 63, 3), {"norm": "row", **changes.pop("options", {})}
    )
    fields = {"name": "net", "version": "1", "task": "real-bogus", "classes": ("real",)}
    fields |= {"licence": "none", "source": "a test", "created": "2026-01-31", "surveys": ("ztf",)}
    card = Card(**{**fields, "inputs": (recipe,), **changes})
    golden = {"triplets": golden_inputs(card.recipe)}
    return Bundle.load(write_bundle(path, onnx_model(weights).SerializeToString(), card, golden))


def test_the_contract(tmp_path):
    module = RealBogus(bundle_at(tmp_path / "net"), name="rb")
    assert module.needs == ("science", "template", "difference", "survey")
    assert module.gives.names == ["rb_real", "rb_reason"]
    assert module.version == f"1+{module.bundle.digest[:12]}"
    check_module(module, batch_of(10))


def test_one_bad_row_harms_one_row(tmp_path):
    module = module_for(bundle_at(tmp_path / "net", value=2.0))
    good = batch_of(300).arrow
    rows = good.slice(0, 3).to_pylist()
    rows[1]["template"] = b"<html>"
    bad = AlertBatch.from_columns(**{n: [row[n] for row in rows] for n in good.schema.names})
    out = module(bad)
    assert out.column("net_real").to_pylist()[::2] == pytest.approx([0.880797] * 2)
    assert out.column("net_real")[1].as_py() is None
    assert out.column("net_reason").to_pylist() == [
        None,
        "template cutout is not FITS: starts with b'<html>'",
        None,
    ]
    assert module(AlertBatch(good)).column("net_real").null_count == 0


def test_alerts_of_another_survey_are_not_scored(tmp_path):
    module = module_for(bundle_at(tmp_path / "net"))
    out = module(batch_of(2, survey="lsst"))
    assert out.column("net_reason").to_pylist() == ["net was made for ztf only"] * 2
    assert out.column("net_real").null_count == 2
    anywhere = module_for(bundle_at(tmp_path / "any", surveys=()))
    assert anywhere.needs == CUTOUTS
    assert anywhere(batch_of(2, survey="lsst")).column("net_real").null_count == 0


def test_bundles_of_other_kinds_are_refused(tmp_path):
    with pytest.raises(BadBundle, match="nothing runs nets of task 'spectra'"):
        module_for(bundle_at(tmp_path / "a", task="spectra"))
    for at, options in enumerate([{"norm": "max"}, {"size": 21}, {"channels": ["a", "b", "c"]}]):
        with pytest.raises(BadBundle, match=r"not a real/bogus net|another order"):
            module_for(bundle_at(tmp_path / f"b{at}", options=options))


def test_the_stream_does_not_import_torch():
    code = (
        "import sys, gueststar.classifiers.realbogus, gueststar.classifiers.tasks\n"
        "import gueststar.models.importing, gueststar.models.vgg6\n"
        "slow = {'torch', 'onnx', 'h5py', 'plotly'} & set(sys.modules)\n"
        "assert not slow, slow\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
