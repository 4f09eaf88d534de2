"""How a server of the outside world can misbehave, changeable while it runs.

A rule says what happens (`Misbehaviour`), to whom (`to`), at which step (`on`), how often (`times`) and how
likely (`probability`, seeded). The first rule that applies wins.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any


@dataclass(frozen=True, slots=True)
class Slow:
    """Think for `seconds`, then go on as if nothing happened."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Refuse:
    """Say no in the protocol's own words.

    SMTP: the reply code and its text. SMS: the HTTP status, with `text` as the API's message; `no credits`
    and `reject: why` are the API's own results, `invalid: field` its complaint of a field. Push: the HTTP
    status, with Retry-After where given.
    """

    code: int
    text: str = ""
    retry_after: str | None = None


@dataclass(frozen=True, slots=True)
class BreakBeforeAccepting:
    """Cut the connection, nothing recorded."""


@dataclass(frozen=True, slots=True)
class BreakAfterAccepting:
    """Record the message, then cut the connection: the sender cannot know the outcome."""


@dataclass(frozen=True, slots=True)
class HangAfterAccepting:
    """Record the message, then never answer."""


@dataclass(frozen=True, slots=True)
class Garbage:
    """Answer something that is not the protocol, nothing recorded."""


Misbehaviour = Slow | Refuse | BreakBeforeAccepting | BreakAfterAccepting | HangAfterAccepting | Garbage

ANY_KIND = (Slow, Refuse, BreakBeforeAccepting, BreakAfterAccepting, HangAfterAccepting, Garbage)

# Refusals as real providers word them.
NO_SUCH_MAILBOX = Refuse(550, "5.1.1 No such mailbox")
MAILBOX_FULL = Refuse(452, "4.2.2 Mailbox full")
MAIL_SERVER_BUSY = Refuse(421, "4.3.2 Service not available, try again later")
NO_CREDITS = Refuse(200, "no credits")
BAD_CREDENTIALS = Refuse(401, "Your request was made with invalid credentials.")
SUBSCRIPTION_GONE = Refuse(410, "push subscription has unsubscribed or expired")
TOO_MANY_PUSHES = Refuse(429, "too many requests", retry_after="2")

_KINDS: dict[str, type[Misbehaviour]] = {
    "slow": Slow,
    "refuse": Refuse,
    "break_before_accepting": BreakBeforeAccepting,
    "break_after_accepting": BreakAfterAccepting,
    "hang_after_accepting": HangAfterAccepting,
    "garbage": Garbage,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


@dataclass(slots=True)
class Rule:
    """One fault in force. `to` is an address, a pattern with `*`, or a predicate; None: everybody.

    `on` names the step; None: the step at which this server accepts a message; `*`: every step.
    `times` counts down and None never runs out.
    """

    does: Misbehaviour
    to: str | Callable[[str], bool] | None = None
    on: str | None = None
    times: int | None = None
    probability: float = 1.0

    def concerns(self, address: str) -> bool:
        if self.to is None:
            return True
        if isinstance(self.to, str):
            return fnmatchcase(address.lower(), self.to.lower())
        return self.to(address)

    def as_json(self) -> dict[str, Any]:
        to = self.to if isinstance(self.to, str) or self.to is None else "(predicate)"
        said = {"to": to, "on": self.on, "times": self.times, "probability": self.probability}
        return {"kind": _NAMES[type(self.does)], **asdict(self.does), **said}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Rule":
        """The inverse of `as_json`; raises ValueError with what is wrong."""
        fields = dict(data)
        kind = _KINDS.get(str(fields.pop("kind", None)))
        if kind is None:
            raise ValueError(f"kind must be one of {', '.join(_KINDS)}")
        where = {name: fields.pop(name) for name in ("to", "on", "times", "probability") if name in fields}
        try:
            return cls(kind(**fields), **where)
        except TypeError as error:
            raise ValueError(str(error)) from error


@dataclass(slots=True)
class Faults:
    """The rules in force on one server. The same seed and requests give the same misbehaviour."""

    seed: int = 0
    rules: list[Rule] = field(default_factory=list)
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def add(
        self,
        does: Misbehaviour,
        *,
        to: str | Callable[[str], bool] | None = None,
        on: str | None = None,
        times: int | None = None,
        probability: float = 1.0,
    ) -> Rule:
        rule = Rule(does, to, on, times, probability)
        self.rules.append(rule)
        return rule

    def clear(self) -> None:
        self.rules.clear()

    def pick(
        self, step: str, addresses: Iterable[str], usual: tuple[type[Misbehaviour], ...] = ()
    ) -> Misbehaviour | None:
        """What to do at this step for these addresses; uses up one of the rule's `times`.

        `usual`: the kinds that happen at this step when the rule names none.
        """
        concerned = list(addresses)
        for rule in self.rules:
            if rule.times == 0:
                continue
            if rule.on not in {step, "*"} and not (rule.on is None and isinstance(rule.does, usual)):
                continue
            if rule.to is not None and not any(rule.concerns(address) for address in concerned):
                continue
            if rule.probability < 1.0 and self._random.random() >= rule.probability:
                continue
            if rule.times is not None:
                rule.times -= 1
            return rule.does
        return None
