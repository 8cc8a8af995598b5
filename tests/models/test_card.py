"""Cards: what is written is read again; what is wrong is said."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gueststar.errors import BadBundle
from gueststar.models.card import Card, Recipe, read_card, write_card

CARD = Card(
    name="rb",
    version="1",
    task="real-bogus",
    classes=("real",),
    inputs=(Recipe("triplets", "stamps", (63, 63, 3), {"norm": "image", "size": 63}),),
    licence="BSD-3-Clause",
    source="here",
    created="2026-01-31",
    surveys=("ztf",),
    training={"alerts": 100, "objects held out": True},
    figures={"auc": 0.9, "auc_95": [0.8, 0.95]},
)


def test_round_trip():
    assert read_card(write_card(CARD)) == CARD


@given(st.text(st.characters(exclude_categories=["Cs"])), st.floats(allow_nan=False))
def test_any_text_and_number(text, number):
    card = replace(CARD, source=text, figures={text: number, "x": [text]})
    assert read_card(write_card(card)) == card


GOOD = write_card(CARD)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = ", "is not TOML"),
        ("a = " + "[" * 100_000, "is not TOML"),
        ("", "has no name, version"),
        (GOOD.replace('name = "rb"', 'name = "r b"'), "cannot name a model"),
        (GOOD.replace('name = "rb"', "name = 3"), "name cannot be 3"),
        (GOOD.replace('["real"]', "[]"), "no classes"),
        (GOOD.replace('["real"]', "[1]"), "classes cannot be 1"),
        (GOOD.replace("threshold = 0.5", "threshold = 5"), "need 0..1"),
        (GOOD.replace("threshold = 0.5", "threshold = true"), "threshold cannot be True"),
        (GOOD.replace("[63, 63, 3]", "[63, 63, -3]"), "shape cannot be"),
        (GOOD.replace("[63, 63, 3]", '"all"'), "shape cannot be 'all'"),
        (GOOD.replace("shape =", "form ="), "an input has no 'shape'"),
        (GOOD.replace("[[inputs]]", "[inputs]"), "inputs cannot be"),
        ('colour = "red"\n' + GOOD, "not known: colour"),
    ],
)
def test_what_is_wrong_is_said(text, words):
    with pytest.raises(BadBundle) as caught:
        read_card(text)
    assert words in str(caught.value)


def test_what_cannot_be_written():
    with pytest.raises(BadBundle, match="cannot hold None"):
        write_card(replace(CARD, figures={"auc": None}))
    two = replace(CARD, inputs=CARD.inputs * 2)
    with pytest.raises(BadBundle, match="2 inputs"):
        _ = two.recipe
