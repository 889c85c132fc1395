"""`pgwallet verify` and `pgwallet checkpoint` as commands: keys, files, the progress bar."""

import os
import pty
import subprocess
from pathlib import Path

from tests.command import COMMAND, Pgwallet
from tests.database import Database


def test_a_checkpoint_is_signed_by_a_key_in_the_data_dir(wallet: Pgwallet, tmp_path: Path) -> None:
    file = tmp_path / "checkpoint"
    missing = wallet.refusal("verify", "--checkpoint", str(file))
    key = wallet.data_dir / "checkpoint_key"
    assert missing == f"there is no key in {key}: checkpoints are verified with the key that signed them"
    assert wallet.call("checkpoint", str(file)) == f"ok: no violations, checkpoint written to {file}\n"
    assert (file.stat().st_mode & 0o777, key.stat().st_mode & 0o777) == (0o600, 0o600)
    taken = file.read_text().split()[3]
    since = f"ok: no violations in 0 entries since the checkpoint of {taken}\n"
    assert wallet.call("verify", "--checkpoint", str(file)) == since
    assert wallet.call("verify", "--checkpoint", str(file), "--full") == "ok: no violations\n"
    assert wallet.call("checkpoint", str(tmp_path / "later"), "--since", str(file)).startswith("ok: ")
    file.write_text(file.read_text().replace("wallets", "wallet"))
    assert "no checkpoint that this key has signed" in wallet.refusal("verify", "--checkpoint", str(file))


def test_a_foreign_server_needs_a_key_file(wallet: Pgwallet, database: Database, tmp_path: Path) -> None:
    file, key = str(tmp_path / "checkpoint"), str(tmp_path / "key")
    refusal = wallet.refusal("checkpoint", file, DATABASE_URL=database.url)
    assert refusal == "PGWALLET_CHECKPOINT_KEY_FILE must be set for this server"
    wallet.call("checkpoint", file, DATABASE_URL=database.url, PGWALLET_CHECKPOINT_KEY_FILE=key)
    wallet.call("verify", "--checkpoint", file, DATABASE_URL=database.url, PGWALLET_CHECKPOINT_KEY_FILE=key)
    with database.connect() as administrator:
        administrator.execute("alter table wallet.ledger disable trigger all")
        administrator.execute("delete from wallet.ledger where balance_after is not null")
    status, output, errors = wallet.attempt(
        "verify", "--checkpoint", file, DATABASE_URL=database.url, PGWALLET_CHECKPOINT_KEY_FILE=key
    )
    assert status == 1
    assert output.startswith("violation=checkpoint  wallet_id=")
    assert errors.startswith(f"pgwallet: {len(output.splitlines())} violations, the first: checkpoint in wallet ")


def test_progress_is_shown_on_a_terminal_only(wallet: Pgwallet, database: Database) -> None:
    assert wallet.attempt("verify", DATABASE_URL=database.url) == (0, "ok: no violations\n", "")
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        subprocess.run(
            [*COMMAND, "verify"],
            check=True,
            env={**wallet.environment, "DATABASE_URL": database.url, "TERM": "xterm"},
            cwd=wallet.data_dir,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
        )
        os.close(theirs)
        assert b"3/3" in terminal.read(65536)
