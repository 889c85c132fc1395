"""The service of the version before keeps working while its database is deployed anew: its calls, as it makes them."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.database import Database

WALLET, TXN, ACTOR, OTHER = "'{wallet}'::uuid", "gen_random_uuid()", "'{user}'::uuid", "'{other}'::uuid"
DETAILS = "null, null, null"
ITEM = f"array['topup'], array[{WALLET}], array[{TXN}], array[1::bigint], null, null, array[{ACTOR}]"
# the texts of 6511fbd with arguments; they name no function of wallet's and no argument by a name that may change
CALLS = {
    "topup": (
        "wallet_topup($1, $2, $3, $4, $5, p_actor => $6, p_effective_at => $7)",
        f"{WALLET}, {TXN}, 1, null, null, {ACTOR}, null",
    ),
    "spend": (
        "wallet_spend($1, $2, $3, $4, $5, p_actor => $6, p_effective_at => $7)",
        f"{WALLET}, {TXN}, 1, null, null, {ACTOR}, null",
    ),
    "coalesced": (
        "wallet_batch($1, $2, $3, $4, $5, $6, $7, p_skip_locked => $8, p_effective_at => $9)",
        f"{ITEM}, true, null",
    ),
    "batch": (
        "wallet_batch($1, $2, $3, $4, $5, $6, $7, false, $8, $9, $10, $11, $12)",
        f"{ITEM}, null, null, null, null, null",
    ),
    "balance": ("wallet_balance($1, $2)", f"{WALLET}, {ACTOR}"),
    "balance at": ("wallet_balance_at($1, $2, $3)", f"{WALLET}, '2001-01-01', {ACTOR}"),
    "balances": ("wallet_balances($1, $2)", f"array[{WALLET}], array[{ACTOR}]"),
    "recipients": ("wallet_recipients($1, $2, $3)", f"{WALLET}, array['bob'], {ACTOR}"),
    "transfer by id": (
        "wallet_transfer($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        f"{WALLET}, {TXN}, 1, {OTHER}, null, {DETAILS}, {ACTOR}",
    ),
    "transfer by name": (
        "wallet_transfer($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        f"{WALLET}, {TXN}, 1, null, 'bob', {DETAILS}, {ACTOR}",
    ),
    "hold": ("wallet_hold($1, $2, $3, $4, $5, $6, $7)", f"{WALLET}, {TXN}, 1, null, null, null, {ACTOR}"),
    "capture": (
        "wallet_capture($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        f"{WALLET}, {TXN}, {TXN}, 1, false, {DETAILS}, {ACTOR}",
    ),
    "void": ("wallet_void($1, $2, $3, $4)", f"{WALLET}, {TXN}, {TXN}, {ACTOR}"),
    "holds": ("wallet_holds($1, $2, $3, $4, $5)", f"{WALLET}, null, 10, null, {ACTOR}"),
    "refund": ("wallet_refund($1, $2, $3, $4, $5, $6, $7, $8)", f"{WALLET}, {TXN}, {TXN}, 1, {DETAILS}, {ACTOR}"),
    "entries": (
        "wallet_entries($1, $2, $3, $4, $5, $6, $7, $8)",
        f"{WALLET}, 10, null, null, null, null, null, {ACTOR}",
    ),
    "transaction": ("wallet_transaction($1, $2, $3)", f"{WALLET}, {TXN}, {ACTOR}"),
    "statement": ("wallet_statement($1, $2, $3, $4)", f"{WALLET}, '2001-01-01', '2002-01-01', {ACTOR}"),
    "fund": ("wallet_fund($1, $2, $3, $4, $5, $6, $7)", f"{WALLET}, {TXN}, 1, {DETAILS}, {ACTOR}"),
    "give back": ("wallet_give_back($1, $2, $3, $4, $5, $6, $7, $8)", f"{WALLET}, {TXN}, {TXN}, 1, {DETAILS}, {ACTOR}"),
    "adjust": ("wallet_adjust($1, $2, $3, $4, $5, $6, $7)", f"{WALLET}, {TXN}, 1, 'r', null, null, {ACTOR}"),
    "erase": ("wallet_erase_user($1, $2, $3)", f"{TXN}, 'r', {ACTOR}"),
    "status": ("wallet_set_status($1, $2, $3, $4)", f"{WALLET}, 'active', 'r', {ACTOR}"),
    "limits": (
        "wallet_set_limits($1, $2, $3, $4, $5, $6, $7, $8)",
        f"{WALLET}, '{{{{}}}}', '{{{{}}}}', '{{{{}}}}', '{{{{}}}}', 0, null, {ACTOR}",
    ),
    "trial balance": ("wallet_trial_balance($1, $2, $3)", f"'UC', null, {ACTOR}"),
    "last verification": ("wallet_last_verification()", ""),
    "open": ("wallet_open($1, $2, $3)", f"{ACTOR}, 'USD', {ACTOR}"),
    "list": ("wallet_list($1, $2)", f"{ACTOR}, {ACTOR}"),
    "find": ("wallet_find($1, $2, $3)", f"{ACTOR}, 'UC', {ACTOR}"),
    "principal": ("wallet_principal($1, $2, $3)", f"{ACTOR}, null, null"),
    "sign-in": ("wallet_sign_in($1, $2)", "'dora', 'here'"),
    "sign-in failed": ("wallet_sign_in_failed($1, $2)", "'dora', 'here'"),
    "sign-in succeeded": ("wallet_sign_in_succeeded($1, $2)", "'dora', 'here'"),
    "rehash": ("wallet_rehash($1, $2, $3)", f"{ACTOR}, 'other', 'hash'"),
    "sign-out": ("wallet_sign_out($1, $2, $3)", f"{ACTOR}, {TXN}, '2100-01-01'"),
    "revocations": ("wallet_revocations($1)", "0"),
    "register": ("wallet_register($1, $2)", "'newcomer-' || left(gen_random_uuid()::text, 8), 'hash'"),
}
# what these calls are refused with: they name holds and transactions that are not there, and the actor is no operator
REFUSED = {
    "capture": "WA015", "void": "WA015", "refund": "WA028", "fund": "WA027", "give back": "WA027", "adjust": "WA027",
    "erase": "WA027", "status": "WA027", "limits": "WA027", "trial balance": "WA027", "transaction": "WA028",
}  # fmt: skip
# wallet_batch as it was: an argument less, so the deploy drops it and makes another
OLD_BATCH = """
    drop function public.wallet_batch;
    create function public.wallet_batch(
      p_types text[], p_wallet_ids uuid[], p_txn_ids uuid[], p_amounts bigint[], p_references text[] default null,
      p_metadata jsonb[] default null, p_actors uuid[] default null, p_skip_locked boolean default false,
      p_to_wallet_ids uuid[] default null, p_original_txn_ids uuid[] default null, p_finals boolean[] default null,
      p_expires_in integer[] default null, p_effective_at timestamptz[] default null
    ) returns table (
      ordinal integer, outcome text, detail jsonb, hint text, id bigint, txn_id uuid, wallet_id uuid, type text,
      amount bigint, asset text, scale smallint, balance bigint, available bigint, replayed boolean,
      created_at timestamptz, receipt text
    ) language sql as $$ select 1, 'old' $$;
    alter function public.wallet_batch owner to wallet_owner;
    grant execute on function public.wallet_batch to wallet_api;
