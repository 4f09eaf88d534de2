"""The `vestnik` command (DESIGN §5). Every command works beside a running `vestnik up`.

Answers go to standard output, everything else to standard error.
"""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from onebox.cli_levers import cancel, dead_letters, replay
from onebox.console import DAY, answers, errors, settings_or_exit, within
from shared.errors import ForPeople

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # it may show the values that a function held (R-D3)
    help="Вестник: школьные новости каждой семье.",
)
registry = typer.Typer(no_args_is_help=True, help="Списки школы.")
token = typer.Typer(no_args_is_help=True, help="Доступ журналов.")
account = typer.Typer(no_args_is_help=True, help="Вход сотрудников.")
print_ = typer.Typer(no_args_is_help=True, help="Бумага.")
channel = typer.Typer(no_args_is_help=True, help="Остановить канал отправки и возобновить.")
_GROUPS = {
    "registry": registry,
    "token": token,
    "account": account,
    "print": print_,
    "channel": channel,
    "replay": replay,
    "cancel": cancel,
    "dead-letters": dead_letters,
}
for name, group in _GROUPS.items():
    app.add_typer(group, name=name)


def main() -> None:
    """The entry point: what a person can mend is said in a sentence, not in a traceback."""
    try:
        app()
    except ForPeople as wrong:
        errors.print(str(wrong), style="red", markup=False)
        raise SystemExit(1) from None
    except Exception as broken:  # noqa: BLE001 - shown without its message, which may quote a family's data
        from shared.logging import places

        errors.print(places(broken), markup=False)
        errors.print(
            "Сбой в самом Вестнике. Передайте сказанное выше разработчикам: личных данных в нём нет."
        )
        raise SystemExit(1) from None


@app.command()
def up(port: Annotated[int, typer.Option(help="Порт страниц")] = 8100) -> None:
    """Все службы в одном процессе: установка для одной школы."""
    from onebox.up import run_up

    run_up(settings_or_exit(None), port)


@app.command()
def demo() -> None:
    """Школьная неделя за минуту: настоящие службы, учебный внешний мир, файлы в var/demo."""
    from onebox.demo.play import run_demo
    from shared import logging

    logging.configure("warning")
    raise typer.Exit(run_demo(Path("var/demo")))


@app.command()
def migrate() -> None:
    """Создать или обновить схемы базы."""
    from shared.migrations import migrate as bring_up_to_date

    within(lambda context: bring_up_to_date(context.database_url))
    errors.print("База обновлена.")


@registry.command("import")
def registry_import(
    folder: Annotated[
        Path, typer.Argument(exists=True, help="Папка с файлами CSV или с книгой Excel; архив OneRoster 1.2")
    ],
) -> None:
    """Загрузить списки школы. Ничего не удаляет и ничего не рассылает; 1, если в чём-то отказано."""
    from onebox.lists import import_lists, show_report

    report = within(lambda context: import_lists(folder, context, errors))
    show_report(report, answers)
    if report.refused:
        raise typer.Exit(1)


@token.command("create")
def token_create(
    school: Annotated[str, typer.Option(help="Школа, как в schools.csv")],
    journal: Annotated[str, typer.Option(help="Имя журнала")],
) -> None:
    """Выдать журналу токен. Он печатается один раз и больше нигде не хранится."""
    from onebox.acts import create_token

    typer.echo(within(lambda context: create_token(context, school, journal)))


@account.command("create")
def account_create(
    school: Annotated[str, typer.Option(help="Школа, как в schools.csv; * — вся установка")],
    login: Annotated[str, typer.Option(help="Логин")],
    role: Annotated[str, typer.Option(help="operator, it, secretary, teacher или admin")],
    name: Annotated[str | None, typer.Option(help="Имя; без него — логин")] = None,
) -> None:
    """Адрес, по которому сотрудник один раз задаст пароль. Если записи ещё нет, она создаётся."""
    from onebox.acts import create_account

    typer.echo(within(lambda context: create_account(context, school, login, role, name)))


@print_.command("week")
def print_week(
    class_name: Annotated[str | None, typer.Option("--class", help="Класс; без него — все")] = None,
    week: Annotated[str | None, typer.Option(help="Неделя, например 2026-W47; без неё — текущая")] = None,
) -> None:
    """Недельные листы: путь каждого PDF. Открытая неделя закрывается, закрытая печатается как была."""
    import print_queue.app

    for path in within(lambda context: print_queue.app.print_week(context, class_name, week)):
        typer.echo(path)


_Which = Annotated[Literal["email", "sms", "push"], typer.Argument(help="Канал")]
_Reason = Annotated[str, typer.Option(help="Почему: увидят все, кто отвечает за Вестник")]


@channel.command("pause")
def channel_pause(which: _Which, reason: _Reason) -> None:
    """Остановить канал. Ничего не теряется: сообщения ждут, остальные каналы работают."""
    from onebox.acts import pause_channel

    if within(lambda context: pause_channel(context, which, reason)):
        errors.print(f"Остановлено. Сообщения ждут; возобновить: vestnik channel resume {which}")
    else:
        errors.print("Этот канал уже остановлен, причина осталась прежней: vestnik status.")


@channel.command("resume")
def channel_resume(which: _Which, reason: _Reason) -> None:
    """Возобновить канал. Сначала уйдёт одно сообщение; если шлюз ответит, следом — остальные."""
    from onebox.acts import resume_channel

    if within(lambda context: resume_channel(context, which, reason)):
        errors.print("Возобновлено: накопленное уйдёт само.")
    else:
        errors.print("Этот канал и не был остановлен.")


