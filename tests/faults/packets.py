"""Many small ZTF packets, quickly: simulated ones with small stamps, renumbered in place.

fastavro writes each template once, with marks where the identifiers, the time and the position
are; a packet is a template whose marks are overwritten by values of the same length.
"""

import gzip
import struct
from io import BytesIO

import fastavro
import numpy as np

from gueststar.simulate.night import Night

FIRST = (1 << 54) + 1  # candids above 2**53: no float holds them all
MARKS = {"candid": (1 << 54) + 0x2A5A5A5A5A5A5, "objectId": "ZTF99markers", "jd": 2461234.1234567}
RA, DEC = 123.45678901, -12.34567891
LIKES = 2  # points of history that stay
PER_OBJECT = 4


def long(value):
    """Avro's zigzag varint."""
    rest, out = value << 1, bytearray()
    while rest > 0x7F:
        out.append((rest & 0x7F) | 0x80)
        rest >>= 7
    return bytes([*out, rest])


def stamp():
    """A FITS stamp of 63 x 63 pixels, gzip'ed: some hundred bytes that can be scored."""
    cards = ["SIMPLE  =                    T", "BITPIX  =                  -32"]
    cards += ["NAXIS   =                    2", "NAXIS1  =                   63"]
    cards += ["NAXIS2  =                   63", "END"]
    head = "".join(card.ljust(80) for card in cards).encode().ljust(2880)
    pixels = np.add.outer(np.arange(63) % 3, np.arange(63) % 7).astype(">f4").tobytes()
    return gzip.compress(head + pixels + bytes(-len(pixels) % 2880), mtime=0)


class Template:
    """One simulated packet, made small, and where its marks are."""

    def __init__(self, packet):
        reader = fastavro.reader(BytesIO(packet))
        record, self.schema = next(reader), _without_docs(reader.writer_schema)
        self._mark(record)
        whole, body = BytesIO(), BytesIO()
        fastavro.writer(whole, self.schema, [record], codec="null", sync_marker=b"0123456789abcdef")
        fastavro.schemaless_writer(body, self.schema, record)
        self.whole, self.body = whole.getvalue(), body.getvalue()
        self._places = {text: _places(text) for text in (self.whole, self.body)}

    def _mark(self, record):
        record["objectId"], record["candid"] = MARKS["objectId"], MARKS["candid"]
        record["prv_candidates"] = (record.get("prv_candidates") or [])[-LIKES:]
        here = record["candidate"]
        here.update(candid=MARKS["candid"], jd=MARKS["jd"], ra=RA, dec=DEC)
        for name in ("cutoutScience", "cutoutTemplate", "cutoutDifference"):
            record[name] = {"fileName": f"{name}.fits.gz", "stampData": stamp()}

    def packet(self, number, framed=None):
        """Packet ``number``; with ``framed``, a schema's id, as a message without its schema."""
        text = self.whole if framed is None else self.body
        out = bytearray(text)
        for at, value in self._values(number, self._places[text]):
            out[at : at + len(value)] = value
        return bytes(out) if framed is None else b"\0" + framed.to_bytes(4, "big") + bytes(out)

    def _values(self, number, places):
        sky = number * 0.37
        values = {
            "candid": long(FIRST + number),
            "objectId": b"ZTF26" + b"%07d" % (number // PER_OBJECT),
            "jd": struct.pack("<d", 2461365.5 + number % 3 + number * 1e-6),
            "ra": struct.pack("<d", sky % 360),
            "dec": struct.pack("<d", sky % 120 - 60),
        }
        return [(at, values[name]) for name, found in places.items() for at in found]


class Packets:
    """Packets by number.

    Parameters
    ----------
    templates : int
        So many simulated packets they are derived from.
    """

    def __init__(self, templates=48, seed=11):
        self.templates = [Template(packet) for packet in Night(templates, seed)]
        self.schema = self.templates[0].schema

    def __call__(self, number, framed=None):
        return self.templates[number % len(self.templates)].packet(number, framed)

    @staticmethod
    def candid(number):
        return FIRST + number


def _places(text):
    marks = {
        "candid": long(MARKS["candid"]),
        "objectId": MARKS["objectId"].encode(),
        "jd": struct.pack("<d", MARKS["jd"]),
        "ra": struct.pack("<d", RA),
        "dec": struct.pack("<d", DEC),
    }
    found = {name: _all(text, mark) for name, mark in marks.items()}
    assert {name: len(at) for name, at in found.items()} == {**dict.fromkeys(marks, 1), "candid": 2}
    return found


def _all(text, mark):
    at, found = text.find(mark), []
    while at >= 0:
        found.append(at)
        at = text.find(mark, at + 1)
    return found


def _without_docs(schema):
    if isinstance(schema, dict):
        dropped = ("doc", "__fastavro_parsed__", "__named_schemas")
        return {key: _without_docs(value) for key, value in schema.items() if key not in dropped}
    return [_without_docs(item) for item in schema] if isinstance(schema, list) else schema
