"""`python -m sandbox`: the three gateways till SIGTERM; one line of JSON with addresses when ready."""

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import orjson
import typer

from sandbox.world import World


async def _serve(world: World) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for which in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(which, stop.set)
    async with world:
        typer.echo(orjson.dumps(world.addresses()))
        await stop.wait()


def main(
    inbox_port: Annotated[int, typer.Option(help="Порт SMTP")] = 0,
    sms_port: Annotated[int, typer.Option(help="Порт SMS Aero")] = 0,
    push_port: Annotated[int, typer.Option(help="Порт push-сервиса")] = 0,
    inbox_control_port: Annotated[int, typer.Option(help="Порт управления почтой")] = 0,
    out: Annotated[Path | None, typer.Option(help="Куда складывать письма, SMS и уведомления")] = None,
) -> None:
    """Внешний мир для проверки: почта, SMS и push на этой машине."""
    world = World(
        out=out,
        inbox_port=inbox_port,
        sms_port=sms_port,
        push_port=push_port,
        inbox_control_port=inbox_control_port,
    )
    asyncio.run(_serve(world))


if __name__ == "__main__":
    typer.run(main)
