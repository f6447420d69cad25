"""hf-nostro behind handlers as an application would write them.

It is a ledger of credits: what a purchase is and when it grants is the application's business. The
handlers keep a row for each purchase and each message beside it and join the library's writes to
their transaction (`cur=`), which is the surest way that its documentation shows.
"""

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from nostro import IdempotencyConflict, Ledger  # type: ignore[import-not-found] # only
from psycopg_pool import ConnectionPool  # type: ignore[import-not-found] # in its own environment

from tests.benchmarks.peers import nostro_sql
from tests.benchmarks.peers.script import VALID_DAYS
from tests.benchmarks.peers.worker import Death, NotMetered, RefusedError

TENANT: Final = "bench"
CHUNK: Final = 1_000
MAX_CHUNKS: Final = 1_000


class UnknownPurchaseError(Exception):
    """A fact about a purchase that has not been posted yet."""


@dataclass(frozen=True)
class NostroPeer(NotMetered):
    """A pool of connections that the library and the handlers share."""

    pool: Any
    ledger: Any
    death: Death

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        with self.pool.connection() as connection, connection.cursor() as cursor:
            yield cursor
        self.death.wrote()

    def enrol(self, name: str) -> str:
        return str(self.ledger.accounts.get_or_create(TENANT, name).id)

    def tell(self, message: Mapping[str, Any]) -> None:
        with self._transaction() as cursor:
            cursor.execute(nostro_sql.SEEN, message)
            if not cursor.rowcount:
                return
            if message["do"] == "posted":
                self._posted(cursor, message)
                return
            cursor.execute(nostro_sql.LOCK, message)
            found = cursor.fetchone()
            if found is None:
                raise UnknownPurchaseError(message["purchase"])
            self._about(cursor, message, *found)

    def _posted(self, cursor: Any, message: Mapping[str, Any]) -> None:  # noqa: ANN401 - untyped here
        cursor.execute(nostro_sql.POSTED, message)
        if cursor.rowcount:
            return
        cursor.execute(nostro_sql.LOCK, message)
        status, _, granted = cursor.fetchone()
        cursor.execute(nostro_sql.SET_TOTAL, message)
        if status == "paid":
            self._move(cursor, message, math.floor(Decimal(message["amount"])) - granted)

    def _about(
        self,
        cursor: Any,  # noqa: ANN401 - as above
        message: Mapping[str, Any],
        status: str,
        total: Decimal,
        granted: int,
    ) -> None:
        match message["do"], status:
            case "paid", "posted":
                cursor.execute(nostro_sql.SET_STATUS, {**message, "status": "paid"})
                self._move(cursor, message, math.floor(total))
            case "refunded", "posted":
                cursor.execute(nostro_sql.LESS, message)
            case "refunded", "paid":
                self._move(cursor, message, -math.floor(Decimal(message["amount"])))
            case "voided", _:
                cursor.execute(nostro_sql.SET_STATUS, {**message, "status": "voided"})
                self._move(cursor, message, -granted)

    def _move(self, cursor: Any, message: Mapping[str, Any], points: int) -> None:  # noqa: ANN401 - as above
        """Credit or debit under the message's id."""
        cursor.execute(nostro_sql.ADD_GRANTED, {**message, "points": points})
        key = {"idempotency_key": message["id"], "category": message["do"], "cur": cursor}
        account = UUID(message["member"])
        if points > 0:
            ends = datetime.now(UTC) + timedelta(days=VALID_DAYS)
            self.ledger.credit(account, self.ledger.amount(points), expires_at=ends, **key)
        elif points < 0:
            self.ledger.debit(account, self.ledger.amount(-points), **key)

    def redeem(self, message: Mapping[str, Any]) -> None:
        """A debit is never refused for want of points: the handler looks at what is left."""
        account = UUID(message["member"])
        with self._transaction() as cursor:
            try:
                entry = self.ledger.debit(
                    account,
                    self.ledger.amount(message["points"]),
                    category="redemption",
                    idempotency_key=message["id"],
                    cur=cursor,
                )
            except IdempotencyConflict as error:
                raise RefusedError("the key was used for something else") from error
            if not entry.replayed and entry.balance_after.to_units() < 0:
                raise RefusedError("too few points")

    def sweep(self) -> None:
        for _ in range(MAX_CHUNKS):
            report = self.ledger.sweep_expired(limit=CHUNK)
            self.death.wrote()
            if not report.has_more:
                return
        raise RuntimeError("the sweep did not end")

    def balance(self, member: str) -> int:
        points: int = self.ledger.balance(UUID(member)).balance.to_units()
        return points

    def pass_days(self, days: float, *, stored: bool) -> None:
        if stored:
            with self.pool.connection() as connection:
                connection.execute(nostro_sql.AGE, {"days": days})


def peer(death: Death) -> NostroPeer:
    """Connect to the database that the bench has started and migrated."""
    pool = ConnectionPool(os.environ["PEER_DATABASE"], min_size=1, max_size=2, open=True)
    return NostroPeer(pool=pool, ledger=Ledger(pool=pool, scale=nostro_sql.SCALE), death=death)
