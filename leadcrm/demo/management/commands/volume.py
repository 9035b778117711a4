from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from leadcrm import memory
from leadcrm.demo import cast, volume
from leadcrm.demo.volume.loading import SlugTaken


class Command(BaseCommand):
    help = (
        "Fill workspaces with bulk data by COPY: one with so many leads, the others with 1% of that "
        "each. While a large load runs, pages of other workspaces wait for it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--leads", type=int, default=1_000_000, help="of the first workspace")
        parser.add_argument("--workspaces", type=int, default=10, help="in all (10)")
        parser.add_argument("--seed", type=int, default=7, help="of the random choices (7)")
        parser.add_argument(
            "--replace", action="store_true", help="remove the workspaces of an earlier load first"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEV:
            raise CommandError(
                "The passwords of bulk data are public: it is made with LEADCRM_DEV=true alone."
            )
        if options["leads"] < 20 or options["workspaces"] < 1:
            raise CommandError("Give at least 20 leads and one workspace.")
        memory.settle()
        names = ("leads", "workspaces", "seed", "replace")
        try:
            loaded = volume.load(**{name: options[name] for name in names}, say=self.stderr.write)
        except SlugTaken as error:
            raise CommandError(str(error)) from error
        self._report(loaded)

    def _report(self, loaded: volume.Loaded) -> None:
        rows = sum(loaded.rows.values())
        self.stdout.write(
            f"{rows:,} rows in {loaded.seconds:.0f} s, {rows / loaded.seconds:,.0f} a second"
        )
        for label, count in loaded.rows.most_common():
            self.stdout.write(f"  {count:>11,}  {label}")
        self.stdout.write("Log rows by kind:")
        for kind, count in loaded.kinds.most_common():
            self.stdout.write(f"  {count:>11,}  {kind}")
        for office in loaded.offices[:1]:
            self.stdout.write(f"/w/{office.workspace.slug}/leads/   API key: {office.key}")
            for login in office.logins:
                self.stdout.write(f"  {login.role.label:<8} {login.email}  {cast.PASSWORD}")
        if others := [office.workspace.slug for office in loaded.offices[1:]]:
            self.stdout.write(f"Likewise, as owner@{others[0]}.test …: {', '.join(others)}")
