"""Triplets: braai's preprocessing, one bad row harms one row."""

import gzip
import io

import numpy as np
import pyarrow as pa
import pytest
from astropy.io import fits

from gueststar.batch import CUTOUTS, AlertBatch
from gueststar.errors import BadInput, BadModule
from gueststar.features.stamps import PAD, triplets


def stamp(image):
    out = io.BytesIO()
    fits.PrimaryHDU(np.asarray(image, "f4")).writeto(out)
    return gzip.compress(out.getvalue(), mtime=0)


def batch_of(*rows):
    return AlertBatch.from_columns(**dict(zip(CUTOUTS, zip(*rows, strict=True), strict=True)))


RNG = np.random.default_rng(3)
NOISE = RNG.normal(size=(63, 63)).astype("f4")
GOOD = stamp(NOISE)


@pytest.mark.parametrize("norm", ["image", "row"])
def test_the_recipe_of_braai(norm):
    image = RNG.normal(size=(40, 63)).astype("f4")
    image[5, 7] = np.nan
    image[9] = 0
    images, reasons = triplets(batch_of((GOOD, GOOD, stamp(image))), norm)
    clean = np.nan_to_num(image)
    lengths = np.linalg.norm(clean, axis=1, keepdims=True) if norm == "row" else None
    expected = clean / (
        np.where(lengths == 0, 1, lengths) if norm == "row" else np.linalg.norm(clean)
    )
    padded = np.pad(expected, ((0, 23), (0, 0)), constant_values=PAD)
    np.testing.assert_allclose(images[0, :, :, 2], padded, rtol=1e-5, atol=1e-12)
    assert reasons == [None]
    assert images.dtype == np.float32
    assert images.shape == (1, 63, 63, 3)


def test_a_larger_cutout_gives_its_centre():
    image = np.zeros((101, 80), "f4")
    image[50, 40] = 7
    images, _ = triplets(batch_of((stamp(image), GOOD, GOOD)))
    assert images[0, 31, 31, 0] == 1
    assert images[0, :, :, 0].sum() == 1


def test_a_template_of_the_largest_floats_becomes_0():
    image = NOISE.copy()
    image[:3, :10] = np.finfo("f4").max
    rows, _ = triplets(batch_of((GOOD, stamp(image), GOOD)), "row")
    assert not rows[0, :3, :, 1].any()
    np.testing.assert_array_equal(rows[0, 3:, :, 1], rows[0, 3:, :, 0])
    whole, reasons = triplets(batch_of((GOOD, stamp(image), GOOD)), "image")
    assert not whole[0, :, :, 1].any()
    assert reasons == [None]


def test_one_bad_row_harms_one_row():
    rows = [
        (GOOD, GOOD, GOOD),
        (None, GOOD, GOOD),
        (GOOD, b"<html>", GOOD),
        (GOOD, GOOD, stamp(np.full((63, 63), np.nan))),
        (GOOD, stamp(np.zeros((63, 63))), GOOD),
        (GOOD, GOOD, GOOD[:50]),
        (GOOD, stamp(np.full((20, 20), np.inf)), None),
        (GOOD, GOOD, GOOD),
    ]
    images, reasons = triplets(batch_of(*rows))
    assert reasons == [
        None,
        "science cutout is missing",
        "template cutout is not FITS: starts with b'<html>'",
        "difference cutout is masked in all its pixels",
        "template cutout is 0 in all its pixels",
        "difference cutout is gzip cut short after 50 bytes",
        "template cutout is masked in all its pixels",
        None,
    ]
    alone, _ = triplets(batch_of(rows[0]))
    np.testing.assert_array_equal(images[0], alone[0])
    np.testing.assert_array_equal(images[7], alone[0])
    assert not images[1:7].any()


def test_batch_of_one_equals_batch_of_many_and_slices_work():
    rows = [tuple(stamp(RNG.normal(size=(63, 63))) for _ in CUTOUTS) for _ in range(120)]
    batch = batch_of(*rows)
    images, _ = triplets(batch)
    for at in (0, 47, 48, 119):
        np.testing.assert_array_equal(triplets(batch.slice(at, 1))[0][0], images[at])
    assert triplets(batch.slice(0, 0))[0].shape == (0, 63, 63, 3)


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary_view()])
def test_any_binary_column(kind):
    columns = {name: pa.array([GOOD, None, GOOD], pa.binary()).cast(kind) for name in CUTOUTS}
    images, reasons = triplets(AlertBatch.from_columns(**columns))
    assert reasons == [None, "science cutout is missing", None]
    assert images[2].any()


def test_nulls_only_and_wrong_questions():
    batch = batch_of((None, None, None))
    assert triplets(batch)[1] == ["science cutout is missing"]
    with pytest.raises(BadInput, match="no normalisation 'rows'"):
        triplets(batch, "rows")
    with pytest.raises(BadModule, match="no column 'template'"):
        triplets(AlertBatch.from_columns(science=[GOOD]))
