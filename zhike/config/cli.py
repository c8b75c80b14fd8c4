"""`zhike`: the one command. Every verb takes --help, exits non-zero on failure, and --json prints one JSON object."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from zhike.config import institution, safekeeping
from zhike.config.terminal import answer, as_json
from zhike.kernel.errors import UserError

if TYPE_CHECKING:
    from zhike.masterdata.services import LoadReport

err = Console(stderr=True)
Day = click.DateTime(formats=["%Y-%m-%d"])


class Zhike(click.Group):
    """Turns what a person can put right into one message and exit code 1."""

    def invoke(self, context: click.Context) -> Any:
        from django.core.exceptions import ImproperlyConfigured
        from django.db import DatabaseError

        try:
            return super().invoke(context)
        except UserError as error:
            message, way_out = error.message, error.way_out
        except ImproperlyConfigured as error:
            message, way_out = str(error), "See docs/settings.md."
        except DatabaseError as error:
            # The server's own words may quote a value, so only its code is repeated.
            state = getattr(error.__cause__, "sqlstate", None) or type(error).__name__
            message, way_out = f"The database refused ({state}).", "Run `zhike doctor`."
        if "--json" in sys.argv:
            click.echo(json.dumps({"error": message, "way_out": way_out}, ensure_ascii=False))
        click.secho(message, fg="red", err=True)
        if way_out:
            click.echo(way_out, err=True)
        raise click.exceptions.Exit(1)


@contextmanager
def shown_progress() -> Iterator[Callable[[str, float], None]]:
    """A bar a phase on the terminal; on anything else one line a phase."""
    bars: dict[str, Any] = {}
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=False) as progress:

        def report(phase: str, share: float) -> None:
            if phase not in bars:
                bars[phase] = progress.add_task(phase, total=1.0)
            progress.update(bars[phase], completed=min(share, 1.0))

        yield report


@click.group(cls=Zhike)
@click.version_option(package_name="zhike")
def main() -> None:
    """知客: customer relationship management on one record."""


@main.command()
@as_json
def init(as_json: bool) -> None:
    """Set up the data folder and the database, or bring them up to date."""
    from zhike.kernel.clock import today

    with institution.opened(current=False):
        if institution.unsettled().exists():
            from zhike.config.backups import settle

            settle()
        institution.bring_up_to_date()
        result = {"ready": True, "on": today().isoformat()}
        answer(result, as_json, lambda: ["The institution is ready. `zhike serve` opens it."])


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--public", is_flag=True, help="Allow a host that the network can reach.")
def serve(host: str, port: int, public: bool) -> None:
    """Serve the site: database, pages and jobs under one supervisor."""
    from zhike.config.supervisor import site

    with site(host=host, port=port, public=public) as run, institution.opened():
        click.echo(f"http://{host}:{port}/   (Ctrl+C stops it)")
        run()


@main.command()
def worker() -> None:
    """Run the jobs alone, for an institution that starts its processes itself."""
    from django.core.management import call_command

    with institution.opened():
        call_command("procrastinate", "worker")


@main.command()
@as_json
def doctor(as_json: bool) -> None:
    """Check the installation and say what is wrong and how to mend it."""
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhike.config.settings")
    django.setup()
    checks = institution.examine()
    sound = all(check.ok for check in checks)
    answer(
        {"sound": sound, "checks": [asdict(check) for check in checks]},
        as_json,
        lambda: [
            f"{'✓' if c.ok else '✗'} {c.what}: {c.found}"
            + (f"\n    {c.way_out}" if c.way_out else "")
            for c in checks
        ],
    )
    if not sound:
        raise click.exceptions.Exit(1)


@main.command()
@click.option("--mapping", required=True, help="A TOML file, or the name of a pack's mapping.")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@as_json
def load(mapping: str, paths: tuple[Path, ...], as_json: bool) -> None:
    """Read source files: rows read, accepted, rejected, and where the rejects lie."""
    from zhike.kernel.packs import find_mapping

    with institution.opened(), shown_progress() as progress:
        from zhike.kernel.actor import system
        from zhike.masterdata.services import load as run

        report = run(
            actor=system("zhike load"),
            mapping=find_mapping(mapping),
            paths=list(paths),
            progress=progress,
        )
    answer(report, as_json, lambda: _load_lines(report))


def _load_lines(report: LoadReport) -> list[str]:
    lines = [f"{'table':<24}{'read':>12}{'accepted':>12}{'unchanged':>12}{'rejected':>12}"]
    for table in report.tables:
        lines.append(
            f"{table.table:<24}{table.read:>12,}{table.accepted:>12,}"
            f"{table.unchanged:>12,}{table.rejected:>12,}"
        )
    lines += [f"rejects: {path}" for path in report.reject_files]
    return lines


@main.command()
@click.option("--whole", is_flag=True, help="Train anew and compare everything, not what is new.")
@as_json
def match(whole: bool, as_json: bool) -> None:
    """Resolve source records into customers."""
    with institution.opened():
        from zhike.kernel.actor import system
        from zhike.masterdata.services import match as run

        report = run(
            actor=system("zhike match"),
            whole=whole,
            progress=lambda phase: click.echo(phase, err=True),
        )
    answer(
        report,
        as_json,
        lambda: [
            f"{report.records:,} records, {report.customers:,} customers, {report.pairs_for_review:,} pairs for review",
            f"{report.compared:,} compared: {report.merged:,} customers merged, {report.split:,} split",
        ],
    )


@main.command()
@click.option("--as-of", type=Day, help="The business date (today).")
@click.option("--full", is_flag=True, help="Rebuild everything instead of what changed.")
@as_json
def refresh(as_of: Any, full: bool, as_json: bool) -> None:
    """Bring marts, metrics, scores and today's lists up to date."""
    with institution.opened(), shown_progress() as progress:
        from zhike.config.daily import run_daily
        from zhike.kernel.actor import system

        report = run_daily(
            actor=system("zhike refresh"),
            as_of=as_of.date() if as_of else None,
            full=full,
            progress=progress,
        )
    answer(
        report,
        as_json,
        lambda: [f"{k}: {v}" for k, v in {**report.refreshed, **report.work}.items()],
    )


