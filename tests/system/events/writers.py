"""Sessions that do everything that is an event, several at once, and take their time before they commit."""

import random
from collections.abc import Sequence
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import DictRow

DEADLOCK = "40P01"


class Writer:
    """An administrator's session that moves money between some wallets."""

    def __init__(
        self, connection: psycopg.Connection[DictRow], wallets: Sequence[UUID], seed: int, delay: float
    ) -> None:
        self._connection = connection
        # a deadlock is one more way to roll back, and need not take a second
        connection.execute("set deadlock_timeout = '20ms'")
        self._wallets = wallets
        self._random = random.Random(seed)
        self._delay = delay
        self._holds: list[tuple[UUID, UUID]] = []

    def transact(self) -> None:
        """Do one to three things, some in a savepoint that is rolled back, wait, then commit or roll back."""
        held = len(self._holds)
        try:
            with self._connection.transaction():
                for _ in range(self._random.choice((1, 1, 2, 3))):
                    if self._random.random() < 0.2:
                        with self._connection.transaction():
                            self._act()
                            raise psycopg.Rollback
                    self._act()
                self._call("pg_sleep(%s)", self._random.random() * self._delay)
                if self._random.random() < 0.15:
                    raise psycopg.Rollback
                return
        except psycopg.Error as error:
            # without money, frozen for another, or in a deadlock
            if not (error.sqlstate or "").startswith(("WA", DEADLOCK)):
                raise
        del self._holds[held:]

    def _act(self) -> None:
        draw, one, txn_id = self._random, self._random.choice(self._wallets), uuid4()
        kinds = ("topup", "spend", "transfer", "hold", "end", "status", "limits", "register")
        match draw.choices(kinds, (8, 4, 6, 5, 5, 1, 1, 1))[0]:
            case "transfer":
                other = draw.choice([wallet for wallet in self._wallets if wallet != one])
                self._call("wallet_transfer(%s, %s, %s, %s)", one, txn_id, draw.randint(1, 50), other)
            case "hold":
                self._call("wallet_hold(%s, %s, %s, %s)", one, txn_id, draw.randint(2, 50), draw.choice((1, 3600)))
                self._holds.append((one, txn_id))
            case "end" if self._holds:
                self._end(*self._holds.pop(draw.randrange(len(self._holds))), txn_id)
            case "status":
                for status in ("frozen", "active"):
                    self._call("wallet_set_status(%s, %s, 'a test')", one, status)
            case "limits":
                self._call("wallet_set_limits(%s, '{spend}', '{49}', '{null}', '{null}', p_reason => 'a test')", one)
            case "register":
                self._call("wallet_register(%s, 'hash')", f"user-{txn_id.hex[:12]}")
            case "spend":
                self._call("wallet_spend(%s, %s, %s)", one, txn_id, draw.randint(1, 50))
            case _:
                self._call("wallet_topup(%s, %s, %s)", one, txn_id, draw.randint(1, 100))

    def _end(self, wallet: UUID, hold: UUID, txn_id: UUID) -> None:
        """Give back what a hold set aside, or take the rest of it, or a part."""
        ends = ("wallet_void(%s, %s, %s)", "wallet_capture(%s, %s, %s)", "wallet_capture(%s, %s, %s, 1)")
        self._call(self._random.choice(ends), wallet, txn_id, hold)

    def _call(self, function: str, *arguments: object) -> None:
        self._connection.execute(f"select * from {function}".encode(), arguments)
