from django.apps import AppConfig


class KernelConfig(AppConfig):
    name = "zhike.kernel"
    label = "kernel"

    def ready(self) -> None:
        from zhike.kernel import checks  # noqa: F401  registers the system checks