"""
OLD_BATCH = OLD_BATCH.replace(
    "select 1, 'old'",
    "select 1, 'old', null::jsonb, null, null::bigint, null::uuid, null::uuid, null, null::bigint,"
    " null, null::smallint, null::bigint, null::bigint, null::boolean, null::timestamptz, null",
)


class OldService:
    """A connection of the old service, with its statements prepared."""

    def __init__(self, connection: psycopg.Connection, **ids: object) -> None:
        self._connection = connection
        self._ids = ids
        for name in CALLS:
            self._prepare(name)

    def _prepare(self, name: str) -> None:
        self._connection.execute(f'prepare "{name}" as select * from public.{CALLS[name][0]}'.encode())

    def call(self, name: str) -> tuple[object, ...] | str | None:
        """Return the first row, or the SQLSTATE; once more, prepared anew, where the plan is of another version."""
        try:
            return self._execute(name)
        except psycopg.errors.FeatureNotSupported:
            self._connection.execute(f'deallocate "{name}"'.encode())
            self._prepare(name)
            return self._execute(name)

    def _execute(self, name: str) -> tuple[object, ...] | str | None:
        arguments = CALLS[name][1].format(**self._ids)
        try:
            return self._connection.execute(
                f'execute "{name}"{f"({arguments})" if arguments else ""}'.encode()
            ).fetchone()
        except psycopg.errors.FeatureNotSupported:
            raise
        except psycopg.Error as error:
            return str(error.sqlstate)


@pytest.fixture(scope="module")
def deployed(module_database: Database) -> Iterator[dict[str, tuple[object, ...] | str | None]]:
    """What every call says after a deploy that it was prepared before; they were all made once before, too."""
    with module_database.connect() as administrator, module_database.connect(service=True) as service:
        module_database.migrate()
        user = administrator.execute("select user_id, wallet_id from wallet_register('dora', 'hash')").fetchone()
        other = administrator.execute("select wallet_id from wallet_credentials('bob')").fetchone()
        assert user is not None
        assert other is not None
        administrator.execute(OLD_BATCH.encode())
        old = OldService(service, user=user[0], wallet=user[1], other=other[0])
        for name in CALLS:
            for _ in range(6):
                old.call(name)
        assert "old" in (old.call("batch") or ())
        module_database.migrate()
        yield {name: old.call(name) for name in CALLS}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_of_the_version_before_is_answered(
    deployed: dict[str, tuple[object, ...] | str | None], name: str
) -> None:
    answer = deployed[name]
    if name in REFUSED:
        assert answer == REFUSED[name]
    else:
        assert not isinstance(answer, str), answer
    if name in {"batch", "coalesced"}:
        assert answer is not None
        assert answer[1] == "ok"