@main.command()
@click.option(
    "--each", default=1, show_default=True, help="How many in each unit that has customers."
)
@as_json
def honey(each: int, as_json: bool) -> None:
    """Plant invented customers: whoever opens or takes one away is told of to the security administrators."""
    with institution.opened():
        from zhike.customers.services.honey import plant_honey
        from zhike.kernel.actor import system
        from zhike.organisation.models import Unit

        places = Unit.objects.filter(parties__isnull=False).distinct()
        made = sum(
            plant_honey(actor=system("zhike honey"), unit=place, count=each) for place in places
        )
    answer({"planted": made}, as_json, lambda: [f"{made:,} invented customers planted"])


@main.group()
def audit() -> None:
    """The trail: sealed every minute, verified every night, or now."""


@audit.command()
@as_json
def seal(as_json: bool) -> None:
    """Seal the entries that no running transaction can still add to; called twice, all that stands."""
    with institution.opened():
        from zhike.config.trail import seal_trail
        from zhike.kernel.actor import system

        count = seal_trail(system("zhike audit seal"))
    answer({"sealed": count}, as_json, lambda: [f"{count:,} entries sealed"])


@audit.command()
@as_json
def verify(as_json: bool) -> None:
    """Compare the whole trail with its seals, in the database and outside; ends with 1 where they differ."""
    with institution.opened():
        from zhike.config.trail import verify_trail
        from zhike.kernel.actor import system

        found = verify_trail(system("zhike audit verify"))
    answer(
        found,
        as_json,
        lambda: [
            found.fault
            or f"{found.entries:,} entries in {found.seals:,} seals are as they were sealed; {found.open:,} wait."
        ],
    )
    if found.fault:
        raise click.exceptions.Exit(1)


@audit.command()
@click.option("--yes", is_flag=True, help="Do it; without, it is only said what would go.")
@as_json
def purge(yes: bool, as_json: bool) -> None:
    """Take the months away that are older than ZHIKE_AUDIT_YEARS, never the last 184 days; proofs of them hold on."""
    with institution.opened():
        from django.conf import settings

        from zhike.kernel import retention
        from zhike.kernel.actor import system

        years = settings.ZHIKE_AUDIT_YEARS
        done = retention.purge(system("zhike audit purge"), years) if yes else retention.due(years)
    said = "went" if yes else "would go with --yes"
    answer(done, as_json, lambda: [f"{done.entries:,} entries before {done.before} {said}"])


@audit.command()
@click.argument("entry", type=int)
@as_json
def prove(entry: int, as_json: bool) -> None:
    """A proof that an entry was sealed as it stands, to keep: it holds also when the entry is purged."""
    with institution.opened():
        from zhike.kernel import proving

        proof = proving.prove(entry)
    answer(proof, True, list)


@audit.command()
@click.argument("file", type=click.File())
@as_json
def check(file: TextIO, as_json: bool) -> None:
    """Whether a proof that `prove` gave holds, by the roots that were kept; ends with 1 where it does not."""
    with institution.opened():
        from zhike.kernel import proving

        said = json.load(file)
        found = proving.holds(proving.Proof(**{**said, "path": tuple(said["path"])}))
    answer({"holds": found}, as_json, lambda: ["holds" if found else "does not hold"])
    if not found:
        raise click.exceptions.Exit(1)


