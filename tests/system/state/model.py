"""The rules of the wallet in plain Python: no locks, no tables, one request after the other."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

LARGEST = 2**53 - 1
ASSETS = ("UC", "USD")
BONUS = {"UC": 1000, "USD": 0}
LIMITS = ("per_transaction", "per_day", "per_30_days")
REACH = {"per_transaction": None, "per_day": 24, "per_30_days": 720}
START = 1_900_000_000
EXPIRES_IN = 604_800
KINDS = {"topup": "topup", "spend": "spend", "hold": "spend", "capture": "spend", "transfer": "transfer"}


class Request(NamedTuple):
    """A request as it is sent. Wallets, users and txn_ids are numbers; `actor` None is a user who owns no wallet."""

    type: str
    wallet: int
    txn: int = 0
    amount: int | None = None
    to: int | None = None
    original: int | None = None
    final: bool | None = None
    expires_in: int | None = None
    reference: str | None = None
    by_name: bool = False
    status: str | None = None
    limits: tuple[tuple[str, tuple[int | None, int | None, int | None]], ...] = ()
    floor: int = 0
    max_balance: int | None = None
    stranger: bool = False
    items: "tuple[Request, ...]" = ()


class Answer(NamedTuple):
    """`ok`, `replayed` or a SQLSTATE, and what must be among the columns or the detail."""

    outcome: str
    says: dict[str, Any]


@dataclass
class Hold:
    amount: int
    captured: int = 0
    status: str = "open"
    expires_at: int = 0

    @property
    def left(self) -> int:
        return self.amount - self.captured

    def is_due(self, now: int) -> bool:
        return self.status == "open" and self.expires_at <= now


@dataclass
class Wallet:
    asset: str
    balance: int
    status: str = "active"
    floor: int = 0
    max_balance: int | None = None
    limits: dict[str, tuple[int | None, int | None, int | None]] = field(default_factory=dict)
    # the clock: seconds
    now: int = START
    # kind, hour, amount
    moved: list[tuple[str, int, int]] = field(default_factory=list)
    is_erased: bool = False
    holds: dict[int, Hold] = field(default_factory=dict)
    # what a spend or capture took, and what of it was not given back
    refundable: dict[int, int] = field(default_factory=dict)
    answered: dict[int, tuple[Request, Answer]] = field(default_factory=dict)

    @property
    def held(self) -> int:
        return sum(hold.left for hold in self.holds.values() if hold.status == "open" and not hold.is_due(self.now))

    @property
    def available(self) -> int:
        return min(self.balance - self.held - self.floor, LARGEST)

    def refusal(self, delta: int, available: int, max_balance: int | None) -> str | None:
        """The code that refuses a change of the balance."""
        if self.status == "closed":
            return "WA013"
        if delta < 0 and self.status == "frozen":
            return "WA012"
        if delta < 0 and available + delta < 0:
            return "WA003"
        if delta > 0 and self.balance + delta > (LARGEST if max_balance is None else max_balance):
            return "WA006"
        return None

    def limit(self, kind: str, amount: int) -> Answer | None:
        """The refusal by the first limit that the amount would pass."""
        counted = KINDS.get(kind, "")
        for name, maximum in zip(LIMITS, self.limits.get(counted, ()), strict=False):
            used = self.used(counted, REACH[name])
            if maximum is not None and used + amount > maximum:
                return Answer("WA014", {"kind": counted, "limit": name, "left": max(maximum - used, 0)})
        return None

    def move(self, kind: str, delta: int) -> None:
        self.balance += delta
        if kind in KINDS:
            self.moved.append((KINDS[kind], self.now // 3600, abs(delta)))

    def used(self, kind: str, reach: int | None) -> int:
        """What was moved in the last hours, and in those that a clock which was set back has yet to come to."""
        since = self.now // 3600 - reach if reach else None
        return sum(
            amount for moved, hour, amount in self.moved if moved == kind and since is not None and hour >= since
        )

    def end_due_holds(self) -> None:
        """What a mutation takes for expired stays so, whatever the clock says later."""
        for hold in self.holds.values():
            if hold.is_due(self.now):
                hold.status = "expired"


class Model:
    """Three users with a wallet in each asset; wallet number n is user n // 2's in asset n % 2."""

    def __init__(self, users: int) -> None:
        self.wallets = [Wallet(asset, BONUS[asset]) for _ in range(users) for asset in ASSETS]

    def apply(self, request: Request) -> list[Answer]:
        """Carry a request out and return its answer, of a batch one for each item."""
        match request.type:
            case "batch":
                return [answer for item in request.items for answer in self.apply(item)]
            case "status":
                return [self._status(request)]
            case "limits":
                return [self._limits(request)]
            case "erase":
                return [self._erase(request)]
            case "register":
                # taken, or reserved since its user was erased
                return [Answer("WA005", {"field": "username"})]
        return [self._move(request)]

    def step(self, by: int) -> None:
        """Move the clock, forward or back."""
        for wallet in self.wallets:
            wallet.now += by

    def _recipient(self, request: Request) -> int | None:
        """The number of the wallet that a transfer goes to; None for a name that means nobody any more."""
        if request.to is None or not request.by_name:
            return request.to
        number = request.to - request.to % len(ASSETS) + request.wallet % len(ASSETS)
        return None if number >= len(self.wallets) or self.wallets[number].is_erased else number

    def _move(self, request: Request) -> Answer:
        amount = request.amount
        if request.stranger and request.type == "adjustment":
            return Answer("WA027", {})
        if amount is None:
            if request.type not in {"capture", "refund", "void"}:
                return Answer("WA002", {"field": "amount"})
        elif not 1 <= (abs(amount) if request.type == "adjustment" else amount) <= LARGEST:
            return Answer("WA002", {"field": "amount"})
        if request.stranger:
            return Answer("WA001", {})
        wallet = self.wallets[request.wallet]
        request = request._replace(to=self._recipient(request))
        if request.txn in wallet.answered:
            return self._again(request, *wallet.answered[request.txn])
        steps = {"transfer": self._transfer, "hold": _hold, "capture": _capture, "void": _void, "refund": _refund}
        answer: Answer = steps.get(request.type, _post)(wallet, request)
        if answer.outcome == "ok":
            wallet.end_due_holds()
            answer = Answer("ok", answer.says | {"balance": wallet.balance, "available": wallet.available})
            wallet.answered[request.txn] = (request, answer)
        return answer

    def _again(self, request: Request, earlier: Request, answer: Answer) -> Answer:
        names = ["type", "amount", "to", "original", "final", "expires_in", "reference"]
        columns = {"to": "to_wallet_id", "original": "original_txn_id"}
        wallet = self.wallets[request.wallet]
        for name in names:
            if name == "to" and request.by_name and request.to is None:
                continue
            # what was erased is not compared
            if name == "reference" and wallet.is_erased and (request.type == "hold" or earlier.reference):
                continue
            if getattr(request, name) != getattr(earlier, name):
                return Answer("WA004", {"field": columns.get(name, name)})
        return Answer("replayed", answer.says)

    def _transfer(self, wallet: Wallet, request: Request) -> Answer:
        amount = request.amount or 0
        to: dict[str, object] = {"field": "to_username" if request.by_name else "to_wallet_id"}
        if request.to is None or request.to >= len(self.wallets):
            return Answer("WA009", to)
        recipient = self.wallets[request.to]
        if recipient is wallet:
            return Answer("WA010", to)
        if recipient.asset != wallet.asset:
            return Answer("WA011", to)
        if code := wallet.refusal(-amount, wallet.available, None):
            return _refused(code, wallet, amount)
        if code := recipient.refusal(amount, 0, recipient.max_balance):
            return Answer(code, to)
        if refused := wallet.limit("transfer", amount):
            return refused
        wallet.move("transfer", -amount)
        recipient.balance += amount
        recipient.end_due_holds()
        return _ok(request, amount)

    def _status(self, request: Request) -> Answer:
        wallet = self.wallets[request.wallet]
        if request.stranger:
            return Answer("WA027", {})
        if request.status == "closed" and (wallet.balance or wallet.held):
            return Answer("WA022", {"balance": wallet.balance, "held": wallet.held})
        wallet.end_due_holds()
        before, wallet.status = wallet.status, request.status or ""
        return Answer("ok", {"status": request.status, "previous_status": before})

    def _limits(self, request: Request) -> Answer:
        wallet = self.wallets[request.wallet]
        if request.stranger:
            return Answer("WA027", {})
        if wallet.balance - wallet.held < request.floor:
            return Answer("WA002", {"field": "floor"})
        wallet.end_due_holds()
        wallet.limits = dict(request.limits)
        wallet.floor, wallet.max_balance = request.floor, request.max_balance
        return Answer("ok", {"floor": request.floor, "max_balance": request.max_balance})

    def _erase(self, request: Request) -> Answer:
        if request.stranger:
            return Answer("WA027", {})
        first = request.wallet - request.wallet % len(ASSETS)
        wallets = self.wallets[first : first + len(ASSETS)]
        if wallets[0].is_erased:
            return Answer("WA030", {})
        for wallet in wallets:
            wallet.is_erased = True
        return Answer("ok", {})


