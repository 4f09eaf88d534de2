"""A pupil's id as a part of a path. Ids are the journal's own and may hold anything, a slash too: a server
decodes a path before it is taken apart, so what would take it apart is encoded once more."""

from urllib.parse import quote, unquote

from starlette.convertors import Convertor, register_url_convertor


class IdConvertor(Convertor[str]):
    """`{pupil:id}` in a route; the other half is `part`."""

    regex = "[^/]+"

    def convert(self, value: str) -> str:
        return unquote(value)

    def to_string(self, value: str) -> str:
        return _shielded(value)


def part(value: str) -> str:
    """A value as one part of a path."""
    return quote(_shielded(value), safe="")


def _shielded(value: str) -> str:
    return value.replace("%", "%25").replace("/", "%2F")


register_url_convertor("id", IdConvertor())
PUPIL = "/families/{pupil:id}"
