"""The plain PostgreSQL schema behind handlers as a shop would write them."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg  # type: ignore[import-not-found] # only in the peer's own environment

from tests.benchmarks.peers import sql
from tests.benchmarks.peers.script import VALID_DAYS
from tests.benchmarks.peers.worker import Death, NotMetered, RefusedError


class UnknownPurchaseError(Exception):
    """A fact about a purchase that has not been posted yet."""


@dataclass(frozen=True)
class PostgresPeer(NotMetered):
    """One connection, one transaction for each message."""

    connection: Any
    death: Death

    def enrol(self, name: str) -> str:
        with self.connection.transaction():
            self.connection.execute(sql.OPEN_ACCOUNT, {"member": name})
        return name

    def tell(self, message: Mapping[str, Any]) -> None:
        with self.connection.transaction():
            match message["do"]:
                case "posted":
                    self._posted(message)
                case "paid":
                    self._paid(message)
                case "refunded":
                    self._refunded(message)
                case "voided":
                    self._voided(message)
        self.death.wrote()

    def _posted(self, message: Mapping[str, Any]) -> None:
        if self.connection.execute(sql.POSTED, message).rowcount:
            return
        status, total = self._locked(message)
        self.connection.execute(sql.SET_TOTAL, message)
        if status == "paid":
            change = math.floor(Decimal(message["amount"])) - math.floor(total)
            self._move(message, change)

    def _paid(self, message: Mapping[str, Any]) -> None:
        status, total = self._locked(message)
        if status == "posted":
            self.connection.execute(sql.SET_STATUS, {**message, "status": "paid"})
            self._move(message, math.floor(total))

    def _refunded(self, message: Mapping[str, Any]) -> None:
        status, _ = self._locked(message)
        if status == "voided":
            return
        back = math.floor(Decimal(message["amount"])) if status == "paid" else 0
        if self._move(message, -back) and status == "posted":
            self.connection.execute(sql.LESS, message)

    def _voided(self, message: Mapping[str, Any]) -> None:
        status, _ = self._locked(message)
        if status == "paid":
            granted = self.connection.execute(sql.GRANTED, message).fetchone()[0]
            self._move(message, -int(granted))
        self.connection.execute(sql.SET_STATUS, {**message, "status": "voided"})

    def _locked(self, message: Mapping[str, Any]) -> tuple[str, Decimal]:
        found: tuple[str, Decimal] | None = self.connection.execute(
            sql.LOCK_PURCHASE, message
        ).fetchone()
        if found is None:
            raise UnknownPurchaseError(message["purchase"])
        return found

    def _move(self, message: Mapping[str, Any], points: int) -> bool:
        """Add points to the account under the message's id; False if that has been done."""
        values = {
            **message,
            "reference": message["id"],
            "points": points,
            "valid_days": VALID_DAYS,
        }
        if not self.connection.execute(sql.MOVE, values).rowcount:
            return False
        self.connection.execute(sql.ADD, values)
        if points < 0:
            self.connection.execute(sql.USE_UP, {**values, "points": -points})
        return True

    def redeem(self, message: Mapping[str, Any]) -> None:
        values = {
            **message,
            "reference": message["id"],
            "purchase": None,
            "valid_days": VALID_DAYS,
        }
        with self.connection.transaction():
            negative = {**values, "points": -message["points"]}
            if not self.connection.execute(sql.MOVE, negative).rowcount:
                known = self.connection.execute(sql.KNOWN, values).fetchone()[0]
                if known != -message["points"]:
                    raise RefusedError("the key was used for something else")
                return
            if not self.connection.execute(sql.SPEND, values).rowcount:
                raise RefusedError("too few points")
            self.connection.execute(sql.USE_UP, values)
        self.death.wrote()

    def sweep(self) -> None:
        with self.connection.transaction():
            self.connection.execute(sql.EXPIRE)
        self.death.wrote()

    def balance(self, member: str) -> int:
        with self.connection.transaction():
            found = self.connection.execute(sql.BALANCE, {"member": member}).fetchone()
        return int(found[0])

    def pass_days(self, days: float, *, stored: bool) -> None:
        if stored:
            with self.connection.transaction():
                self.connection.execute(sql.AGE, {"days": days})


def peer(death: Death) -> PostgresPeer:
    """Connect to the database that the bench has started."""
    connection = psycopg.connect(os.environ["PEER_DATABASE"], autocommit=True)
    return PostgresPeer(connection=connection, death=death)
