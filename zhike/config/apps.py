from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "zhike.config"
    label = "config"
