"""Which fault applies to whom, when and how often."""

from typing import Any

import pytest

from sandbox.faults import ANY_KIND, BreakAfterAccepting, Faults, Garbage, Refuse, Rule, Slow


def test_without_rules_nothing_happens() -> None:
    assert Faults().pick("send", ["a"], ANY_KIND) is None


def test_the_first_rule_that_applies_wins() -> None:
    faults = Faults()
    faults.add(Garbage(), to="a@x.example")
    faults.add(Slow(1))
    assert faults.pick("data", ["A@X.example"], ANY_KIND) == Garbage()
    assert faults.pick("data", ["b@x.example"], ANY_KIND) == Slow(1)


def test_patterns_and_predicates() -> None:
    faults = Faults()
    faults.add(Garbage(), to="*@bad.example")
    faults.add(Slow(1), to=lambda address: address.startswith("b"))
    assert faults.pick("data", ["a@bad.example"], ANY_KIND) == Garbage()
    assert faults.pick("data", ["b@good.example"], ANY_KIND) == Slow(1)
    assert faults.pick("data", ["c@good.example"], ANY_KIND) is None


def test_the_next_n_requests() -> None:
    faults = Faults()
    faults.add(Garbage(), times=2)
    assert [faults.pick("send", [], ANY_KIND) for _ in range(3)] == [Garbage(), Garbage(), None]


def test_steps() -> None:
    """Without a step a kind happens where it usually does, with one only there, with * everywhere."""
    faults = Faults()
    faults.add(Refuse(550))
    assert faults.pick("mail", ["a"]) is None
    assert faults.pick("data", ["a"], (BreakAfterAccepting,)) is None
    assert faults.pick("rcpt", ["a"], (Refuse,)) == Refuse(550)
    faults.clear()
    faults.add(Slow(1), on="list")
    assert faults.pick("send", [], ANY_KIND) is None
    assert faults.pick("list", []) == Slow(1)
    faults.clear()
    faults.add(Slow(1), on="*")
    assert faults.pick("anything", []) == Slow(1)


def test_probability_is_seeded() -> None:
    def draw(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.add(Garbage(), probability=0.3)
        return [faults.pick("send", [], ANY_KIND) is not None for _ in range(1000)]

    assert draw(1) == draw(1) != draw(2)
    assert 250 < sum(draw(1)) < 350


@pytest.mark.parametrize(
    "rule",
    [
        Rule(Slow(1.5)),
        Rule(Refuse(429, "later", "2"), to="a", on="send", times=3, probability=0.5),
        *(Rule(kind()) for kind in ANY_KIND if kind not in {Slow, Refuse}),
    ],
)
def test_json_there_and_back(rule: Rule) -> None:
    assert Rule.from_json(rule.as_json()) == rule


@pytest.mark.parametrize("data", [{}, {"kind": "sulk"}, {"kind": "slow"}, {"kind": "slow", "minutes": 1}])
def test_bad_json_says_why(data: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"kind|argument"):
        Rule.from_json(data)
