from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from leadcrm.workspaces.ids import uuid7


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        if not email:
            raise ValueError("email is required")
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(
            email, password, **{**fields, "is_staff": True, "is_superuser": True}
        )

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=(username or "").strip())


THEMES = [("auto", "As the system"), ("light", "Light"), ("dark", "Dark")]


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in by e-mail. What they may do hangs on their memberships."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField("e-mail", max_length=254, unique=True)
    name = models.CharField(max_length=200)
    time_zone = models.CharField(
        max_length=64, blank=True, help_text="Empty means the workspace's."
    )
    theme = models.CharField(
        max_length=5,
        choices=THEMES,
        default="auto",
    )
    shortcuts = models.BooleanField("keyboard shortcuts", default=True)
    billing_address = models.TextField(
        max_length=1000, blank=True, help_text="For invoices to yourself."
    )
    second_factor_at = models.DateTimeField(null=True, blank=True, editable=False)
    is_staff = models.BooleanField("staff of the installation", default=False)
    is_active = models.BooleanField("active", default=True)
    date_joined = models.DateTimeField(default=timezone.now)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_unique",
                violation_error_message="There is already a user with this e-mail address.",
            )
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name.split(" ")[0]
