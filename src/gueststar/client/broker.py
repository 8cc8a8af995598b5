"""``Broker``: everything that a store can be asked, as astronomers ask it."""

from __future__ import annotations

import os
from os import PathLike
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa

from gueststar.client.exporting import Exporting
from gueststar.client.follow_up import FollowUp
from gueststar.client.live import stream
from gueststar.client.login import Secret, credentials_of
from gueststar.client.matching import Matching
from gueststar.client.notes import Notes
from gueststar.client.places import alert_id_of
from gueststar.client.remote import RemoteStore
from gueststar.client.results import Result
from gueststar.client.things import BrokerObject
from gueststar.errors import BadInput
from gueststar.store import Store, open_store
from gueststar.store.selection import CountBy

if TYPE_CHECKING:
    from gueststar.alert import Alert
    from gueststar.cutouts import Cutouts

_WAIT_S = 20.0  # of an annotation, for another writer


class Broker(Exporting, Matching, Notes, FollowUp):
    """Alerts, objects and their light curves, from a local store or from a server.

    Parameters
    ----------
    where : str or path, optional
        Address of a server (``http://127.0.0.1:8765``), URL of a store (``sqlite:///night.db``),
        or the file of one. Default: the environment's ``GUESTSTAR_STORE``, else
        ``sqlite:///gueststar.db``. A store is opened for reading only, and once more for writing
        by the first annotation.
    timeout : float
        Of a server: seconds without an answer after which a try counts as failed.
    retries : int
        Of a server: tries after the first one, with growing pauses.
    token : str, optional
        Of a server: says who asks. Default: the environment's ``GUESTSTAR_TOKEN``.
    user, password : str, optional
        Of a server: of an account there, to log in with. A password that is not given is asked
        for. It and what is given for it stay in memory; the login is renewed while it is used,
        and ends with :meth:`close`.
    insecure : bool
        Send the password over plain HTTP to another machine, too.
    progress : bool, optional
        Show a bar for long pulls; default: when standard error is a terminal.

    Raises
    ------
    StoreError
        If there is no such store.
    BadInput
        If an address or a login cannot be; a wrong password (``NotKnown``) is not sent again.
    ServerError
        If there is no answer to a login.

    Examples
    --------
    >>> b = Broker("http://127.0.0.1:8765")              # doctest: +SKIP
    >>> b["ZTF18abcdefg"].lc.plot()                      # doctest: +SKIP
    >>> b.cone("10:12:13.4 -02:03:04", 5)                # doctest: +SKIP
    >>> b = Broker("https://alerts.example.org", user="Ann")    # doctest: +SKIP
    """

    def __init__(
        self,
        where: str | PathLike[str] | None = None,
        *,
        timeout: float = 60.0,
        retries: int = 4,
        token: str | None = None,
        user: str | None = None,
        password: str | None = None,
        insecure: bool = False,
        progress: bool | None = None,
    ) -> None:
        # What stands in a frame is shown by tracebacks that show variables.
        hidden, password = None if password is None else Secret(password), None
        self._progress = progress
        text = None if where is None else str(where)
        self._store: Store | RemoteStore
        self._writer: Store | None = None
        if text is not None and text.startswith(("http://", "https://")):
            if token and user is not None:
                raise BadInput("token, user: give one of them: each says who asks")
            who = credentials_of(text, user, hidden, insecure=insecure)
            if who is None:
                token = token or os.environ.get("GUESTSTAR_TOKEN") or None
            self._store = RemoteStore(
                text, timeout=timeout, retries=retries, token=token, credentials=who
            )
        else:
            if user is not None or hidden is not None:
                raise BadInput(
                    "user: a store on this machine is not logged in to: give the address of a "
                    "server, or leave user and password out"
                )
            self._url = text if text is None or "://" in text else f"sqlite:///{text}"
            self._store = open_store(self._url, read_only=True)

    stream = staticmethod(stream)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close connections and files, and end the login."""
        self._store.close()
        if self._writer is not None:
            self._writer.close()

    def _writable(self) -> Store | RemoteStore:
        if isinstance(self._store, RemoteStore):
            return self._store
        if self._writer is None:
            self._writer = open_store(self._url, busy_s=_WAIT_S)
        return self._writer

    def __repr__(self) -> str:
        # A traceback may show one whose login has just been refused.
        return f"<Broker over {getattr(self, '_store', None)!r}>"

    def __getitem__(self, name: str) -> BrokerObject:
        """Return an object by its name, or by one of the TNS that a catalogue matches it with.

        Raises
        ------
        BadInput
            If there is none; the message names the nearest.
        """
        return BrokerObject(self, self._store.object(self._named(str(name))))

    def alert(self, alert_id: int | str) -> Alert:
        """Return one alert with light curve, cutouts, scores and the survey's own record.

        Parameters
        ----------
        alert_id : int or str
            ZTF candid, LSST diaSourceId.

        Raises
        ------
        BadInput
            If there is none.
        """
        return self._store.alert(alert_id_of(alert_id))

    def cutouts(self, alert_id: int | str) -> Cutouts:
        """Return the three cutouts of an alert."""
        return self._store.cutouts(alert_id_of(alert_id))

    def native(self, alert_id: int | str) -> dict[str, Any]:
        """Return the survey's own record of an alert, its own names and units."""
        return self._store.native(alert_id_of(alert_id))

    def scores(self, alert_id: int | str) -> Result:
        """Return all scores of an alert, of every module and version."""
        found = self._store.scores(alert_id_of(alert_id))
        columns = {
            "module": pa.array([s.module for s in found], pa.string()),
            "version": pa.array([s.version for s in found], pa.string()),
            "class": pa.array([s.label for s in found], pa.string()),
            "value": pa.array([s.value for s in found], pa.float32()),
            "reason": pa.array([s.reason for s in found], pa.string()),
        }
        return Result.from_arrow(pa.table(columns))

    def nights(self) -> Result:
        """Return the nights with their numbers of alerts, newest first."""
        return Result.from_arrow(self._store.nights())

    def night(self, night: int | None = None, *, limit: int = 50, **options: Any) -> Result:
        """Return the first alerts of a night.

        Parameters
        ----------
        night : int, optional
            YYYYMMDD; default the newest.
        limit : int
            Rows, 1 to 10,000. :meth:`alerts` walks through a whole night.
        **options
            ``sort`` (score, magnitude, age, time), ``descending``, ``module``, ``min_score``,
            ``max_score``, ``band``, ``survey``, ``mag_min``, ``mag_max``, ``age_min``,
            ``age_max``; see :meth:`gueststar.store.Store.night`.
        """
        try:
            found = self._store.night(night, limit=limit, **options)
        except TypeError as error:
            raise BadInput(f"night: {error}; see help(Broker.night)") from None
        return Result.from_arrow(found)

    def counts(self, by: CountBy, **options: Any) -> Result:
        """Count alerts by night, band, survey, class or healpix.

        Parameters
        ----------
        by : str
        **options
            ``night``; ``order`` of HEALPix cells; ``min_score`` of a class.
        """
        return Result.from_arrow(self._store.counts(by, **options))

    def modules(self) -> list[str]:
        """Return the names of the modules that have scored alerts."""
        return self._store.modules()

    def sql(self, query: str, *, limit: int = 10_000) -> Result:
        """Run a read-only SELECT over the views of docs/sql.md.

        Parameters
        ----------
        query : str
        limit : int
            Rows at most; ``meta["truncated"]`` says that there are more.
        """
        return Result.from_arrow(self._store.sql(query, limit=limit))

    def health(self) -> dict[str, Any]:
        """Return the counts that prove that nothing was lost."""
        return self._store.health()
