"""The goals of trust (G-01 to G-42) that `make trust` prints a line for, and the tests that prove each.

A test gives its figures by pytest's `record_property`. Nothing of Django here: the report reads it in every process.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from string import Formatter

LARGEST = frozenset({"seconds", "milliseconds", "minutes"})
"""Figures of which the largest counts; all others are added up."""

FULL = {
    "ZHIKE_TRUST": "full",
    "ZHIKE_MATRIX": "1",
    "ZHIKE_TWO_WORLDS": "1",
    "ZHIKE_KILLS": "300",
}
"""What the long form says in the environment."""


@dataclass
class Outcome:
    """What became of a goal's tests: how many ran and failed, and the figures they gave."""

    ran: int = 0
    failed: int = 0
    figures: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def add(self, name: str, value: float) -> None:
        before = self.figures[name]
        self.figures[name] = max(before, value) if name in LARGEST else before + value


@dataclass(frozen=True)
class Goal:
    """`proofs` are node ids of tests, or their beginnings. `figure` is a sentence with the figures in braces.

    `least` and `most` bound a figure: (in the short form, in the long one).
    """

    id: str
    promise: str
    target: str
    proofs: tuple[str, ...]
    figure: str = "{tests} tests"
    least: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    most: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def holds(self, found: Outcome, *, full: bool) -> bool:
        """Whether all its tests ran well and the figures stand within their bounds."""
        if not found.ran or found.failed:
            return False
        low = all(found.figures[name] >= bound[full] for name, bound in self.least.items())
        return low and all(found.figures[name] <= bound[full] for name, bound in self.most.items())

    def told(self, found: Outcome) -> str:
        if not found.ran:
            return "no proof ran"
        known = {**found.figures, "tests": found.ran}
        names = [name for _text, name, _spec, _how in Formatter().parse(self.figure) if name]
        words = self.figure.format(**{name: _number(known.get(name, 0)) for name in names})
        return words + (f", {found.failed} tests FAILED" if found.failed else "")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) or value >= 100 else f"{value:.2f}"


