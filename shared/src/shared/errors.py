"""Errors that a person will read as they are."""


class ForPeople(Exception):
    """An error whose text is written for a person: what happened, what is safe, what to do next.

    Whoever meets one shows the text and nothing else; any other error is ours to mend.
    """
