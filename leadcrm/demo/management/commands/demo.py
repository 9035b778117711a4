from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from leadcrm.demo import cast, story


class Command(BaseCommand):
    help = (
        "Make the demo workspace anew, in place of the one that there is, and print its logins. "
        "Other workspaces stay as they are."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--if-empty", action="store_true", help="leave an existing demo workspace as it is"
        )
        parser.add_argument("--leads", type=int, default=400, help="about how many leads (400)")
        parser.add_argument("--seed", type=int, default=7, help="of the random choices (7)")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEV:
            raise CommandError(
                "The demo's passwords are public: it is made with LEADCRM_DEV=true alone."
            )
        if not (options["if_empty"] and story.exists()):
            self._tell(options["leads"], options["seed"])
        self.stdout.write(
            f"Demo workspace: /w/{cast.SLUG}/leads/   Its web form: /f/{story.form_key()}/"
        )
        for login in cast.LOGINS:
            self.stdout.write(f"  {login.role.label:<8} {login.email}  {cast.PASSWORD}")

    def _tell(self, leads: int, seed: int) -> None:
        """Progress goes to the error stream: it is news for a person, not the result."""
        again = "anew" if story.exists() else "for the first time"
        self.stderr.write(f"Telling the demo's 90 days {again}…")
        told = story.reset(now=timezone.now(), leads=leads, seed=seed, say=self._progress)
        self.stderr.write(f"  {told}")

    def _progress(self, words: str) -> None:
        if self.stderr.isatty():
            self.stderr.write(f"\r  {words}   ", ending="")
            self.stderr.flush()
