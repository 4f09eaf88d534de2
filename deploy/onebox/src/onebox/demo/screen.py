"""The demo's last page: tables, the check of each number, the ledger's sum."""

from pathlib import Path

from rich.columns import Columns
from rich.console import Console
from rich.table import Table

from dispatcher import words
from onebox.demo.account import Account


def show(account: Account, console: Console, out: Path) -> None:
    console.print()
    console.print(Columns([_changes(account), _decisions(account)], padding=(0, 3)))
    console.print(Columns([_messages(account), _paper(account)], padding=(0, 3)))
    console.print(_checks(account))
    console.print(_sum(account), soft_wrap=True)
    console.print(
        f"\nПисьма, SMS, push и листы: {out}/email, {out}/sms, {out}/push, {out}/paper", soft_wrap=True
    )


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right")
    return table


def _changes(account: Account) -> Table:
    table = _table("Изменения из журнала", "вид", "принято")
    for type_, number in account.changes:
        table.add_row(words.TYPES[type_], str(number))
    table.add_section()
    table.add_row("повторы", str(account.told.duplicates))
    table.add_row("устаревшие", str(account.told.stale))
    table.add_row("отказано", str(len(account.told.rejected)))
    return table


def _decisions(account: Account) -> Table:
    table = _table("Решения: изменение × представитель", "решение", "число")
    for verdict, reason, number in account.decisions:
        why = f": {words.REASONS.get(reason, reason)}" if reason else ""
        table.add_row(words.VERDICTS[verdict] + why, str(number))
    return table


def _messages(account: Account) -> Table:
    table = _table("Сообщения", "канал и исход", "число")
    for channel, status, number in account.messages:
        table.add_row(f"{words.CHANNELS[channel]}: {words.STATUSES[status]}", str(number))
    return table


def _paper(account: Account) -> Table:
    table = _table("Бумага", "класс", "листов", "страниц")
    for class_name, sheets, pages in account.batches:
        table.add_row(class_name, str(sheets), str(pages))
    return table


def _checks(account: Account) -> Table:
    table = _table("Сверка", "что", "в базе", "на деле", "где посчитано", "")
    for check in account.checks:
        sign = "[green]сходится[/green]" if check.agrees else "[red]НЕ СХОДИТСЯ[/red]"
        table.add_row(check.what, str(check.database), str(check.outside), check.where, sign)
    return table


def _sum(account: Account) -> str:
    parts = " + ".join(f"{words.LEDGER[name]} {number}" for name, number in account.sum.columns.items())
    sign = "[green]сходится[/green]" if account.adds_up else "[red]НЕ СХОДИТСЯ[/red]"
    return (
        f"Книга учёта: изменений × представителей {account.owed} = {parts} "
        f"(решений {account.sum.decisions}) {sign}"
    )
