"""Stamps: equal to astropy on real ones, bounded and clear on broken ones."""

import gzip
import io
import json
import tracemalloc
import warnings
import zlib
from base64 import b64decode
from contextlib import suppress

import fastavro
import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from gueststar.cutouts import BLOCK, Cutouts, read_stamp
from gueststar.errors import BadInput


def fits_bytes(image, **header):
    hdu = fits.PrimaryHDU(np.asarray(image), header=fits.Header(header))
    out = io.BytesIO()
    hdu.writeto(out)
    return out.getvalue()


def real_stamps(data):
    fields = ("cutoutScience", "cutoutTemplate", "cutoutDifference")
    for folder in ("pre-3.0", "3.0", "3.2", "3.3", "4.01"):
        for path in sorted((data / "alerts/ztf" / folder).glob("*.avro")):
            with path.open("rb") as file:
                for record in fastavro.reader(file):
                    yield from (record[f]["stampData"] for f in fields if record.get(f))
    with (data / "alerts/lsst/rubin_7_alerts_2026-03.avro").open("rb") as file:
        for record in fastavro.reader(file):
            yield from (record[f] for f in fields if record.get(f))


def by_astropy(stamp):
    plain = gzip.decompress(stamp) if stamp[:2] == b"\x1f\x8b" else stamp
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with fits.open(io.BytesIO(plain)) as hdus:
            return hdus[0].data.astype(np.float32)


def test_every_real_stamp_equals_astropy(data):
    count = 0
    for stamp in real_stamps(data):
        np.testing.assert_array_equal(read_stamp(stamp), by_astropy(stamp))
        count += 1
    assert count > 700


@pytest.mark.parametrize("dtype", ["u1", "i2", "i4", "i8", "f4", "f8", "u2"])
@pytest.mark.parametrize("packed", [True, False])
def test_every_pixel_type(dtype, packed):
    image = np.arange(12, dtype=dtype).reshape(3, 4)
    plain = fits_bytes(image)
    stamp = gzip.compress(plain) if packed else plain
    np.testing.assert_array_equal(read_stamp(stamp), image.astype(np.float32))


def test_scale_zero_and_blank():
    plain = fits_bytes(np.array([[1, 2], [3, -9]], "i2"), BLANK=-9)
    at = plain.index(b"END" + b" " * 77)
    cards = b"BSCALE  =                 2.D0".ljust(80) + b"BZERO   = 10".ljust(80)
    stamp = plain[:at] + cards + b"END".ljust(80) + plain[at + 240 :]
    np.testing.assert_array_equal(read_stamp(stamp), [[12, 14], [16, np.nan]])


def test_an_image_in_an_extension_or_with_a_degenerate_axis():
    image = np.arange(6, dtype="f4").reshape(2, 3)
    out = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(image)]).writeto(out)
    np.testing.assert_array_equal(read_stamp(out.getvalue()), image)
    np.testing.assert_array_equal(read_stamp(fits_bytes(image[None])), image)


def test_a_long_header():
    image = np.eye(3, dtype="f4")
    stamp = fits_bytes(image, **{f"KEY{i}": i for i in range(90)})
    np.testing.assert_array_equal(read_stamp(stamp), image)


GOOD = fits_bytes(np.ones((8, 8), "f4"))


def edited(old, new):
    assert old in GOOD
    return GOOD.replace(old, new.ljust(len(old)))


@pytest.mark.parametrize(
    ("stamp", "words"),
    [
        (b"", "cutout is empty"),
        (b"<html>500</html>", "is not FITS: starts with b'<html>500<'"),
        (gzip.compress(b"hello", mtime=0), "is not FITS"),
        (gzip.compress(GOOD, mtime=0)[:60], "gzip cut short after 60 bytes"),
        (b"\x1f\x8b" + b"\x00" * 30, "damaged gzip"),
        (GOOD[: BLOCK + 100], "is cut short: 100 of 256 bytes of its image"),
        (GOOD[:BLOCK].replace(b"END  ", b"NOT  "), "header without END"),
        (b"SIMPLE  = " + b" " * 300_000, "header without END"),
        (gzip.compress(b"\0" * (5 << 20), mtime=0), "decompresses to more than 4194304 bytes"),
        (edited(b"BITPIX  =                  -32", b"BITPIX  = 7"), "BITPIX = 7"),
        (edited(b"BITPIX  =                  -32", b"BITPIX  = many"), "BITPIX = many"),
        (edited(b"NAXIS1  =                    8", b"NAXIS1  = 1e300"), "more than the 262144"),
        (edited(b"NAXIS1  =                    8", b"NAXIS1  = -8"), "has no pixels"),
        (edited(b"NAXIS1  =                    8", b"NAXIS1  = nan"), "NAXIS1 = nan"),
        (edited(b"NAXIS1  =                    8", b"NAXIX1  = 8"), "has no NAXIS1"),
        (fits_bytes(np.zeros((600, 600), "f4")), "is 600 x 600 pixels"),
        (fits_bytes(np.zeros((2, 3, 4), "f4")), "without an image of two dimensions"),
        (fits_bytes(np.zeros(5, "f4")), "without an image of two dimensions"),
    ],
)
def test_what_is_wrong_is_said(stamp, words):
    with pytest.raises(BadInput) as caught:
        read_stamp(stamp)
    assert words in str(caught.value)


