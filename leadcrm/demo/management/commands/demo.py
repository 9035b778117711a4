from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from leadcrm.demo import story


class Command(BaseCommand):
    help = "Fill the database with a demo workspace that tells a story, and print its logins."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--if-empty", action="store_true", help="leave an existing demo workspace as it is"
        )
        parser.add_argument("--leads", type=int, default=160, help="how many leads (160)")
        parser.add_argument("--seed", type=int, default=7, help="of the random choices (7)")

    def handle(self, *args: Any, **options: Any) -> None:
        if not (options["if_empty"] and story.exists()):
            story.remove()
            story.tell(now=timezone.now(), leads=options["leads"], seed=options["seed"])
        self.stdout.write(
            f"Demo workspace: /w/{story.SLUG}/leads/   Its web form: /f/{story.form_key()}/"
        )
        for login in story.LOGINS:
            self.stdout.write(f"  {login.role.label:<8} {login.email}  {story.PASSWORD}")
