"""MPCORB.DAT: columns, packed names and dates, head, gzip, lines that hold no orbit."""

import gzip

import pytest

from catalogs.planets import EROS
from gueststar.catalogs.designations import called, epoch_of, looked_for, parts_of, unpacked
from gueststar.catalogs.mpcorb import MpcFile
from gueststar.errors import BadInput

HEAD = "MINOR PLANET CENTER ORBIT DATABASE (MPCORB)\n\nDes'n     H     G\n" + "-" * 202 + "\n"


def read(path):
    lines = MpcFile(path)
    return lines, [row for piece in lines for row in piece.to_pylist()]


def changed(line, at, text):
    return line[:at] + text + line[at + len(text) :]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("head", ["", HEAD])
def test_a_line_is_read(tmp_path, head, packed):
    path = tmp_path / "MPCORB.DAT"
    text = f"{head}{EROS}\n\n{EROS}\r\n".encode()
    path.write_bytes(gzip.compress(text) if packed else text)
    lines, rows = read(path)
    assert rows[0] == rows[1] == {
        "designation": "433", "number": 433, "name": "Eros", "epoch": 61000.0,
        "mean_anomaly": 310.5543, "perihelion": 178.9298, "node": 304.2701,
        "inclination": 10.8285, "eccentricity": 0.2228357, "axis": 1.4582463,
        "h": 10.39, "g": 0.15,
    }  # fmt: skip
    assert (lines.left_out, lines.told) == (0, [])


def test_a_magnitude_may_be_missing_and_so_may_the_readable_name(tmp_path):
    path = tmp_path / "mpc"
    short = changed(EROS[:150], 8, "           ")
    short = changed(short, 0, "K20S88J")
    path.write_text(short + "\n")
    _, (row,) = read(path)
    assert (row["designation"], row["number"], row["h"], row["g"]) == (
        "2020 SJ88",
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (EROS[:80], "80 characters are less than the 103 of an orbit"),
        (changed(EROS, 70, "1.2228357"), "eccentricity 1.2228357 is not of an ellipse"),
        (changed(EROS, 26, "   x.     "), "mean_anomaly 'x.' is no number"),
        (changed(EROS, 92, "  -1.4582463"), "axis -1.458246 au is not above 0"),
        (changed(EROS, 20, "K25ZL"), "'K25ZL' is no packed date"),
        (changed(EROS, 37, "      nan"), "perihelion nan is no number"),
    ],
)
def test_a_bad_line_is_told_by_its_number_and_harms_no_other(tmp_path, line, why):
    path = tmp_path / "mpc"
    path.write_text(f"{HEAD}{EROS}\n{line}\n{EROS}\n")
    lines, rows = read(path)
    assert len(rows) == 2
    assert lines.left_out == 1
    assert lines.told[0].startswith("line 6: ")
    assert why in lines.told[0]


def test_what_is_no_file_of_orbits_is_refused(tmp_path):
    path = tmp_path / "night.csv"
    path.write_text("ra,dec\n1,2\n")
    with pytest.raises(BadInput, match=r"no orbits of the form of MPCORB.DAT: line 1: 6 char"):
        read(path)
    path.write_bytes(gzip.compress((EROS + "\n").encode() * 9_000)[:-200])
    with pytest.raises(BadInput, match="is damaged near line"):
        read(path)


@pytest.mark.parametrize(
    ("packed", "expected"),
    [
        ("00001", "1"), ("99999", "99999"), ("A0000", "100000"), ("z9999", "619999"),
        ("~0000", "620000"), ("~000z", "620061"), ("J95X00A", "1995 XA"), ("J98SG2S", "1998 SS162"),
        ("K07Tf8A", "2007 TA418"), ("PLS2040", "2040 P-L"), ("T3S4101", "4101 T-3"),
    ],
)  # fmt: skip
def test_designations_are_unpacked(packed, expected):
    assert unpacked(packed) == expected


@pytest.mark.parametrize("text", ["", "X9", "Q95X00A", "J9!X00A"])
def test_what_is_no_designation_is_refused(text):
    with pytest.raises(ValueError, match="no packed designation"):
        unpacked(text)


def test_dates_are_unpacked():
    assert epoch_of("J9611") == 50083.0  # 1996 January 1
    assert epoch_of("J961A") == 50092.0
    assert epoch_of("K01AM138303") == pytest.approx(52204.138303)  # 2001 October 22.138303
    with pytest.raises(ValueError, match="no packed date"):
        epoch_of("K25")


def test_names_are_taken_apart_and_found_again():
    assert parts_of("(217301) 2004 JQ12") == ("217301", 217301, "2004 JQ12")
    assert [looked_for(x) for x in ("(433)", "0433", "2004 jq12", "Eros")] == [
        "433", "433", "2004 JQ12", "EROS",
    ]  # fmt: skip
    assert called(1, "Ceres", "1") == "(1) Ceres"