@app.command()
def why(
    school: Annotated[str, typer.Argument(help="Школа, как в schools.csv")],
    guardian: Annotated[str, typer.Argument(help="Представитель, как в guardians.csv")],
    pupil: Annotated[str | None, typer.Option(help="Только об этом ученике")] = None,
    change: Annotated[str | None, typer.Option(help="Только об этом изменении")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Сколько последних решений")] = 20,
) -> None:
    """Почему семья получила сообщение или не получила: решение, основание, судьба. Взгляд записывается."""
    from onebox.why import Asked, answer, show

    asked = Asked(school, guardian, pupil, change, limit)
    show(within(lambda context: answer(context, asked)), answers)


@app.command()
def status(
    first: Annotated[datetime | None, typer.Option("--from", formats=DAY, help="С этого дня")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=DAY, help="По этот день")] = None,
    school: Annotated[str | None, typer.Option(help="Школа; без неё — все")] = None,
) -> None:
    """Очереди каналов, сроки, книга учёта и её сверка; 1, если книга не сходится.

    Дни относятся к книге учёта: когда изменения приняты от журнала.
    """
    from onebox.status import read_status, show_status

    days = {"first": first.date() if first else None, "last": last.date() if last else None}
    found = within(lambda context: read_status(context, school=school, **days))
    show_status(found, answers)
    if not found.agrees:
        raise typer.Exit(1)


@app.command()
def erase(
    school: Annotated[str, typer.Option(help="Школа, как в schools.csv")],
    reason: Annotated[str, typer.Option(help="Основание: останется в журнале действий, без имён и адресов")],
    guardian: Annotated[str | None, typer.Option(help="Представитель, отозвавший согласие")] = None,
    pupil: Annotated[str | None, typer.Option(help="Ученик: один ребёнок представителя или выбывший")] = None,
    left: Annotated[bool, typer.Option("--left", help="Все выбывшие школы")] = False,  # noqa: FBT002
    now: Annotated[bool, typer.Option("--now", help="Не ждать дней на исправление ошибки")] = False,  # noqa: FBT002
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Только показать")] = False,  # noqa: FBT002
    yes: Annotated[bool, typer.Option("--yes", help="Не переспрашивать")] = False,  # noqa: FBT002
) -> None:
    """Уничтожить данные отозвавшего согласие или выбывшего и составить акт; 1, если что-то осталось."""
    from onebox import erasing
    from shared.deed import Deed

    deed = Deed("vestnik erase", reason, school)
    asked = erasing.Asked(school, guardian, pupil, left)
    found = within(lambda context: erasing.plan(context, asked, at_once=now))
    erasing.show_plan(found, answers)
    if dry_run:
        return
    if not yes and not typer.confirm("Уничтожить безвозвратно?", err=True):
        raise typer.Exit(1)
    wanted = [one.due for one in found]
    done = within(lambda context: erasing.carry_out(context, wanted, deed))
    if not erasing.show_carried(done, answers):
        raise typer.Exit(1)


def _say(what: str) -> None:
    errors.print(what, markup=False)


@app.command()
def backup(
    place: Annotated[Path, typer.Argument(help="Папка резервных копий, лучше на другом диске")],
) -> None:
    """Резервная копия базы и файлов на один миг, проверенная чтением; путь копии."""
    from onebox.backup import back_up

    typer.echo(within(lambda context: back_up(context, place, _say)))
    errors.print(
        "Храните копии не реже чем раз в неделю и в двух местах. Ключи и личные данные в копии не "
        "зашифрованы: место должно быть закрытым."
    )


@app.command()
def restore(
    place: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Копия или папка копий")],
    replace: Annotated[bool, typer.Option("--replace", help="Заменить то, что есть")] = False,  # noqa: FBT002
    without_register: Annotated[  # noqa: FBT002
        bool, typer.Option("--without-register", help="Учёта уничтожений нет, и он не нужен")
    ] = False,
) -> None:
    """Восстановить из копии при остановленных службах; уничтоженное после копии уничтожается снова."""
    from onebox.restore import restore as bring_back

    done = within(
        lambda context: bring_back(context, place, _say, replace=replace, without_register=without_register)
    )
    typer.echo(f"Восстановлено: {done.backup}. Уничтожено снова: {len(done.erased)}")
    if done.left:
        errors.print("Уничтожить снова удалось не всё; не запускайте службы и повторите:", style="red")
        for order in done.left:
            typer.echo(order)
        raise typer.Exit(1)


@app.command()
def check() -> None:
    """Всё ли подключено: база, шина, шлюзы, печать, журналы. Ничего не отправляет; 1, если что-то не так."""
    from onebox.check import check_all, show_findings

    settings = settings_or_exit("error")
    if not show_findings(asyncio.run(check_all(settings)), answers):
        raise typer.Exit(1)


@app.command()
def preview(
    what: Annotated[str | None, typer.Argument(help="Категория или сообщение; без него — что есть")] = None,
    channel: Annotated[str | None, typer.Argument(help="email, push или sms; без него — все")] = None,
    kind: Annotated[str, typer.Option(help="immediate, daily или weekly")] = "immediate",
    language: Annotated[str, typer.Option(help="ru или en")] = "ru",
    correction: Annotated[bool, typer.Option("--correction", help="Исправление")] = False,  # noqa: FBT002
    removed: Annotated[bool, typer.Option("--removed", help="Удаление")] = False,  # noqa: FBT002
    html: Annotated[Path | None, typer.Option(help="Записать письмо страницей в этот файл")] = None,
) -> None:
    """Что прочтёт семья, на учебных данных: без базы и настроек."""
    from onebox.preview import run

    run(what, channel, kind=kind, language=language, correction=correction, removed=removed, html=html)
