from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


def _trail() -> type[Any]:
    from zhike.access.views import TrailView

    return TrailView


class AccessConfig(AppConfig):
    name = "zhike.access"
    label = "access"
    verbose_name = _("Access")

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        from zhike.access import devices, panels, subscribers  # noqa: F401  they register
        from zhike.access.proofs import signed_in
        from zhike.access.services.grants import granted_duties
        from zhike.access.services.leaving import end_access
        from zhike.kernel.models import AuditEntry
        from zhike.organisation.queries import other_duties
        from zhike.organisation.services import endings
        from zhike.ui.lists import criteria
        from zhike.ui.lists.bulk import Listing, listings
        from zhike.ui.lists.criteria import Criterion
        from zhike.ui.lists.taking import Source, sources
        from zhike.ui.navigation import NavItem, navigation

        endings.append(lambda actor, user, why: end_access(actor=actor, user=user, reason=why))
        other_duties.append(granted_duties)
        user_logged_in.connect(signed_in, dispatch_uid="access.proofs")
        user_logged_in.connect(devices.signed_in, dispatch_uid="access.devices")
        sources.register(Source("trail", _("Audit trail"), "zhike.access.exports.Export"))
        page = "access.trail"
        listings.register(Listing(page, _trail, "access:trail"))
        criteria.register(
            page,
            Criterion(f"{page}:at", page, _("When"), "moment", "at", nullable=False),
            Criterion(
                f"{page}:outcome", page, _("Outcome"), "choice", "outcome",
                lambda actor: AuditEntry.Outcome.choices, nullable=False,
            ),
        )  # fmt: skip

        navigation.register(
            NavItem(
                id="access.trail",
                label=_("Audit trail"),
                url_name="access:trail",
                icon="history",
                permission="access.read_audit",
                order=80,
                key="a",
                section=_("Supervision"),
            )
        )
        navigation.register(
            NavItem(
                id="access.groups",
                label=_("Positions by group"),
                url_name="group-seats",
                icon="users-group",
                permission="access.administer",
                order=85,
                section=_("Supervision"),
            )
        )
        navigation.register(
            NavItem(
                id="access.grants",
                label=_("Grants"),
                url_name="grants",
                icon="clock",
                permission="access.administer",
                order=84,
                section=_("Supervision"),
            )
        )
        navigation.register(
            NavItem(
                id="access.pace",
                label=_("Pace of viewing"),
                url_name="pace",
                icon="eye",
                permission="access.release_pace",
                order=82,
                section=_("Supervision"),
            )
        )
        navigation.register(
            NavItem(
                id="access.me",
                label=_("What I may do"),
                url_name="me",
                icon="shield-check",
                permission="",
                order=95,
                section=_("Institution"),
            )
        )
