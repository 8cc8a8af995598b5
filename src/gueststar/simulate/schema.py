"""The ZTF alert schema 4.02 as a table of facts, with our own descriptions.

Names, order and types are ZTF's, so that every reader of ZTF packets reads ours; the descriptions
are written for this project. ``?`` marks a field that may be null, ``!`` one without a default.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from fastavro import parse_schema

VERSION = "4.02"
PUBLISHER = "gueststar simulator"

_EXPOSURE = """
jd double! start of the exposure, Julian date UTC [d]
fid int! filter: 1 g, 2 r, 3 i
pid long! identifier of the processed science image
diffmaglim ?float 5 sigma limit of the difference image [AB mag]
pdiffimfilename ?string file name of the difference image
programpi ?string who runs the programme
programid int! programme: 0 engineering, 1 public, 2 partnership, 3 Caltech
"""

_MEASURED = """
chipsf ?float reduced chi-square of the PSF fit
magap ?float magnitude in an aperture 14 pixels wide [mag]
sigmagap ?float error of magap [mag]
distnr ?float distance to the nearest source of the reference image [pixel]
magnr ?float magnitude of that source [mag]
sigmagnr ?float error of magnr [mag]
chinr ?float chi of that source's PSF fit
sharpnr ?float sharpness of that source
sky ?float background around the candidate [DN]
magdiff ?float magap minus magpsf [mag]
fwhm ?float width of the candidate if it were a Gaussian [pixel]
classtar ?float 1 star-like, 0 extended
mindtoedge ?float distance to the nearest edge of the detector [pixel]
magfromlim ?float diffmaglim minus magap [mag]
seeratio ?float width of the PSF of the difference image over fwhm
aimage ?float second moment along the major axis [pixel]
bimage ?float second moment along the minor axis [pixel]
aimagerat ?float aimage over fwhm
bimagerat ?float bimage over fwhm
elong ?float aimage over bimage
nneg ?int negative pixels of the central 5 x 5
nbad ?int masked pixels of the central 5 x 5
rb ?float real/bogus score of a random forest, 1 real
ssdistnr ?float distance to the nearest known Solar System body; -999 none [arcsec]
ssmagnr ?float predicted magnitude of that body; -999 none [mag]
ssnamenr ?string designation of that body; "null" none
sumrat ?float sum of the central 5 x 5 pixels over the sum of their absolute values
magapbig ?float magnitude in an aperture 18 pixels wide [mag]
sigmagapbig ?float error of magapbig [mag]
"""

_STAR = """
sgmag{n} ?float g of PS1 neighbour {n} within 30 arcsec; -999 none [mag]
srmag{n} ?float r of PS1 neighbour {n} [mag]
simag{n} ?float i of PS1 neighbour {n} [mag]
szmag{n} ?float z of PS1 neighbour {n} [mag]
sgscore{n} ?float star/galaxy score of PS1 neighbour {n}, 1 star; -999 none
distpsnr{n} ?float distance to PS1 neighbour {n}; -999 none [arcsec]
"""

CANDIDATE = (
    _EXPOSURE
    + """
candid long! identifier of the alert; larger than 2**53
isdiffpos string! t: science minus reference is positive; f: negative
tblid ?long row in the extraction table
nid ?int night
rcid ?int readout channel, 0 to 63
field ?int field of the survey grid
xpos ?float position on the detector [pixel]
ypos ?float position on the detector [pixel]
ra double! right ascension, ICRS [deg]
dec double! declination, ICRS [deg]
magpsf float! magnitude of the absolute difference flux from the PSF fit [mag]
sigmapsf float! error of magpsf [mag]
"""
    + _MEASURED
    + """
ranr double! right ascension of the nearest reference source [deg]
decnr double! declination of the nearest reference source [deg]
"""
    + _STAR.format(n=1)
    + """
ndethist int! detections within 1.5 arcsec since the survey began
ncovhist int! times that the position was observed since the survey began
jdstarthist ?double first of the ndethist detections, Julian date [d]
jdendhist ?double last of the ndethist detections, Julian date [d]
scorr ?double signal to noise at the peak of the matched-filtered difference
tooflag ?int 1: target of opportunity
objectidps1 ?long identifier of PS1 neighbour 1; null none
objectidps2 ?long identifier of PS1 neighbour 2; null none
"""
    + _STAR.format(n=2)
    + "objectidps3 ?long identifier of PS1 neighbour 3; null none\n"
    + _STAR.format(n=3)
    + """
