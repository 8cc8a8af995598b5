"""The ZTF alert schema 4.02 as a table of facts.

Names, order and types are ZTF's, so that every reader of ZTF packets reads ours; descriptions
come from :mod:`gueststar.surveys.documentation`. ``?`` marks a field that may be null, ``!`` one
without a default.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from fastavro import parse_schema

from gueststar.surveys.documentation import describe

VERSION = "4.02"
PUBLISHER = "gueststar simulator"

_EXPOSURE = """
jd double!
fid int!
pid long!
diffmaglim ?float
pdiffimfilename ?string
programpi ?string
programid int!
"""

_MEASURED = """
chipsf ?float
magap ?float
sigmagap ?float
distnr ?float
magnr ?float
sigmagnr ?float
chinr ?float
sharpnr ?float
sky ?float
magdiff ?float
fwhm ?float
classtar ?float
mindtoedge ?float
magfromlim ?float
seeratio ?float
aimage ?float
bimage ?float
aimagerat ?float
bimagerat ?float
elong ?float
nneg ?int
nbad ?int
rb ?float
ssdistnr ?float
ssmagnr ?float
ssnamenr ?string
sumrat ?float
magapbig ?float
sigmagapbig ?float
"""

_STAR = """
sgmag{n} ?float
srmag{n} ?float
simag{n} ?float
szmag{n} ?float
sgscore{n} ?float
distpsnr{n} ?float
"""

CANDIDATE = (
    _EXPOSURE
    + """
candid long!
isdiffpos string!
tblid ?long
nid ?int
rcid ?int
field ?int
xpos ?float
ypos ?float
ra double!
dec double!
magpsf float!
sigmapsf float!
"""
    + _MEASURED
    + """
ranr double!
decnr double!
"""
    + _STAR.format(n=1)
    + """
ndethist int!
ncovhist int!
jdstarthist ?double
jdendhist ?double
scorr ?double
tooflag ?int
objectidps1 ?long
objectidps2 ?long
"""
    + _STAR.format(n=2)
    + "objectidps3 ?long\n"
    + _STAR.format(n=3)
    + """
nmtchps int!
rfid long!
jdstartref double!
jdendref double!
nframesref int!
rbversion string!
dsnrms ?float
ssnrms ?float
dsdiff ?float
magzpsci ?float
magzpsciunc ?float
magzpscirms ?float
nmatches int!
clrcoeff ?float
clrcounc ?float
zpclrcov ?float
zpmed ?float
clrmed ?float
clrrms ?float
neargaia ?float
neargaiabright ?float
maggaia ?float
maggaiabright ?float
exptime ?float
drb ?float
drbversion string!
"""
)

#: An earlier detection is written in five parts, because most of it comes from arrays.
PRV_PARTS = (
    _EXPOSURE,
    """
candid ?long!
isdiffpos ?string!
tblid ?long
""",
    """
nid ?int
rcid ?int
field ?int
""",
    """
xpos ?float
ypos ?float
ra ?double!
dec ?double!
magpsf ?float!
sigmapsf ?float!
"""
    + _MEASURED
    + """
ranr ?double!
decnr ?double!
scorr ?double
""",
    """
magzpsci ?float
magzpsciunc ?float
magzpscirms ?float
clrcoeff ?float
clrcounc ?float
rbversion string!
""",
)
PRV_CANDIDATE = "".join(PRV_PARTS)

#: The part of a forced measurement that every object in the exposure shares ...
FORCED_EXPOSURE = """
field ?int
rcid ?int
fid int!
pid long!
rfid long!
sciinpseeing ?float
scibckgnd ?float
scisigpix ?float
magzpsci ?float
magzpsciunc ?float
magzpscirms ?float
clrcoeff ?float
clrcounc ?float
exptime ?float
adpctdif1 ?float
adpctdif2 ?float
diffmaglim ?float
programid int!
jd double!
"""
#: ... the measurement, and the part that one object has in one band.
FORCED_FLUX = """
forcediffimflux ?float
forcediffimfluxunc ?float
procstatus ?string
"""
FORCED_OBJECT = """
distnr ?float
ranr double!
decnr double!
magnr ?float
sigmagnr ?float
chinr ?float
sharpnr ?float
"""


def fields(table: str, container: str | None = None) -> list[dict[str, Any]]:
    """Turn a table of ``name type`` lines into Avro fields."""
    return [_field(line, container) for line in table.splitlines() if line.strip()]


def _field(line: str, container: str | None) -> dict[str, Any]:
    name, kind = line.split(" ")
    kept = kind.rstrip("!")
    field: dict[str, Any] = {"name": name, "type": kept}
    if note := describe("ztf", name, container):
        field["doc"] = str(note)
    if kept.startswith("?"):
        field["type"] = ["null", kept[1:]]
        if not kind.endswith("!"):
            field["default"] = None
    return field


def record(name: str, table: str) -> dict[str, Any]:
    """Build one Avro record schema from a table."""
    return {
        "type": "record",
        "name": name,
        "namespace": "ztf.alert",
        "version": VERSION,
        "fields": fields(table, f"{name}s"),
    }


def alert_schema() -> dict[str, Any]:
    """Build the whole schema of a packet, as written into its header."""
    cutout = record("cutout", "fileName string\nstampData bytes")
    return {
        "type": "record",
        "name": "alert",
        "namespace": "ztf",
        "version": VERSION,
        "doc": "a simulated alert in the form of the Zwicky Transient Facility's",
        "fields": [
            *fields("schemavsn string!\npublisher string!\nobjectId string!\ncandid long!"),
            {"name": "candidate", "type": record("candidate", CANDIDATE)},
            _optional_list("prv_candidates", record("prv_candidate", PRV_CANDIDATE)),
            _optional_list(
                "fp_hists", record("fp_hist", FORCED_EXPOSURE + FORCED_FLUX + FORCED_OBJECT)
            ),
            {"name": "cutoutScience", "type": ["null", cutout], "default": None},
            {"name": "cutoutTemplate", "type": ["null", "ztf.alert.cutout"], "default": None},
            {"name": "cutoutDifference", "type": ["null", "ztf.alert.cutout"], "default": None},
        ],
    }


def _optional_list(name: str, items: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "type": ["null", {"type": "array", "items": items}], "default": None}


@cache
def schema_json() -> bytes:
    """Give the whole schema as compact JSON, for the container header."""
    return json.dumps(alert_schema(), separators=(",", ":")).encode()


@cache
def parsed(part: str) -> Any:
    """Parse one part of the schema for fastavro: ``candidate``, ``prv_exposure``, ..."""
    tables = {
        "candidate": CANDIDATE,
        "prv_exposure": PRV_PARTS[0],
        "prv_place": PRV_PARTS[2],
        "forced_exposure": FORCED_EXPOSURE,
        "forced_object": FORCED_OBJECT,
    }
    return parse_schema(record(f"part_{part}", tables[part]))
