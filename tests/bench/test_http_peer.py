"""The benchmark against another service, with answers of the load generator that the test makes."""

import contextlib
import dataclasses
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest

from bench import http_peer, wrk
from bench.cluster import BenchError, Cluster
from bench.plan import QUICK
from bench.report import Report
from bench.run import Run
from bench.service import Service
from bench.wrk import Load, Users

PEER, OURS = "http://peer", "http://ours"
RATES = {PEER: (50.0, 20.0, 100.0), OURS: (100.0, 200.0, 300.0)}
MEASURED = 2
"""Seconds; whoever warms up takes less."""


class Generator:
    """Stands in for wrk: knows which tokens are valid where, and keeps what was sent."""

    def __init__(self, *, balance: bool = True) -> None:
        self.balance = balance
        self.sent: list[tuple[str, str, int, int]] = []

    def load(self, url: str, kind: str, users: Users, *, connections: int, seconds: int) -> Load:
        side, tokens = url[:11], users.file.read_text().splitlines()
        assert url == f"{side}/api/wallet/{kind}"
        assert len(tokens) == 3
        point = (side, kind, users.count, connections)
        done = self.sent.count(point)
        if seconds == MEASURED:
            self.sent.append(point)
        if side == PEER and (tokens[0] != "one" or (kind == "balance" and not self.balance)):
            return Load(0, 0, 0, 10, 10)
        return Load(RATES[side][done], 1, 2, 0)


class Databases:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextlib.contextmanager
    def clone(self, _: str) -> Iterator[None]:
        yield


@contextlib.contextmanager
def serving(_: object, __: Path, ways: dict[str, dict[str, str]]) -> Iterator[dict[str, Service]]:
    yield {name: Service(OURS, 0) for name in ways}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    tokens = tmp_path / "tokens"
    tokens.write_text("\none\r\n\n  two  id\nthree\n")
    return Run(
        plan=dataclasses.replace(QUICK, rounds=3, http_seconds=MEASURED),
        cluster=cast(Cluster, Databases(tmp_path)),
        report=Report({}),
        started=0,
        http_peer_tokens=tokens,
    )


def measured(run: Run, generator: Generator, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(wrk, "installed", lambda: True)
    monkeypatch.setattr(wrk, "load", generator.load)
    monkeypatch.setattr(http_peer, "serving", serving)
    http_peer.measure(run, f"{PEER}/")
    return {row.figure: row for row in run.report.rows}


def test_each_point_is_taken_from_both_in_turns(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = Generator()
    rows = measured(run, generator, monkeypatch)
    taken = generator.sent
    assert len(taken) == 3 * len(rows) == 36
    assert [point[0] for point in taken] == [PEER, OURS] * (len(taken) // 2)
    assert all(a[1:] == b[1:] for a, b in list(pairwise(taken))[::2])
    assert {point[1:] for point in taken} == {
        (kind, users, connections)
        for kind, users in (("topup", 3), ("topup", 1), ("balance", 3))
        for connections in (32, 128)
    }
    assert (run.cluster.folder / "peer-tokens").read_text() == "one\ntwo id\nthree\n"


def test_a_ratio_is_the_median_of_the_rounds(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = measured(run, Generator(), monkeypatch)
    ours = rows["POST topup, spread over 3 wallets, 128 connections, pgwallet"]
    peer = rows["POST topup, spread over 3 wallets, 128 connections, peer"]
    assert (ours.value, ours.against, ours.ratio, ours.latency) == (200, "peer", 3, "1.0 · 2.0 ms")
    assert (peer.value, peer.against, peer.ratio, peer.latency) == (50, "", None, "1.0 · 2.0 ms")


def test_a_peer_without_balances_is_sent_topups(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = measured(run, Generator(balance=False), monkeypatch)
    assert len(rows) == 8
    assert not [figure for figure in rows if "balance" in figure]


@pytest.mark.parametrize(("tokens", "why"), [("another\nof\nthese\n", "no POST /api/wallet/topup"), ("\n", "no token")])
def test_without_a_valid_token_nothing_is_measured(
    run: Run, monkeypatch: pytest.MonkeyPatch, tokens: str, why: str
) -> None:
    assert run.http_peer_tokens
    run.http_peer_tokens.write_text(tokens)
    with pytest.raises(BenchError, match=why):
        measured(run, Generator(), monkeypatch)
    assert run.report.rows == []