def _ok(request: Request, amount: int) -> Answer:
    return Answer("ok", {"type": request.type, "amount": amount})


def _refused(code: str, wallet: Wallet, amount: int) -> Answer:
    says = {"field": "amount", "requested": amount, "balance": wallet.balance, "available": wallet.available}
    return Answer(code, says)


def _post(wallet: Wallet, request: Request) -> Answer:
    amount = request.amount or 0
    delta = -amount if request.type == "spend" else amount
    if code := wallet.refusal(delta, wallet.available, wallet.max_balance):
        return _refused(code, wallet, amount)
    if refused := wallet.limit(request.type, amount):
        return refused
    wallet.move(request.type, delta)
    if request.type == "spend":
        wallet.refundable[request.txn] = amount
    return _ok(request, amount)


def _hold(wallet: Wallet, request: Request) -> Answer:
    amount = request.amount or 0
    if code := wallet.refusal(-amount, wallet.available, None):
        return _refused(code, wallet, amount)
    if refused := wallet.limit("hold", amount):
        return refused
    wallet.holds[request.txn] = Hold(amount, expires_at=wallet.now + (request.expires_in or EXPIRES_IN))
    return _ok(request, amount)


def _usable(wallet: Wallet, request: Request) -> Hold | Answer:
    hold = wallet.holds.get(request.original or 0)
    if hold is None:
        return Answer("WA015", {})
    if hold.status != "open":
        return Answer({"captured": "WA016", "voided": "WA017", "expired": "WA018"}[hold.status], {})
    return Answer("WA018", {}) if hold.is_due(wallet.now) else hold


