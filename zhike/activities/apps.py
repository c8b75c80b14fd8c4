from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ActivitiesConfig(AppConfig):
    name = "zhike.activities"
    label = "activities"
    verbose_name = _("Activities")

    def ready(self) -> None:
        # Hangs its panel on the customer's page, its guard on leaving, its reaction on handovers.
        from zhike.activities import page_head, panels, records, subscribers  # noqa: F401  they register themselves
        from zhike.activities.queries.lists import due_now
        from zhike.ui.navigation import Counter, NavItem, counters, navigation

        page_head.register()
        records.register()
        counters.register(Counter("activities.today", "activities.view", due_now))
        navigation.register(
            NavItem(
                id="activities.today",
                label=_("Today"),
                url_name="activities:today",
                icon="checklist",
                permission="",
                order=10,
                key="t",
            )
        )
        navigation.register(
            NavItem(
                id="activities.work",
                label=_("Work"),
                url_name="activities:work",
                icon="list-details",
                permission="activities.view",
                order=50,
                key="w",
            )
        )
        navigation.register(
            NavItem(
                id="activities.contacts",
                label=_("Contacts"),
                url_name="activities:contacts",
                icon="messages",
                permission="customers.view",
                order=55,
            )
        )
