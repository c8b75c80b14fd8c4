"""The verbs that keep an institution: backups and what comes back from them, and what is said outside."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from uuid import UUID

import click

from zhike.config import institution
from zhike.config.terminal import answer, as_json
from zhike.kernel.errors import UserError


@click.command()
@click.option(
    "--to", required=True, type=click.Path(path_type=Path), help="The folder that sets go into."
)
@as_json
def backup(to: Path, as_json: bool) -> None:
    """Database, warehouse and files as one sealed set; the institution goes on working."""
    with institution.opened():
        from zhike.config.backups import backup as run

        made = run(to)
    answer(
        made,
        as_json,
        lambda: [
            *(f"{name:<12}{part.bytes:>16,} bytes" for name, part in made.parts.items()),
            f"{made.folder} in {made.seconds} s; its key is not in it: `zhike backup-keys`",
        ],
    )


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@as_json
def restore(folder: Path, as_json: bool) -> None:
    """Put a set back, into an empty data folder or an empty server; the trail is verified, erasures made again."""
    from zhike.kernel import keys

    began = time.monotonic()
    if not (keys.folder() / "backup").exists():
        raise UserError(
            f"The keys are not in {keys.folder()}.",
            "Put them back first: `zhike restore-keys FILE`.",
        )
    institution.begin()
    from zhike.config.backups import restore as run
    from zhike.config.backups import settle

    made = run(folder)
    with institution.opened(current=False):
        settled = settle()
    seconds = round(time.monotonic() - began, 1)
    found = settled.trail
    answer(
        {
            "at": made.at,
            "seconds": seconds,
            "trail": asdict(found),
            "erased_again": settled.erased_again,
        },
        as_json,
        lambda: [
            f"As it was at {made.at}, in {seconds} s; {found.entries:,} entries of the trail verified.",
            *([found.fault] if found.fault else []),
            f"{settled.erased_again} customers who were restricted or erased since left the tables again.",
        ],
    )


@click.command()
@click.option(
    "--to", required=True, type=click.Path(path_type=Path), help="The folder of the file."
)
@click.password_option("--passphrase", envvar="ZHIKE_PASSPHRASE", help="Asked for when not given.")
def backup_keys(to: Path, passphrase: str) -> None:
    """The keys in one file under a passphrase; keep it in other hands than the sets."""
    institution.begin()
    from zhike.config.keychains import backup_keys as run

    click.echo(run(to, passphrase))


@click.command()
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.password_option(
    "--passphrase", envvar="ZHIKE_PASSPHRASE", confirmation_prompt=False, help="Asked for."
)
def restore_keys(file: Path, passphrase: str) -> None:
    """Put the keys of such a file into the key folder, before `zhike restore`."""
    from zhike.config.keychains import restore_keys as run
    from zhike.kernel.keys import folder

    click.echo(" ".join(run(file, passphrase, folder())))


@click.command()
@click.argument("kind", type=click.Choice(["streaming", "embedded"]))
@click.option("--customers", default=300, show_default=True, type=click.IntRange(1, 20_000))
@as_json
def drill(kind: str, customers: int, as_json: bool) -> None:
    """Lose a database in the midst of work and get it back: rows and seconds lost, seconds until all works.

    With servers, folders and keys of its own: the institution here is not touched.
    """
    from zhike.config import drills

    with drills.begun(kind) as place:
        found = drills.drill(place, customers=customers)
    answer(
        {**asdict(found), "held": found.held},
        as_json,
        lambda: [
            f"{found.server}; {found.customers:,} customers",
            *(
                f"{each.what:<14}{each.figure:<34}{each.target:<8}{'ok' if each.ok else 'MISSED'}"
                for each in found.lines
            ),
        ],
    )
    if not found.held:
        raise click.exceptions.Exit(1)


@click.command()
def metrics() -> None:
    """Counts and ages for a monitoring system, as Prometheus writes them."""
    with institution.opened():
        from zhike.config.metrics import text

        click.echo(text(), nl=False)


@click.group("keys")
def change_keys() -> None:
    """Another key for the sealed values: new, reseal, a day later retire."""


@change_keys.command()
@as_json
def new(as_json: bool) -> None:
    """Make another key for sealed values; it seals from now on, the one before still opens."""
    with institution.opened():
        from zhike.kernel.actor import system
        from zhike.privacy.services import resealing

        number = resealing.new_key(actor=system("zhike keys new"))
    answer(
        {"number": number},
        as_json,
        lambda: [
            f"Key {number} seals from now on. Keep it safe at once: `zhike backup-keys`, then `zhike keys reseal`."
        ],
    )


@change_keys.command()
@as_json
def reseal(as_json: bool) -> None:
    """Write every sealed value under the newest key; begun again, it goes on. The site goes on working."""
    began = time.monotonic()
    with institution.opened():
        from zhike.kernel.actor import system
        from zhike.privacy.services import resealing

        count = resealing.reseal(actor=system("zhike keys reseal"))
        left = dict(resealing.standing())
    seconds = round(time.monotonic() - began, 1)
    answer(
        {"written": count, "left": left, "seconds": seconds},
        as_json,
        lambda: [
            f"{count:,} values written anew in {seconds} s",
            *(f"{each:,} left in {place}" for place, each in left.items()),
        ],
    )


@change_keys.command()
@as_json
def retire(as_json: bool) -> None:
    """Lay the older keys aside, where nothing stands under them any more; sets of before need them."""
    with institution.opened():
        from zhike.kernel.actor import system
        from zhike.privacy.services import resealing

        aside = [str(each) for each in resealing.retire(actor=system("zhike keys retire"))]
    answer(
        {"aside": aside},
        as_json,
        lambda: [f"{each}: keep it with the sets made until today" for each in aside],
    )


@click.group()
def outbox() -> None:
    """What the site says outside: mail to its operators."""


@outbox.command("list")
@as_json
def list_outbox(as_json: bool) -> None:
    """What waits, and what nobody knows to be said; never its text."""
    with institution.opened():
        from zhike.kernel.models import Outgoing

        settled = (Outgoing.State.SENT, Outgoing.State.DROPPED)
        rows = [
            {"key": str(each.public_id), "carrier": each.carrier, "state": each.state,
             "tries": each.tries, "at": each.created_at.isoformat(), "said": each.said}
            for each in Outgoing.objects.exclude(state__in=settled).order_by("id")
        ]  # fmt: skip
    answer(
        {"messages": rows},
        as_json,
        lambda: [
            "{key}  {carrier}  {state}  {tries} tries  {at}  {said}".format(**row) for row in rows
        ],
    )


@outbox.command()
@click.argument("key", type=click.UUID)
@click.option("--reason", required=True, help="How you know that it was not taken.")
def resend(key: UUID, reason: str) -> None:
    """Say a message again of which nobody knows whether it was taken."""
    _settle(key, again=True, reason=reason)


@outbox.command()
@click.argument("key", type=click.UUID)
@click.option("--reason", required=True, help="How you know that it was taken, or is not wanted.")
def drop(key: UUID, reason: str) -> None:
    """Leave a message as it is of which nobody knows whether it was taken."""
    _settle(key, again=False, reason=reason)


def _settle(key: UUID, *, again: bool, reason: str) -> None:
    with institution.opened():
        from zhike.kernel.actor import system
        from zhike.kernel.outbox import settle

        message = settle(actor=system("zhike outbox"), key=key, again=again, reason=reason)
        click.echo(message.get_state_display())


commands = (backup, restore, backup_keys, restore_keys, drill, metrics, change_keys, outbox)