ACCESS = "zhike/access/tests"
GOALS = (
    Goal(
        "G-01",
        "every cell of route, method, principal and relation is declared and enforced",
        "0 undeclared, 0 disagreements",
        ("tests/access_matrix/test_matrix.py",),
        "{cells} cells declared, {tests} routes and checks, 0 disagreements",
    ),
    Goal(
        "G-02",
        "no answer depends on rows out of sight",
        "0 differences; long form 5,000 pairs or more",
        (
            "tests/two_worlds/test_worlds.py::test_the_unseen",
            "tests/two_worlds/test_worlds.py::test_what_tells",
        ),
        "{pairs} pairs, 0 differ",
        least={"pairs": (200, 5000)},
    ),
    Goal(
        "G-03",
        "the database is a second wall",
        "0 rows of others with every scope of the application switched off",
        ("tests/wall/", "tests/two_worlds/test_worlds.py::test_the_database_alone"),
        "{tests} tests, 0 rows of others",
    ),
    Goal(
        "G-04",
        "what is taken away is gone at once",
        "0 successes on any channel, within 1 s",
        ("zhike/config/tests/test_role_change.py", "tests/trust/test_revocation.py"),
        "{channels} channels shut within {seconds} s",
        least={"channels": (5, 5)},
        most={"seconds": (1, 1)},
    ),
    Goal(
        "G-05",
        "classes of fields are enforced everywhere",
        "0 canaries unmasked, in mail neither; a reveal is one line on the trail",
        ("tests/trust/test_crawl.py",),
        "{canaries} canaries in {answers} answers and {mails} mails, 0 unmasked; {reveals} reveals, a line each",
        least={"answers": (200, 1200), "reveals": (4, 12), "mails": (1, 1)},
    ),
    Goal(
        "G-06",
        "no form sets what it does not show",
        "0 changes",
        ("tests/access_matrix/test_mass_assignment.py",),
        "{tests} writes, 0 changes",
    ),
    Goal(
        "G-07",
        "guessing fails, and so does locking a colleague out",
        "at most 5 tries a user reach the hasher; known and unknown within 5 ms; the owner gets in",
        ("tests/trust/test_guessing.py", f"{ACCESS}/test_sign_in.py", f"{ACCESS}/test_devices.py"),
        "{tries} tries on {users} users, {hashed} hashed; {milliseconds} ms apart",
        least={"tries": (60, 10_000)},
        most={"milliseconds": (5, 5)},
    ),
    Goal(
        "G-08",
        "two factors, one of them cryptographic",
        "0 codes taken twice; under a profile administrators never by codes alone",
        (
            f"{ACCESS}/test_second_factor.py",
            f"{ACCESS}/test_passkeys.py",
            f"{ACCESS}/test_sittings.py::test_both_profiles",
            f"{ACCESS}/test_sittings.py::test_codes",
            f"{ACCESS}/test_sittings.py::test_who_became",
            f"{ACCESS}/test_sittings.py::test_the_last_passkey",
            "tests/browser/test_passkeys.py",
        ),
        "{replays} codes again, 0 taken twice; {administrators} kinds of administrators, none by codes alone; "
        "{tests} tests",
        least={"replays": (1000, 1000), "administrators": (3, 3)},
    ),
    Goal(
        "G-09",
        "sessions end",
        "idle 30 minutes, administrators 15; 12 hours at the latest; at most 3 at once; a new id with each proof",
        (
            "zhike/config/tests/test_sessions.py",
            f"{ACCESS}/test_sittings.py::test_the_fourth",
            f"{ACCESS}/test_sittings.py::test_what_ended",
            f"{ACCESS}/test_sittings.py::test_a_proof",
            f"{ACCESS}/test_sittings.py::test_the_way",
            f"{ACCESS}/test_sittings.py::test_an_administrator",
            f"{ACCESS}/test_sittings.py::test_nobody_there",
            f"{ACCESS}/test_second_factor.py::test_signing_in_takes_both",
            f"{ACCESS}/test_second_factor.py::test_a_proof_by_code",
            f"{ACCESS}/test_passkeys.py::test_it_is_a_fresh_proof",
        ),
        "{ended} ended by a fourth; administrators after {minutes} minutes; {tests} tests",
        least={"ended": (4, 4)},
        most={"minutes": (15, 15)},
    ),
    Goal(
        "G-10",
        "nobody comes in by a directory or a provider who is not who they say",
        "0 of 40 forged answers and more open; a real slapd",
        (f"{ACCESS}/test_provider.py", f"{ACCESS}/test_directory.py"),
    ),
    Goal(
        "G-13",
        "the API keeps its contract",
        "0 server errors, 0 breaches; long form 200 examples an operation",
        ("tests/trust/test_contract.py",),
        "{cases} cases of {operations} operations, 0 breaches",
        least={"cases": (40, 1000)},
    ),
    Goal(
        "G-15",
        "no script from data",
        "120 payloads or more a text field, 0 executions, 0 reports",
        ("tests/trust/test_payloads.py",),
        "{payloads} payloads in {fields} fields on {pages} pages, 0 executed",
        least={"payloads": (120, 120), "fields": (10, 10)},
    ),
    Goal(
        "G-17",
        "killed anywhere, nothing is lost or done twice",
        "20 kills a flow, long form 300: the state of an undisturbed run",
        (
            "tests/faults/test_flows.py",
            "zhike/masterdata/tests/test_wizard_killed.py",
        ),
        "{kills} kills in flows and more in {tests} tests, 0 lost, 0 doubled",
        least={"kills": (100, 2000)},
    ),
    Goal(
        "G-18",
        "a fault at any statement leaves the old state or the new",
        "to the last statement",
        ("tests/faults/test_flows.py",),
        "{faults} faults met, 0 between",
    ),
    Goal(
        "G-19",
        "who changes the same at once loses nothing, and a request that comes twice is done once",
        "0 of 100,000 edits lost, 10,000 duplicates have 1 effect (short form 500 and 40)",
        (
            "tests/faults/test_conflicts.py",
            "zhike/config/tests/test_idempotency.py::test_many",
            "zhike/config/tests/test_idempotency.py::test_another_request",
        ),
        "{edits} edits, 0 lost; {duplicates} duplicates, 1 effect",
        least={"edits": (500, 100_000), "duplicates": (40, 10_000)},
    ),
    Goal(
        "G-22",
        "the trail is complete",
        "a line for every write, in its transaction; none of what was undone",
        ("tests/trust/test_crawl.py::test_what", "tests/architecture/test_writes.py"),
        "{writes} writes, {without} without a line",
        least={"writes": (60, 60)},
        most={"without": (0, 0)},
    ),
    Goal(
        "G-23",
        "the trail shows tampering",
        "200 tamperings, long form 2,000: all found and placed",
        ("zhike/kernel/tests/test_sealing.py",),
        "{tamperings} tamperings, 0 missed",
        least={"tamperings": (200, 2000)},
    ),
    Goal(
        "G-24",
        "the trail is kept, and purged no sooner than the law says",
        "nothing younger than 184 days goes, by any role or setting; proofs of what went hold",
        ("zhike/kernel/tests/test_retention.py",),
        "{tests} tests; {proofs} proofs hold after a purge, 0 younger entries gone unseen",
        least={"proofs": (60, 60)},
    ),
    Goal(
        "G-25",
        "what was lost is restored",
        "no acknowledged row lost, all works again within 60 s; at a million by benchmarks/drill.py",
        (
            "zhike/config/tests/test_drills.py",
            "zhike/config/tests/test_backups.py",
            "zhike/kernel/tests/test_second_log.py",
        ),
        "{lost} of {acknowledged} acknowledged rows lost, all works within {seconds} s; {tests} tests",
        least={"acknowledged": (60, 120)},
        most={"lost": (0, 0), "seconds": (60, 60)},
    ),
    Goal(
        "G-26",
        "a stolen copy is useless",
        "0 class C2 values in files of the database, its log, backups, warehouse, logs",
        ("tests/trust/test_at_rest.py",),
        "{canaries} canaries in {forms} forms, {megabytes} MB read, 0 found",
    ),
    Goal(
        "G-27",
        "the key of sealed values can be changed",
        "each value opens and is found before, meanwhile and after; none stands under a key laid aside",
        (
            "zhike/privacy/tests/test_resealing.py",
            "zhike/config/tests/test_keys.py",
        ),
    ),
    Goal(
        "G-28",
        "who is erased is gone, and stays so",
        "0 rows left but what a law asks for; no source and no restored set brings them back",
        ("zhike/privacy/tests/test_erasing.py",),
    ),
    Goal(
        "G-29",
        "consent is obeyed at the moment of use",
        "0 uses without the customer's last word for them, 1,000,000 histories (short form 20,000); a withdrawal takes "
        "what is planned off the lists; nothing is sent to customers yet",
        ("tests/trust/test_consent.py", "zhike/activities/tests/test_marketing.py"),
        "{histories} histories as the model has them; {uses} uses each on record, {refusals} refused; {tests} tests",
        least={"histories": (20_000, 1_000_000), "uses": (5, 100), "refusals": (5, 100)},
    ),
    Goal(
        "G-30",
        "an answer about one's data is complete",
        "every classified field of every table, nobody else's",
        ("zhike/privacy/tests/test_held.py",),
    ),
    Goal(
        "G-32",
        "overload is graceful",
        "ten times too much: 503 with Retry-After, signing in answers, 0 writes halved, again within 30 s",
        ("tests/trust/test_overload.py", "zhike/config/tests/test_door.py"),
        "{asked} requests at once, {refused} told to come again, the next answered in {seconds} s",
        least={"asked": (60, 60)},
        most={"seconds": (30, 30)},
    ),
    Goal(
        "G-33",
        "every earlier schema is carried over with its rows",
        "0 rows lost",
        ("zhike/config/tests/test_upgrades.py",),
        "{schemas} schemas, {rows} rows carried over",
        least={"schemas": (5, 5)},
    ),
    Goal(
        "G-35",
        "the configuration is safe",
        "0 findings; headers on every answer; no start with a default",
        ("zhike/config/tests/test_settings.py", "tests/trust/test_configuration.py"),
    ),
    Goal(
        "G-38",
        "taking the book is hard and visible",
        "above 500 rows or in clear a second person; each row leads back, with its code and without",
        (
            "zhike/customers/tests/test_taking.py",
            "zhike/customers/tests/test_reassigning.py",
            "zhike/customers/tests/test_tracing.py",
            "zhike/customers/tests/test_pace.py",
            "zhike/customers/tests/test_honey.py",
        ),
    ),
)