def test_a_zip_bomb_is_refused_in_constant_memory():
    pack = zlib.compressobj(9, wbits=31)
    bomb = b"".join(pack.compress(b"\0" * (1 << 20)) for _ in range(500)) + pack.flush()
    lying = bomb[:-4] + (20160).to_bytes(4, "little")  # says that it is small
    for stamp in (bomb, lying):
        tracemalloc.start()
        with pytest.raises(BadInput, match="decompresses to more"):
            read_stamp(stamp)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 12 << 20


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_broken_bytes_give_a_stamp_or_bad_input(draw):
    stamp = bytearray(gzip.compress(GOOD, mtime=0) if draw.draw(st.booleans()) else GOOD)
    for _ in range(draw.draw(st.integers(1, 4))):
        at = draw.draw(st.integers(0, min(len(stamp), 1000) - 1))
        stamp[at] = draw.draw(st.integers(0, 255))
    with suppress(BadInput):
        assert read_stamp(bytes(stamp)).ndim == 2


def test_the_result_does_not_share_the_scratch_buffer():
    first = read_stamp(gzip.compress(fits_bytes(np.zeros((4, 4), "f4"))))
    read_stamp(gzip.compress(fits_bytes(np.ones((4, 4), "f4"))))
    assert first.sum() == 0


def png_pixels(png):
    """Decode our own kind of PNG: 8-bit grey and alpha, filter 0."""
    width, height = (int.from_bytes(png[i : i + 4], "big") for i in (16, 20))
    at = png.index(b"IDAT")
    size = int.from_bytes(png[at - 4 : at], "big")
    lines = np.frombuffer(zlib.decompress(png[at + 4 : at + 4 + size]), np.uint8)
    return lines.reshape(height, 1 + 2 * width)[:, 1:].reshape(height, width, 2)


@pytest.mark.parametrize("stretch", ["asinh", "linear", "log", "zscale"])
def test_png(stretch):
    image = np.arange(64, dtype="f4").reshape(8, 8)
    image[0, 0] = np.nan
    cutouts = Cutouts(fits_bytes(image), None, b"no")
    pixels = png_pixels(cutouts.png("science", stretch))
    assert pixels.shape == (8, 8, 2)
    assert tuple(pixels[7, 0]) == (0, 0)  # the first row is at the bottom; NaN is transparent
    assert pixels[0, 7, 0] == 255
    assert png_pixels(cutouts.png("science", stretch, size=32)).shape == (32, 32, 2)


def test_png_of_nothing_but_nan_and_of_a_constant():
    for value in (np.nan, 3.0):
        assert Cutouts(fits_bytes(np.full((4, 4), value, "f4")), None, None).png("science")


def test_cutouts_say_what_is_missing():
    cutouts = Cutouts(GOOD, None, b"no")
    assert cutouts.names == ("science", "difference")
    with pytest.raises(BadInput, match="no template cutout"):
        cutouts.array("template")
    with pytest.raises(BadInput, match="difference cutout is not FITS"):
        cutouts.array("difference")
    with pytest.raises(BadInput, match="Did you mean 'science'"):
        cutouts.array("scienc")
    with pytest.raises(BadInput, match="no stretch 'loud'"):
        cutouts.png("science", "loud")
    with pytest.raises(BadInput, match="choose 1 to 4096"):
        cutouts.png("science", size=10**9)
    html = cutouts._repr_html_()
    assert html.count("<figure") == 3
    assert html.count("<img") == 1
    assert [type(t).__name__ for t in cutouts.plot().data] == ["Heatmap"]


def test_braai_fixtures_have_72_nan(data):
    path = data / "alerts/ztf/json/714287740515015072.json"
    stamp = b64decode(json.loads(path.read_text())["cutoutScience"]["stampData"]["$binary"])
    assert np.isnan(read_stamp(stamp)).sum() == 72
