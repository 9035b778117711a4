"""Settings, all of them from the environment.

Only SECRET_KEY, FIELD_KEYS, ALLOWED_HOSTS, DATABASE_URL and REDIS_URL must be set in production.
LEADCRM_DEV, which `make` sets, makes the first three up for a machine of one's own.
"""

from __future__ import annotations

import logging
import sys
from datetime import timedelta
from pathlib import Path

import environ
from csp.constants import NONCE, NONE, SELF

from leadcrm import devkeys, logs

env = environ.Env()

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

DEV = env.bool("LEADCRM_DEV", False)
DEBUG = env.bool("DEBUG", False)
HTTPS = env.bool("LEADCRM_HTTPS", not DEV)

# What this process is decides its database timeouts: web, worker or command.
PROCESS = env.str(
    "LEADCRM_PROCESS",
    {"gunicorn": "web", "celery": "worker"}.get(Path(sys.argv[0]).name, "command"),
)

if DEV:
    _keys = devkeys.load(VAR_DIR)
    SECRET_KEY = env.str("SECRET_KEY", _keys.secret_key)
    FIELD_KEYS = env.list("FIELD_KEYS", default=[_keys.field_key])
else:
    SECRET_KEY = env.str("SECRET_KEY")
    # Fernet keys of the credentials at rest. The first encrypts; older ones still decrypt.
    FIELD_KEYS = env.list("FIELD_KEYS")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])

ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=["localhost", ".localhost", "127.0.0.1", "[::1]"] if DEV else []
)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "leadcrm.admin_app.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django.contrib.humanize",
    "django_celery_beat",
    "django_htmx",
    "template_partials",
    "axes",
    "csp",
    "django_structlog",
    "leadcrm.workspaces",
    "leads",
    "integrations",
    "leadcrm.demo",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "integrations.web_form.middleware.WithoutCookies",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "leadcrm.workspaces.sign_in_guard.SecondFactorMiddleware",
    "leadcrm.workspaces.middleware.WorkspaceMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "leadcrm.urls"
WSGI_APPLICATION = "leadcrm.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "leadcrm.workspaces.context.workspace",
            ],
        },
    },
]

# --- Database

_DATABASE_LIMITS = {
    "web": {
        "statement_timeout": "5s",
        "lock_timeout": "2s",
        "idle_in_transaction_session_timeout": "10s",
        "transaction_timeout": "15s",
        # Two more processes for a page's query take longer to start than it takes.
        "max_parallel_workers_per_gather": "0",
    },
    "worker": {
        "statement_timeout": "60s",
        "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": "30s",
        "transaction_timeout": "120s",
    },
    "command": {"lock_timeout": "10s"},
}[PROCESS]

_database = env.db("DATABASE_URL", "postgresql:///leadcrm")
_database["HOST"] = _database.get("HOST") or _database.get("OPTIONS", {}).pop("host", "")
_database["CONN_HEALTH_CHECKS"] = True
_database["CONN_MAX_AGE"] = 0 if PROCESS == "web" else 60
_database["OPTIONS"] = {
    **_database.get("OPTIONS", {}),
    # Compiling a query costs more than any of ours takes.
    "options": " ".join(
        f"-c {name}={value}" for name, value in {**_DATABASE_LIMITS, "jit": "off"}.items()
    ),
    # A prepared search would be planned once for terms of every length.
    "prepare_threshold": None,
    **({"pool": {"min_size": 2, "max_size": 10, "timeout": 5}} if PROCESS == "web" else {}),
}
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Cache: throttles only. Sessions are in the database and survive a flushed cache.

REDIS_URL = env.str("REDIS_URL", "redis://127.0.0.1:6379").rstrip("/")
CACHES = {
    "default": {
        "BACKEND": "leadcrm.cache.FailOpenRedisCache",
        "LOCATION": f"{REDIS_URL}/1",
        "OPTIONS": {"socket_timeout": 0.3, "socket_connect_timeout": 0.3},
    }
}

# --- Sign-in

AUTH_USER_MODEL = "workspaces.User"
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "/leads/"
LOGOUT_REDIRECT_URL = "sign-in"

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
PASSWORD_RESET_TIMEOUT = 60 * 60

AXES_FAILURE_LIMIT = 5
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_CALLABLE = "leadcrm.lockout.attempted_email"
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False  # it would log the e-mail addresses
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"
AXES_ENABLE_ADMIN = False  # ours shows less of what was typed
AXES_ENABLED = env.bool("AXES_ENABLED", True)

SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "leadcrm_session"
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "leadcrm_csrf"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SAMESITE = "Lax"

# --- Transport and browser

SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = env.bool("LEADCRM_HSTS_PRELOAD", False)
SILENCED_SYSTEM_CHECKS = ["security.W021"]  # preloading is hard to undo: choose it after 30 days
# Only a proxy that strips the header from what it receives makes this safe.
if env.bool("LEADCRM_BEHIND_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}

DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 600  # an import of 500 columns chooses for each
DATA_UPLOAD_MAX_NUMBER_FILES = 5
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_PERMISSIONS = 0o600

# --- Static files

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
_hashed = not (DEBUG or env.bool("LEADCRM_PLAIN_STATIC", False))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if _hashed
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
MEDIA_ROOT = VAR_DIR / "media"

# --- Language and time. A workspace has its own time zone; the server's is UTC.

LANGUAGE_CODE = "en-us"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- E-mail

_email = env.email_url(
    "EMAIL_URL", f"filemail:///{VAR_DIR / 'mail'}" if DEV else "smtp://localhost:25"
)
EMAIL_BACKEND = _email["EMAIL_BACKEND"]
EMAIL_FILE_PATH = _email["EMAIL_FILE_PATH"] or None
EMAIL_HOST = _email["EMAIL_HOST"] or "localhost"
EMAIL_PORT = _email["EMAIL_PORT"] or 25
EMAIL_HOST_USER = _email["EMAIL_HOST_USER"] or ""
EMAIL_HOST_PASSWORD = _email["EMAIL_HOST_PASSWORD"] or ""
EMAIL_USE_TLS = _email.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = _email.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "leadcrm@localhost")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# What links in e-mails begin with; a page knows by which address it was asked for, a worker doesn't.
_host = next((host for host in ALLOWED_HOSTS if host.strip(".*") == host), "localhost")
SITE_URL = env.str("SITE_URL", f"http{'s' if HTTPS else ''}://{_host}").rstrip("/")

# --- API

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "leadcrm.workspaces.authentication.TokenAuthentication",
        "leadcrm.workspaces.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["leadcrm.workspaces.parsing.StrictJSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["leadcrm.workspaces.throttling.MembershipThrottle"],
    "DEFAULT_THROTTLE_RATES": {"membership": env.str("LEADCRM_API_RATE", "1200/min")},
    "EXCEPTION_HANDLER": "leadcrm.workspaces.errors.api_exception_handler",
    "STRICT_JSON": True,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "leadcrm",
    "DESCRIPTION": "Capture leads, work them through their stages and read what happened to them.",
    "VERSION": "0.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "ENFORCE_NON_BLANK_FIELDS": True,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "LeadStatusEnum": "leads.pipelines.Status",
        "StageOutcomeEnum": "leads.pipelines.Outcome",
        "SourceKindEnum": "leads.models.source.SourceKind",
        "ImportKindEnum": "leads.models.import_batch.Import.Kind",
        "ImportStateEnum": "leads.models.import_batch.Import.State",
        "BulkRunStateEnum": "leads.models.bulk.BulkRun.State",
        "PairStateEnum": "leads.models.duplicates.DuplicatePair.State",
        "TaskKindEnum": "leads.models.task.Task.Kind",
        "MemberKindEnum": "leadcrm.workspaces.models.workspace.Membership.Kind",
        "MessageDirectionEnum": "leads.models.message.Message.Direction",
        "ConversationDirectionEnum": "leads.api.verb_inputs.DIRECTIONS",
    },
}

# --- Celery: it empties the queues that PostgreSQL keeps, and holds no work of its own.

CELERY_BROKER_URL = f"{REDIS_URL}/0"
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_timeout": 2,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 10,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_DEFAULT_QUEUE = "fast"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 120
CELERY_TASK_SOFT_TIME_LIMIT = 100
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_DISABLE_PREFETCH = True
CELERY_WORKER_MAX_TASKS_PER_CHILD = 500
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30
CELERY_WORKER_ENABLE_SOFT_SHUTDOWN_ON_IDLE = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"

CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_SCHEDULE = {
    # A tick that waited longer than its options allow has been overtaken by the next one.
    "dispatch-live": {"task": "leads.dispatch_live", "schedule": 1.0, "options": {"expires": 2}},
    "drain-inbox": {"task": "integrations.drain_inbox", "schedule": 1.0, "options": {"expires": 2}},
    "wake": {"task": "leads.wake_due", "schedule": 30.0, "options": {"expires": 60}},
    "remind": {"task": "leads.remind_due", "schedule": 30.0, "options": {"expires": 60}},
    "send-mail": {
        "task": "leads.send_mail",
        "schedule": 5.0,
        "options": {"queue": "bulk", "expires": 10},
    },
    "dispatch-bulk": {
        "task": "leads.dispatch_bulk",
        "schedule": 1.0,
        "options": {"queue": "bulk", "expires": 2},
    },
    "dispatch-backfill": {
        "task": "leads.dispatch_backfill",
        "schedule": 2.0,
        "options": {"queue": "bulk", "expires": 4},
    },
    "bulk": {
        "task": "leads.advance_bulk",
        "schedule": 1.0,
        "options": {"queue": "bulk", "expires": 2},
    },
    "advance-imports": {
        "task": "leads.advance_imports",
        "schedule": 1.0,
        "options": {"queue": "bulk", "expires": 2},
    },
    "auto-close": {
        "task": "leads.auto_close_due",
        "schedule": 60.0,
        "options": {"queue": "bulk", "expires": 120},
    },
    "settle-settings": {
        "task": "leads.settle_settings",
        "schedule": 2.0,
        "options": {"queue": "bulk", "expires": 4},
    },
    "scan-duplicates": {
        "task": "leads.scan_duplicates",
        "schedule": 15.0,
        "options": {"queue": "bulk", "expires": 30},
    },
    "prune": {
        "task": "leads.prune",
        "schedule": 3600.0,
        "options": {"queue": "bulk", "expires": 3600},
    },
}

# --- Logs

LOGGING = logs.configure(json=not DEV, level=env.str("LOG_LEVEL", "INFO"))
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
# Ticks come every second, and expire in numbers when a worker comes back.
DJANGO_STRUCTLOG_CELERY_DEFAULT_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_CELERY_TASK_RETRY_LOG_LEVEL = logging.DEBUG
