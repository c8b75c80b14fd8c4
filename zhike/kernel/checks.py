"""What must be true before the process serves: every model declares its scope and the class of each field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Error, register


@register()
def every_model_is_declared(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    problems: list[CheckMessage] = []
    for model in apps.get_models():
        if not model.__module__.startswith("zhike."):
            continue
        if not hasattr(model, "scope") or not hasattr(model._default_manager, "visible_to"):
            problems.append(Error(f"{model._meta.label} declares no scope", id="zhike.E001"))
        declared = set(getattr(model, "field_classes", ()))
        fields = {field.name for field in model._meta.local_concrete_fields}
        if missing := sorted(fields - declared):
            problems.append(
                Error(f"{model._meta.label}: no class for {', '.join(missing)}", id="zhike.E002")
            )
    return problems
