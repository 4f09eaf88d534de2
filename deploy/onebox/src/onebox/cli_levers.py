"""The operators' levers: `vestnik replay …`, `vestnik cancel …`, `vestnik dead-letters …`."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer

from onebox.console import DAY, answers, within

replay = typer.Typer(no_args_is_help=True, help="Обработать отложенное снова.")
cancel = typer.Typer(no_args_is_help=True, help="Не отправлять.")
dead_letters = typer.Typer(no_args_is_help=True, help="Что отложили службы.")

_Why = Annotated[str, typer.Option(help="Причина: останется в журнале действий, без имён и адресов")]
_Ids = Annotated[list[UUID], typer.Argument(help="Номера")]


@replay.command("refused")
def replay_refused(
    school: Annotated[str | None, typer.Option(help="Школа; без неё — все")] = None,
) -> None:
    """Принять снова изменения, в которых было отказано, когда причина устранена."""
    from onebox.acts import replay_what_was_refused

    done = within(lambda context: replay_what_was_refused(context, school))
    typer.echo(f"Принято: {done.accepted}, по-прежнему отказано: {done.refused}")


@replay.command("message")
def replay_message(messages: _Ids, reason: _Why) -> None:
    """Отправить снова сообщения, которые не дошли. Согласия и адреса проверяются заново."""
    from onebox import levers

    if not levers.say(within(lambda context: levers.replay_messages(context, messages, reason)), answers):
        raise typer.Exit(1)


@replay.command("changes")
def replay_changes(
    school: Annotated[str, typer.Option(help="Школа")],
    since: Annotated[datetime, typer.Option(formats=DAY, help="С этого дня: когда принято от журнала")],
    reason: _Why,
) -> None:
    """Разобрать снова принятое от журнала. Кому уже сообщено, второй раз не сообщается."""
    from onebox import levers

    number = within(lambda context: levers.replay_changes(context, school, since.date(), reason))
    typer.echo(f"Опубликовано снова изменений: {number}")


@replay.command("dead-letters")
def replay_dead_letters(
    reason: _Why,
    letters: Annotated[list[UUID] | None, typer.Argument(help="Номера; без них — все")] = None,
) -> None:
    """Разобрать снова отложенное службами, когда причина устранена."""
    from onebox import levers

    done = within(lambda context: levers.replay_dead_letters(context, letters or [], reason))
    if not levers.say(done, answers):
        raise typer.Exit(1)


@dead_letters.command("list")
def dead_letters_list() -> None:
    """Что отложили службы и почему."""
    from onebox import levers

    levers.show_dead_letters(within(levers.dead_letters), answers)


@dead_letters.command("discard")
def dead_letters_discard(letters: _Ids, reason: _Why) -> None:
    """Больше не разбирать. Запись и причина остаются."""
    from onebox import levers

    done = within(lambda context: levers.discard_dead_letters(context, letters, reason))
    if not levers.say(done, answers):
        raise typer.Exit(1)


@cancel.command("message")
def cancel_message(messages: _Ids, reason: _Why) -> None:
    """Не отправлять сообщения, которые ещё ждут."""
    from onebox import levers

    if not levers.say(within(lambda context: levers.cancel_messages(context, messages, reason)), answers):
        raise typer.Exit(1)


@cancel.command("change")
def cancel_change(change: Annotated[UUID, typer.Argument(help="Номер изменения")], reason: _Why) -> None:
    """Не сообщать об изменении никому, кому ещё не сообщили: например, остановить объявление."""
    from onebox import levers

    if not levers.say(within(lambda context: levers.cancel_change(context, change, reason)), answers):
        raise typer.Exit(1)
