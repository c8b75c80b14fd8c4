"""The sample institution: made, loaded, worked through once, with a login a role."""

from __future__ import annotations

import json
import secrets
import shutil
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from decimal import ROUND_UP, Decimal
from pathlib import Path

from django.conf import settings

from zhike.config.daily import run_daily
from zhike.config.institution import sample_file
from zhike.insight.queries import actuals, last_run
from zhike.insight.services import Progress, refresh, set_target
from zhike.kernel import clock
from zhike.kernel.actor import Actor, system
from zhike.kernel.errors import UserError
from zhike.kernel.packs import find_mapping
from zhike.masterdata.services import load, match
from zhike.organisation.models import Appointment, Employee, Role, User
from zhike.organisation.services import give_login, reset_password
from zhike.packs.bank.sample import generate

SOURCES = ("core", "card", "notebooks", "contacts")
MONTHS_BACK = 3


@dataclass(frozen=True)
class Login:
    role: str
    login: str
    name: str
    unit: str


@dataclass(frozen=True)
class Demo:
    """What a second start needs to know. `password` opens every sample login; the file is 0600."""

    customers: int
    seed: int
    as_of: str
    password: str
    logins: list[Login]


def existing() -> Demo | None:
    """The sample institution of this data folder, when it was finished before."""
    if not sample_file().exists():
        return None
    kept = json.loads(sample_file().read_text())
    return Demo(**{**kept, "logins": [Login(**each) for each in kept["logins"]]})


def make(*, customers: int, seed: int, as_of: date | None, progress: Progress) -> Demo:
    """Build the sample institution in this data folder; killed and started again it ends the same.

    Raises UserError when the folder holds another institution.
    """
    day = as_of or _begun_on() or clock.today()
    if Employee.objects.exists() and not _begun_file().exists():
        raise UserError(
            "This data folder holds an institution that is not the sample.",
            "Point ZHIKE_HOME to an empty folder.",
        )
    _begun_file().write_text(day.isoformat())
    folder = Path(settings.ZHIKE_HOME) / "sample"
    if not (folder / "manifest.json").exists():  # written last: without it the files are half made
        shutil.rmtree(folder, ignore_errors=True)
        generate(folder, customers=customers, seed=seed, as_of=day, progress=progress)
    actor = system("demo")
    for source in SOURCES:
        load(actor=actor, mapping=find_mapping(source), paths=[folder], progress=progress)
    match(actor=actor)
    _look_back(actor, day, progress)
    run_daily(actor=actor, as_of=day, progress=progress)
    _aim(actor, day)
    password = "-".join(secrets.token_hex(3) for _ in range(3))
    demo = Demo(customers, seed, day.isoformat(), password, _logins(actor, day, password))
    half = sample_file().with_suffix(".half")
    half.touch(mode=0o600)
    half.write_text(json.dumps(asdict(demo), ensure_ascii=False, indent=1))
    half.replace(sample_file())
    return demo


def _look_back(actor: Actor, day: date, progress: Progress) -> None:
    """Scores of the month ends before, and of yesterday: without them nothing has moved since anything."""
    first = day.replace(day=1)
    ends = [first - timedelta(days=1)]
    while len(ends) < MONTHS_BACK:
        ends.append(ends[-1].replace(day=1) - timedelta(days=1))
    last = last_run()
    for past in sorted({*ends, day - timedelta(days=1)}):
        if last is None or past > last.as_of:
            refresh(actor=actor, as_of=past, progress=progress)


def _aim(actor: Actor, day: date) -> None:
    """Targets of the quarter for the people the sample logins open, a little above what they have."""
    for role in (Role.CUSTOMER_MANAGER, Role.TEAM_LEAD, Role.BRANCH_HEAD):
        appointment = _seat(role, day)
        if appointment is None:
            continue
        leads = role != Role.CUSTOMER_MANAGER
        who = appointment.position.unit if leads else appointment.employee
        for metric, amount in actuals(who).items():
            if amount > 0:
                goal = (amount * Decimal("1.08")).quantize(Decimal(1), ROUND_UP)
                set_target(
                    actor=actor, metric=metric, who=who, period="quarter", day=day, amount=goal
                )


def _seat(role: str, day: date) -> Appointment | None:
    """The appointment of a role with the most to see."""
    return (
        Appointment.objects.filter(position__role=role, during__contains=day)
        .select_related("employee__unit", "position__unit")
        .order_by("position__unit__path", "pk")
        .first()
    )


def _begun_file() -> Path:
    return Path(settings.ZHIKE_HOME) / "demo.begun"


def _begun_on() -> date | None:
    return date.fromisoformat(_begun_file().read_text()) if _begun_file().exists() else None


def _logins(actor: Actor, day: date, password: str) -> list[Login]:
    """One sign-in a role, on the appointment with the most to see."""
    logins = []
    for role in Role:
        appointment = _seat(role, day)
        if appointment is None:
            continue
        employee = appointment.employee
        user = User.objects.filter(employee=employee).first()
        if user is None:
            user = give_login(
                actor=actor, employee=employee, login=employee.code.lower(), password=password
            )
        else:
            user = reset_password(actor=actor, user=user, password=password)
        logins.append(Login(role.value, user.login, employee.name, appointment.position.unit.name))
    return logins