nmtchps int! PS1 sources within 30 arcsec
rfid long! identifier of the reference image
jdstartref double! first exposure of the reference, Julian date [d]
jdendref double! last exposure of the reference, Julian date [d]
nframesref int! exposures in the reference
rbversion string! version of the random forest
dsnrms ?float peak of the difference over its scatter
ssnrms ?float peak of the matched-filtered difference over its scatter
dsdiff ?float dsnrms minus ssnrms
magzpsci ?float zero point of the science image: AB mag of 1 DN [mag]
magzpsciunc ?float error of magzpsci [mag]
magzpscirms ?float scatter of the calibrators around magzpsci [mag]
nmatches int! calibrators used
clrcoeff ?float colour coefficient of the calibration
clrcounc ?float error of clrcoeff
zpclrcov ?float covariance of magzpsci and clrcoeff
zpmed ?float median zero point of the calibrators [mag]
clrmed ?float median colour of the calibrators [mag]
clrrms ?float scatter of the colours of the calibrators [mag]
neargaia ?float distance to the nearest Gaia source within 90 arcsec; -999 none [arcsec]
neargaiabright ?float the same for sources brighter than 14 mag [arcsec]
maggaia ?float G of the nearest Gaia source; -999 none [mag]
maggaiabright ?float G of the nearest bright Gaia source; -999 none [mag]
exptime ?float exposure time [s]
drb ?float real/bogus score of a deep network, 1 real; null in simulated packets
drbversion string! version of the deep network
"""
)

#: An earlier detection is written in five parts, because most of it comes from arrays.
PRV_PARTS = (
    _EXPOSURE,
    """
candid ?long! identifier of the earlier detection; null for a limit
isdiffpos ?string! t or f as in candidate; null for a limit
tblid ?long row in the extraction table
""",
    """
nid ?int night
rcid ?int readout channel, 0 to 63
field ?int field of the survey grid
""",
    """
xpos ?float position on the detector [pixel]
ypos ?float position on the detector [pixel]
ra ?double! right ascension, ICRS [deg]
dec ?double! declination, ICRS [deg]
magpsf ?float! magnitude of the absolute difference flux; null for a limit [mag]
sigmapsf ?float! error of magpsf [mag]
"""
    + _MEASURED
    + """
ranr ?double! right ascension of the nearest reference source [deg]
decnr ?double! declination of the nearest reference source [deg]
scorr ?double signal to noise at the peak of the matched-filtered difference
""",
    """
magzpsci ?float zero point of the science image [mag]
magzpsciunc ?float error of magzpsci [mag]
magzpscirms ?float scatter of the calibrators around magzpsci [mag]
clrcoeff ?float colour coefficient of the calibration
clrcounc ?float error of clrcoeff
rbversion string! version of the random forest
""",
)
PRV_CANDIDATE = "".join(PRV_PARTS)

#: The part of a forced measurement that every object in the exposure shares ...
FORCED_EXPOSURE = """
field ?int field of the survey grid
rcid ?int readout channel, 0 to 63
fid int! filter: 1 g, 2 r, 3 i
pid long! identifier of the processed science image
rfid long! identifier of the reference image
sciinpseeing ?float FWHM of the science image [pixel]
scibckgnd ?float background of the science image [DN]
scisigpix ?float scatter of the pixels of the science image [DN]
magzpsci ?float zero point: AB mag of 1 DN [mag]
magzpsciunc ?float error of magzpsci [mag]
magzpscirms ?float scatter of the calibrators around magzpsci [mag]
clrcoeff ?float colour coefficient of the calibration
clrcounc ?float error of clrcoeff
exptime ?float exposure time [s]
adpctdif1 ?float astrometric scatter against Gaia along right ascension [arcsec]
adpctdif2 ?float astrometric scatter against Gaia along declination [arcsec]
diffmaglim ?float 5 sigma limit of the difference image [AB mag]
programid int! programme: 1 public
jd double! start of the exposure, Julian date UTC [d]
"""
#: ... the measurement, and the part that one object has in one band.
FORCED_FLUX = """
forcediffimflux ?float difference flux at the object's position; -99999 failed [DN]
forcediffimfluxunc ?float error of forcediffimflux; -99999 failed [DN]
procstatus ?string 0: no warning
"""
FORCED_OBJECT = """
distnr ?float distance to the nearest reference source; -99999 none [arcsec]
ranr double! right ascension of that source [deg]
decnr double! declination of that source [deg]
magnr ?float magnitude of that source [mag]
sigmagnr ?float error of magnr [mag]
chinr ?float chi of that source's PSF fit
sharpnr ?float sharpness of that source
"""


def fields(table: str) -> list[dict[str, Any]]:
    """Turn a table of ``name type description`` lines into Avro fields."""
    return [_field(line) for line in table.splitlines() if line.strip()]


def _field(line: str) -> dict[str, Any]:
    name, kind, doc = line.split(" ", 2)
    kept = kind.rstrip("!")
    field: dict[str, Any] = {"name": name, "type": kept, "doc": doc}
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
        "fields": fields(table),
    }


def alert_schema() -> dict[str, Any]:
    """Build the whole schema of a packet, as written into its header."""
    cutout = record("cutout", "fileName string name\nstampData bytes gzip FITS")
    return {
        "type": "record",
        "name": "alert",
        "namespace": "ztf",
        "version": VERSION,
        "doc": "a simulated alert in the form of the Zwicky Transient Facility's",
        "fields": [
            {"name": "schemavsn", "type": "string", "doc": "version of this schema"},
            {"name": "publisher", "type": "string", "doc": "who made this packet"},
            {"name": "objectId", "type": "string", "doc": "the object's name"},
            {"name": "candid", "type": "long", "doc": "the alert's identifier"},
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
