"""HATS: Parquet files by HEALPix cell, as many as the density of the sky asks for.

See the HATS specification (https://www.ivoa.net/documents/Notes/HATS/) and the ``hats`` package.
Rows are put aside while they come, and counted by cell; then the cells are chosen, the rows dealt
out to them, and each cell sorted and written. So memory is bounded by one file's rows.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gueststar.errors import BadInput
from gueststar.export.tiles import Histogram, starts_of
from gueststar.export.writers import About, described
from gueststar.surveys.sky import healpix29

ROWS = 500_000  # of a file
INDEX = "_healpix_29"
_RELEASE = "2025-08-22"  # of the specification that is followed


class HatsWriter:
    """Writes a HATS catalogue into a folder.

    Parameters
    ----------
    folder : Path
        Empty.
    schema : pyarrow.Schema
        With ``ra`` and ``dec``.
    about : About
    name : str
        Of the catalogue.
    kind : str
        ``object``, or ``source`` where an object has many rows.
    most : int
        Rows of a file.

    Raises
    ------
    BadInput
        If there are no positions.
    """

    def __init__(
        self, folder: Path, schema: pa.Schema, about: About, name: str, kind: str, most: int
    ) -> None:
        lacking = [column for column in ("ra", "dec") if column not in schema.names]
        if lacking:
            raise BadInput(f"hats: rows need a position, and have no {' and no '.join(lacking)}")
        self.folder, self.about, self.name, self.kind, self.most = folder, about, name, kind, most
        index = pa.field(INDEX, pa.int64(), nullable=False)
        plain = described(schema, about)
        self._schema = pa.schema([index, *plain], plain.metadata)
        self._histogram = Histogram()
        self._scratch = folder / "scratch"
        self._scratch.mkdir()
        self._all = (self._scratch / "all").open("wb")
        self._stream = pa.ipc.new_stream(self._all, self._schema)
        self._rows = 0

    def write(self, table: pa.Table) -> None:
        """Put rows aside, and count them by cell."""
        cells = _cells(table)
        self._histogram.add(cells)
        full = pa.table([pa.array(cells), *table.columns], names=self._schema.names)
        self._stream.write_table(pa.table(full.cast(self._schema).columns, schema=self._schema))
        self._rows += table.num_rows

    def finish(self) -> None:
        """Deal the rows out, write the files, and what describes them."""
        self._stream.close()
        self._all.close()
        if not self._rows:
            raise BadInput("hats: no rows are selected, and a catalogue needs one at least")
        tiles = self._histogram.tiles(self.most)
        self._deal(starts_of(tiles))
        collected: list[pq.FileMetaData] = []
        for number, (order, cell, _) in enumerate(tiles):
            collected.append(self._file(number, order, cell))
        shutil.rmtree(self._scratch)
        self._describe(tiles, collected)

    def close(self) -> None:
        """Let go of the files."""
        self._all.close()

    def _deal(self, starts: np.ndarray) -> None:
        """Append rows to the pile of their cell."""
        with (self._scratch / "all").open("rb") as file, pa.ipc.open_stream(file) as stream:
            for batch in stream:
                table = pa.Table.from_batches([batch])
                at = np.searchsorted(starts, table[INDEX].to_numpy(), side="right") - 1
                order = np.argsort(at, kind="stable")
                piles, firsts = np.unique(at[order], return_index=True)
                table = table.take(pa.array(order))
                ends = [*firsts[1:], len(order)]
                for pile, first, end in zip(piles, firsts, ends, strict=True):
                    self._append(self._scratch / f"{pile}", table.slice(first, end - first))
        (self._scratch / "all").unlink()

    def _append(self, pile: Path, table: pa.Table) -> None:
        with pile.open("ab") as out, pa.ipc.new_stream(out, self._schema) as stream:
            stream.write_table(table)

    def _file(self, number: int, order: int, cell: int) -> pq.FileMetaData:
        """Sort a pile and write it as Parquet."""
        pile = self._scratch / f"{number}"
        table = pa.concat_tables(_streams(pile)).combine_chunks()
        table = table.take(pc.sort_indices(table, [(INDEX, "ascending")]))
        pile.unlink()
        within = f"Norder={order}/Dir={cell // 10_000 * 10_000}/Npix={cell}.parquet"
        path = self.folder / "dataset" / within
        path.parent.mkdir(parents=True, exist_ok=True)
        collected: list[pq.FileMetaData] = []
        pq.write_table(table, path, compression="zstd", metadata_collector=collected)
        collected[0].set_file_path(within)
        return collected[0]

    def _describe(
        self, tiles: list[tuple[int, int, int]], collected: list[pq.FileMetaData]
    ) -> None:
        dataset = self.folder / "dataset"
        pq.write_metadata(self._schema, dataset / "_common_metadata")
        pq.write_metadata(self._schema, dataset / "_metadata", metadata_collector=collected)
        lines = ["Norder,Npix", *(f"{order},{cell}" for order, cell, _ in sorted(tiles))]
        (self.folder / "partition_info.csv").write_text("\n".join(lines) + "\n")
        size = sum(file.stat().st_size for file in dataset.rglob("*.parquet"))
        facts = {
            "obs_collection": self.name,
            "dataproduct_type": self.kind,
            "obs_description": self.about.title,
            "hats_nrows": self._rows,
            "hats_col_ra": "ra",
            "hats_col_dec": "dec",
            "hats_col_healpix": INDEX,
            "hats_col_healpix_order": 29,
            "hats_npix_suffix": ".parquet",
            "hats_max_rows": self.most,
            "hats_order": max(order for order, _, _ in tiles),
            "moc_sky_fraction": f"{sum(4.0**-order / 12 for order, _, _ in tiles):.6g}",
            "hats_builder": self.about.creator,
            "hats_creation_date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%MUTC"),
            "hats_estsize": max(1, size // 1024),
            "hats_release_date": _RELEASE,
            "hats_version": "v1.0",
        }
        text = "#HATS catalog\n" + "".join(f"{k}={_escaped(str(v))}\n" for k, v in facts.items())
        for name in ("hats.properties", "properties"):
            (self.folder / name).write_text(text)


def _cells(table: pa.Table) -> np.ndarray:
    if "healpix29" in table.column_names and not table["healpix29"].null_count:
        return np.asarray(table["healpix29"].to_numpy(), np.int64)
    places = [np.asarray(table[name].to_numpy(), np.float64) for name in ("ra", "dec")]
    if not all(np.isfinite(one).all() for one in places):
        raise BadInput("hats: rows without a position cannot be placed: leave them out")
    return np.asarray(healpix29(*places).to_numpy(), np.int64)


def _streams(path: Path) -> Iterator[pa.Table]:
    """Read the streams that stand one behind the other in a file."""
    with path.open("rb") as file:
        end = path.stat().st_size
        while file.tell() < end:
            with pa.ipc.open_stream(file) as stream:
                yield stream.read_all()


def _escaped(text: str) -> str:
    """Write a value as Java's properties have it."""
    return text.replace("\\", "\\\\").replace("\n", "\\n")