def _capture(wallet: Wallet, request: Request) -> Answer:
    hold = _usable(wallet, request)
    if isinstance(hold, Answer):
        return hold
    amount = hold.left if request.amount is None else request.amount
    if amount > hold.left:
        return Answer("WA019", {"requested": amount, "left": hold.left})
    if code := wallet.refusal(-amount, wallet.balance - wallet.floor, None):
        return _refused(code, wallet, amount)
    if refused := wallet.limit("capture", amount):
        return refused
    hold.captured += amount
    if hold.left == 0 or request.final:
        hold.status = "captured"
    wallet.move("capture", -amount)
    wallet.refundable[request.txn] = amount
    return _ok(request, amount)


def _void(wallet: Wallet, request: Request) -> Answer:
    hold = _usable(wallet, request)
    if isinstance(hold, Answer):
        return hold
    hold.status = "voided"
    return _ok(request, hold.left)


def _refund(wallet: Wallet, request: Request) -> Answer:
    original = wallet.answered.get(request.original or 0)
    if original is None or original[0].type in {"hold", "void"}:
        return Answer("WA028", {"field": "original_txn_id"})
    if request.original not in wallet.refundable:
        return Answer("WA021", {"type": original[0].type})
    left = wallet.refundable[request.original]
    amount = left if request.amount is None else request.amount
    if amount > left or left == 0:
        return Answer("WA020", {"requested": amount, "left": left})
    if code := wallet.refusal(amount, 0, wallet.max_balance):
        return _refused(code, wallet, amount)
    wallet.refundable[request.original] = left - amount
    wallet.balance += amount
    return _ok(request, amount)
