"""What the gateway's status numbers mean: one table, for answers, callbacks, polls and the list alike."""

from enum import StrEnum


class Word(StrEnum):
    """What is known of an SMS that the gateway has taken."""

    ON_ITS_WAY = "on_its_way"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"  # the phone was off or out of reach for too long, or the number is dead
    REJECTED = "rejected"  # the gateway or the operator would not carry it

    @property
    def final(self) -> bool:
        return self is not Word.ON_ITS_WAY


STATUSES: dict[int, Word] = {
    0: Word.ON_ITS_WAY,  # in the queue
    1: Word.DELIVERED,
    2: Word.UNDELIVERED,
    3: Word.ON_ITS_WAY,  # handed to the operator
    4: Word.ON_ITS_WAY,  # the operator has not said yet
    5: Word.ON_ITS_WAY,  # seen nowhere
    6: Word.REJECTED,
    7: Word.ON_ITS_WAY,  # seen nowhere
    8: Word.ON_ITS_WAY,  # moderation
}


def meaning(status: int) -> Word:
    """Total: a number we do not know is on its way, for only what is known to be an end may end anything."""
    return STATUSES.get(status, Word.ON_ITS_WAY)


FINAL: tuple[int, ...] = tuple(status for status, word in STATUSES.items() if word.final)
