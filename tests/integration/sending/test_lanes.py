"""When a lane looks for work: nobody here looks by himself, so what is sent was found for a reason."""

from datetime import timedelta

from integration.sending.office import Office, ScriptedPort
from support.buses import eventually

from dispatcher.channels.base import Blame, Retry
from dispatcher.sending.retry import Backoff
from dispatcher.sending.sender import Width
from shared.categories import Channel

NEVER = 3600.0
NARROW = {Channel.EMAIL: Width(calls=1, hand=2, poll=NEVER)}


async def _composed(office: Office, families: int) -> None:
    for number in range(families):
        await office.family(str(number), email=f"anna{number}@example.org")
        await office.tell(str(number), mode="immediate")
    await office.compose()


async def _reach(port: ScriptedPort, calls: int) -> None:
    async def made() -> bool:
        return len(port.parcels) >= calls

    await eventually(made)


async def test_a_full_hand_is_followed_by_another(office: Office) -> None:
    """Seven wait, two fit into the hand, and nobody is woken between."""
    await _composed(office, 7)
    port = ScriptedPort(Channel.EMAIL)
    async with office.sending(port, widths=NARROW):
        await _reach(port, 7)


async def test_what_went_back_is_taken_up_at_once(office: Office) -> None:
    """R-C5: papers that changed at the last moment are checked again, not waited for."""
    await _composed(office, 1)
    port = ScriptedPort(Channel.EMAIL, [Retry("papers_changed", timedelta(0), blame=Blame.GATE)])
    async with office.sending(port, widths=NARROW):
        await _reach(port, 2)


async def test_a_later_attempt_is_made_at_its_time(office: Office) -> None:
    """Also while the lane had something in hand when it was put off."""
    await _composed(office, 2)
    port = ScriptedPort(Channel.EMAIL, [Retry("busy", timedelta(seconds=0.3))])
    quick = Backoff(first=timedelta(seconds=0.3))
    async with office.sending(port, widths=NARROW, backoff=quick):
        await _reach(port, 3)
