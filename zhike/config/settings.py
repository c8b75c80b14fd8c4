"""All settings, from the environment; with nothing set, a sample institution in ./var. See docs/settings.md."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from zhike.access import profiles
from zhike.kernel import keys, packs
from zhike.kernel.postgres import Cluster
from zhike.kernel.roles import PAGES_ROLE


def _flag(name: str, default: bool) -> bool:
    return os.environ.get(name, "1" if default else "0").lower() in {"1", "true", "yes", "on"}


def _words(name: str, default: str) -> list[str]:
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


ZHIKE_HOME = Path(os.environ.get("ZHIKE_HOME", "var")).absolute()
ZHIKE_KEYS = keys.folder()
ZHIKE_PRODUCTION = _flag("ZHIKE_PRODUCTION", False)
ZHIKE_EMBEDDED = not os.environ.get("DATABASE_URL")
DATABASE_URL = os.environ.get("DATABASE_URL") or Cluster(ZHIKE_HOME / "postgres").url()
WAREHOUSE_URL = os.environ.get("WAREHOUSE_URL", str(ZHIKE_HOME / "warehouse"))

ZHIKE_AUDIT_HEADS = Path(os.environ.get("ZHIKE_AUDIT_HEADS", ZHIKE_HOME / "audit" / "heads"))
# Where the embedded database's log goes a second time; no commit is answered before it lies there.
ZHIKE_LOG_TO = Path(os.environ["ZHIKE_LOG_TO"]) if os.environ.get("ZHIKE_LOG_TO") else None

ZHIKE_DATA_KEYS = keys.Ring(ZHIKE_KEYS, "data")
ZHIKE_DATA_KEYS.current()  # made now, or refused
ZHIKE_INDEX_KEY = keys.load(ZHIKE_KEYS, "index")
SECRET_KEY = os.environ.get("SECRET_KEY") or keys.load(ZHIKE_KEYS, "session").hex()

DEBUG = _flag("DEBUG", False)
ALLOWED_HOSTS = _words("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
if ZHIKE_PRODUCTION and (DEBUG or "*" in ALLOWED_HOSTS or len(SECRET_KEY) < 50):
    raise ImproperlyConfigured(
        "In production DEBUG must be off, ALLOWED_HOSTS must name hosts, SECRET_KEY must be 50 characters or more."
    )


def _database(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured("DATABASE_URL must start with postgresql://")
    query = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", None) or parts.hostname or "",
        "PORT": query.pop("port", None) or str(parts.port or ""),
        # For the queries of `kernel.prepared` alone: the others send their values within the text.
        "OPTIONS": {**query, "prepare_threshold": 2},
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }


PAGES_DATABASE_URL = os.environ.get("PAGES_DATABASE_URL", "")
if ZHIKE_EMBEDDED:
    PAGES_DATABASE_URL = Cluster(ZHIKE_HOME / "postgres").url(role=PAGES_ROLE)
_pages = _database(PAGES_DATABASE_URL or DATABASE_URL)
ZHIKE_PAGES_ROLE = str(_pages["USER"]) if PAGES_DATABASE_URL else PAGES_ROLE
# The web server's processes stand behind the second wall; `zhike serve` says which they are.
ZHIKE_WALL = bool(PAGES_DATABASE_URL) and _flag("ZHIKE_WALL", False)
DATABASES = {"default": _pages if ZHIKE_WALL else _database(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_htmx",
    "template_partials",
    "procrastinate.contrib.django",
    "zhike.kernel",
    "zhike.ui",
    "zhike.organisation",
    "zhike.access",
    "zhike.desk",
    "zhike.customers",
    "zhike.products",
    "zhike.activities",
    "zhike.masterdata",
    "zhike.insight",
    "zhike.privacy",
    *(pack.app for pack in packs.installed()),
    "zhike.config",
]

MIDDLEWARE = [
    "zhike.ui.middleware.SecurityHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    # Files come compressed; pages are compressed here, each with random bytes in its header, so that its
    # length tells nothing of the secrets in it (BREACH).
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "zhike.ui.sessions.SessionEndMiddleware",
    # Answers what a person can put right; the actor's middleware, asked first, puts a refusal on the trail.
    "zhike.ui.middleware.ReaderErrorsMiddleware",
    "zhike.access.middleware.ActorMiddleware",
]

ROOT_URLCONF = "zhike.config.urls"
WSGI_APPLICATION = "zhike.config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "zhike.ui.context.shell",
                "zhike.config.context.installation",
            ],
        },
    }
]

AUTHENTICATION_BACKENDS = ["zhike.access.backends.WithEmployee"]
AUTH_USER_MODEL = "organisation.User"
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "sign-in"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
ZHIKE_PROFILE = os.environ.get("ZHIKE_PROFILE", "").lower()
if ZHIKE_PROFILE not in profiles.PROFILES:
    raise ImproperlyConfigured("ZHIKE_PROFILE must be asvs or dengbao3, or not be set.")
_profile = profiles.PROFILES[ZHIKE_PROFILE]
# What runs: the profile's numbers, but for those set one by one. `zhike doctor` says where that is less.
ZHIKE_NUMBERS = replace(
    _profile,
    idle_minutes=int(os.environ.get("ZHIKE_IDLE_MINUTES", _profile.idle_minutes)),
    idle_minutes_administrators=min(
        _profile.idle_minutes_administrators,
        int(os.environ.get("ZHIKE_IDLE_MINUTES", _profile.idle_minutes)),
    ),
    session_hours=int(os.environ.get("ZHIKE_SESSION_HOURS", _profile.session_hours)),
    second_factor=os.environ.get("ZHIKE_SECOND_FACTOR", _profile.second_factor).lower(),
    passkey=os.environ.get("ZHIKE_PASSKEY", _profile.passkey).lower(),
    password_length=int(os.environ.get("ZHIKE_PASSWORD_LENGTH", _profile.password_length)),
    password_kinds=int(os.environ.get("ZHIKE_PASSWORD_KINDS", _profile.password_kinds)),
    password_days=int(os.environ.get("ZHIKE_PASSWORD_DAYS", _profile.password_days)),
    password_history=int(os.environ.get("ZHIKE_PASSWORD_HISTORY", _profile.password_history)),
)
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "zhike.access.passwords.LongEnough",
        "OPTIONS": {"length": ZHIKE_NUMBERS.password_length},
    },
    {"NAME": "zhike.access.passwords.Uncommon"},
    {
        "NAME": "zhike.access.passwords.SeveralKinds",
        "OPTIONS": {"kinds": ZHIKE_NUMBERS.password_kinds},
    },
    {
        "NAME": "zhike.access.passwords.NotUsedLately",
        "OPTIONS": {"count": ZHIKE_NUMBERS.password_history},
    },
]
# Years that the trail is kept at least; half a year is the floor, whatever asks (`kernel.retention`).
ZHIKE_AUDIT_YEARS = int(os.environ.get("ZHIKE_AUDIT_YEARS", "10"))
if ZHIKE_AUDIT_YEARS < 1:
    raise ImproperlyConfigured("ZHIKE_AUDIT_YEARS is one or more.")
ZHIKE_NUMBERS = replace(ZHIKE_NUMBERS, audit_days=365 * ZHIKE_AUDIT_YEARS)
SESSION_ENGINE = "zhike.access.sessions"
SESSION_COOKIE_AGE = (
    ZHIKE_NUMBERS.idle_minutes * 60
)  # without a person; `zhike.ui.sessions` moves it on
ZHIKE_SESSION_HOURS = ZHIKE_NUMBERS.session_hours
ZHIKE_PASSWORD_DAYS = ZHIKE_NUMBERS.password_days
ZHIKE_SECOND_FACTOR = ZHIKE_NUMBERS.second_factor
ZHIKE_PASSKEY = ZHIKE_NUMBERS.passkey
# The institution's directory; asked for who has no password here.
ZHIKE_LDAP = {
    "url": os.environ.get("ZHIKE_LDAP_URL", ""),
    "ca": os.environ.get("ZHIKE_LDAP_CA", ""),
    "bind_dn": os.environ.get("ZHIKE_LDAP_BIND_DN", ""),
    "bind_password_file": os.environ.get("ZHIKE_LDAP_BIND_PASSWORD_FILE", ""),
    "user": os.environ.get("ZHIKE_LDAP_USER", ""),
    "base": os.environ.get("ZHIKE_LDAP_BASE", ""),
    "filter": os.environ.get("ZHIKE_LDAP_FILTER", "(uid={login})"),
    "number": os.environ.get("ZHIKE_LDAP_NUMBER", "employeeNumber"),
    "group_base": os.environ.get("ZHIKE_LDAP_GROUP_BASE", ""),
    "group_filter": os.environ.get("ZHIKE_LDAP_GROUP_FILTER", "(member={dn})"),
}
if ZHIKE_LDAP["url"] and not (
    ZHIKE_LDAP["url"].startswith(("ldaps://", "ldap://"))
    and ZHIKE_LDAP["base"]
    and (ZHIKE_LDAP["bind_dn"] or "{login}" in ZHIKE_LDAP["user"])
):
    raise ImproperlyConfigured(
        "ZHIKE_LDAP_URL wants ldaps:// or ldap:// (with StartTLS), ZHIKE_LDAP_BASE, and ZHIKE_LDAP_BIND_DN or a "
        "ZHIKE_LDAP_USER with {login} in it."
    )
# The institution's provider of identity, OpenID Connect.
ZHIKE_OIDC = {
    "issuer": os.environ.get("ZHIKE_OIDC_ISSUER", ""),
    "name": os.environ.get("ZHIKE_OIDC_NAME", ""),
    "client_id": os.environ.get("ZHIKE_OIDC_CLIENT_ID", ""),
    "client_secret_file": os.environ.get("ZHIKE_OIDC_CLIENT_SECRET_FILE", ""),
    "ca": os.environ.get("ZHIKE_OIDC_CA", ""),
    "scope": os.environ.get("ZHIKE_OIDC_SCOPE", "openid profile"),
    "number": os.environ.get("ZHIKE_OIDC_NUMBER", "employee_number"),
    "groups": os.environ.get("ZHIKE_OIDC_GROUPS", "groups"),
}
if ZHIKE_OIDC["issuer"] and not (ZHIKE_OIDC["client_id"] and ZHIKE_OIDC["client_secret_file"]):
    raise ImproperlyConfigured(
        "ZHIKE_OIDC_ISSUER wants ZHIKE_OIDC_CLIENT_ID and ZHIKE_OIDC_CLIENT_SECRET_FILE."
    )
ZHIKE_ORIGIN = os.environ.get("ZHIKE_ORIGIN", "").rstrip("/")
# Whom the site tells by mail when something is wrong with itself, and by which server.
ZHIKE_SMTP_URL = os.environ.get("ZHIKE_SMTP_URL", "")
ZHIKE_SMTP_PASSWORD_FILE = os.environ.get("ZHIKE_SMTP_PASSWORD_FILE", "")
# Who may ask for the figures of monitoring over HTTP; without it nobody.
ZHIKE_METRICS_TOKEN_FILE = os.environ.get("ZHIKE_METRICS_TOKEN_FILE", "")
ZHIKE_ALARMS_TO = _words("ZHIKE_ALARMS_TO", "")
ZHIKE_MAIL_FROM = os.environ.get("ZHIKE_MAIL_FROM", "")
if ZHIKE_SMTP_URL and not (
    ZHIKE_SMTP_URL.startswith(("smtp://", "smtps://", "smtp-plain://"))
    and ZHIKE_ALARMS_TO
    and "@" in ZHIKE_MAIL_FROM
):
    raise ImproperlyConfigured(
        "ZHIKE_SMTP_URL wants smtps:// or smtp:// (with StartTLS; smtp-plain:// goes without), ZHIKE_MAIL_FROM and "
        "ZHIKE_ALARMS_TO."
    )
if not {ZHIKE_SECOND_FACTOR, ZHIKE_PASSKEY} <= set(profiles.WHO):
    raise ImproperlyConfigured(
        "ZHIKE_SECOND_FACTOR and ZHIKE_PASSKEY must be none, administrators or everyone."
    )
# Rows somebody takes away in a day before a second person is asked; 500 at most, whatever stands here.
ZHIKE_FILE_ROWS = int(os.environ.get("ZHIKE_FILE_ROWS", "500"))
# Working days within which somebody's request about their own data is answered.
ZHIKE_PRIVACY_DAYS = int(os.environ.get("ZHIKE_PRIVACY_DAYS", "15"))
# Years that documents and contracts are kept after the end: ten by 反洗钱法 art. 34, twenty for brokers
# (证券法 art. 137).
ZHIKE_RETENTION_YEARS = int(os.environ.get("ZHIKE_RETENTION_YEARS", "10"))
if ZHIKE_RETENTION_YEARS < 10 or not 1 <= ZHIKE_PRIVACY_DAYS <= 30:
    raise ImproperlyConfigured(
        "ZHIKE_RETENTION_YEARS is ten or more, ZHIKE_PRIVACY_DAYS between 1 and 30."
    )
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = ZHIKE_PRODUCTION
SECURE_SSL_REDIRECT = ZHIKE_PRODUCTION
SECURE_HSTS_SECONDS = 31_536_000 if ZHIKE_PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = ZHIKE_PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ZHIKE_PRODUCTION else None
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "zhike.ui.errors.csrf_failure"
ZHIKE_EVENTS_PORT = int(os.environ.get("ZHIKE_EVENTS_PORT", "0"))
ZHIKE_SEARCH_PERMISSION = "customers.view"
ZHIKE_SEARCH_URL_NAME = "customers:search"

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("zh-hant", "繁體中文"), ("en", "English")]
LOCALE_PATHS = [Path(__file__).parent.parent / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = ZHIKE_HOME / "static"
# `zhike serve` collects the files under names of their content and says so to what it starts.
ZHIKE_COLLECTED = _flag("ZHIKE_COLLECTED", False)
WHITENOISE_USE_FINDERS = not ZHIKE_COLLECTED
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
FILE_UPLOAD_HANDLERS = ["zhike.masterdata.wizard.receiving.SealingHandler"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if ZHIKE_COLLECTED
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
SILENCED_SYSTEM_CHECKS = [
    "models.W042",
    "security.W002",  # X-Frame-Options comes from SecurityHeadersMiddleware, on files and errors too
]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "zhike.kernel.logs.ScrubbingFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("LOG_LEVEL", "WARNING")},
}