@audit.command()
@click.argument("code")
@as_json
def trace(code: str, as_json: bool) -> None:
    """Which file a leaked row is from, by its code: who took it and when; ends with 1 where no file gave it."""
    with institution.opened():
        from zhike.desk.services.files import trace as find
        from zhike.kernel.actor import system
        from zhike.ui.format import iso_minute

        found = find(actor=system("zhike audit trace"), code=code)
        file = found[0] if found else None
        told = (
            {
                "file": file.number,
                "of": file.source,
                "person": file.user.get_full_name(),
                "staff_code": file.user.employee.code if file.user.employee else "",
                "asked": iso_minute(file.created_at),
                "fetched": iso_minute(file.taken) if file.taken else "",
                "rows": file.rows,
                "row": found[1] if found else None,
            }
            if file
            else {"file": ""}
        )
    answer(
        told,
        as_json,
        lambda: (
            [f"{name}: {value}" for name, value in told.items()]
            if file
            else ["No file gave this code. Check each letter: there is no I and no O."]
        ),
    )
    if file is None:
        raise click.exceptions.Exit(1)


@main.command()
@click.argument("id")
@click.option("--as", "login", required=True, help="Under whose rights.")
def show(id: str, login: str) -> None:
    """One customer as that user may see it, as one JSON object."""
    with institution.opened():
        from zhike.config import exports

        found = exports.customer(exports.acting_as(login, "zhike show"), id)
        click.echo(json.dumps(found, ensure_ascii=False))


@main.command()
@click.argument("name")
@click.option("--as", "login", required=True, help="Under whose rights and masks.")
@click.option("--format", type=click.Choice(["csv", "parquet", "json"]), default="csv")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The file to write.")
@as_json
def export(name: str, login: str, format: str, out: Path, as_json: bool) -> None:
    """Customers, scores or customer_value as a file."""
    with institution.opened():
        from zhike.config import exports

        count = exports.export(exports.acting_as(login, "zhike export"), name, format, out)
    answer({"rows": count, "file": str(out)}, as_json, lambda: [f"{count:,} rows in {out}"])


@main.command()
@click.option(
    "--customers", default=20_000, show_default=True, type=click.IntRange(1_000, 10_000_000)
)
@click.option("--seed", default=1, show_default=True)
@click.option("--as-of", type=Day, help="The sample's today (today).")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--no-serve", is_flag=True, help="Make it and stop.")
@as_json
def demo(
    customers: int, seed: int, as_of: Any, host: str, port: int, no_serve: bool, as_json: bool
) -> None:
    """Make a sample institution, run the whole loop, serve it."""
    from zhike.config.supervisor import site

    serving = nullcontext() if no_serve else site(host=host, port=port)
    with serving as run, institution.opened(current=False):
        from zhike.config import demo as sample

        made = sample.existing()
        institution.bring_up_to_date()
        if made is None:
            with shown_progress() as progress:
                made = sample.make(
                    customers=customers,
                    seed=seed,
                    as_of=as_of.date() if as_of else None,
                    progress=progress,
                )
        answer(made, as_json, lambda: _login_lines(made, host, port))
        if run:
            run()


def _login_lines(made: Any, host: str, port: int) -> list[str]:
    width = max(len(each.role) for each in made.logins)
    return [
        f"{made.customers:,} sample customers as of {made.as_of}",
        f"Open http://{host}:{port}/ and sign in; the password of each is {made.password}",
        *(
            f"  {each.role:<{width}}  {each.login}   {each.name}, {each.unit}"
            for each in made.logins
        ),
    ]


@main.command()
@click.option(
    "--data", required=True, type=click.Path(path_type=Path), help="The folder of the Berka files."
)
def berka(data: Path) -> None:
    """Load the public Berka bank into this data folder; the last line is one JSON object."""
    with institution.opened(current=False):
        institution.bring_up_to_date()
        from zhike.config.daily import run_daily
        from zhike.kernel.actor import system
        from zhike.kernel.packs import find_mapping
        from zhike.masterdata.models import SourceSystem
        from zhike.masterdata.queries import summary
        from zhike.masterdata.services import load as run
        from zhike.masterdata.services import match as resolve

        if SourceSystem.objects.exclude(code="berka").exists():
            raise UserError(
                "This data folder holds another institution.",
                "Point ZHIKE_HOME to an empty folder.",
            )
        actor = system("zhike berka")
        with shown_progress() as progress:
            report = run(
                actor=actor, mapping=find_mapping("berka"), paths=[data], progress=progress
            )
            resolve(actor=actor)
            last = date(1994, 3, 31)  # the day the public extract of transactions ends
            daily = run_daily(actor=actor, as_of=last, progress=progress)
        for line in _load_lines(report):
            click.echo(line)
        click.echo(
            json.dumps({**summary("berka"), "work": daily.work}, ensure_ascii=False, default=str)
        )


for command in safekeeping.commands:
    main.add_command(command)
