"""What beat rings, and when. Schedules are written in the settings; staff switch tasks on and off.

Beat writes the settings' schedule over a changed one when it starts, so none is changed here. Nor
is a task run from here: the web never touches the broker.
"""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    PeriodicTasks,
    SolarSchedule,
)

from leadcrm.workspaces.admin_base import ReadOnlyAdmin
from leadcrm.workspaces.admin_parts import Panel, verb

for model in (PeriodicTask, IntervalSchedule, CrontabSchedule, ClockedSchedule, SolarSchedule):
    admin.site.unregister(model)


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(ReadOnlyAdmin):
    list_display = ("name", "task", "enabled", "schedule", "queue", "last_run_at")
    list_filter = ("enabled",)
    list_select_related = ("interval", "crontab", "solar", "clocked")
    ordering = ("name",)
    text_fields = ("name", "task")
    search_help_text = "Name or task"
    actions = ("switch_on", "switch_off")
    fieldsets = (
        (None, {"fields": ("name", "task", "enabled", "description")}),
        (
            "Schedule",
            {"fields": ("interval", "crontab", "solar", "clocked", "start_time", "one_off")},
        ),
        ("Runs", {"fields": ("last_run_at", "total_run_count", "date_changed")}),
        (
            "How it is sent",
            {"fields": ("args", "kwargs", "queue", "expires", "expire_seconds", "priority")},
        ),
    )

    @admin.display(description="schedule")
    def schedule(self, task: PeriodicTask) -> str:
        return str(task.interval or task.crontab or task.solar or task.clocked or "–")

    @verb("Switch on")
    def switch_on(self, request: HttpRequest, tasks: list[PeriodicTask]) -> None:
        self._switch(request, tasks, "Switched on", enabled=True)

    @verb(
        "Switch off",
        asks="What these tasks do stays undone until they are switched on again: leads may stay "
        "unhandled. Work that waits is kept.",
    )
    def switch_off(self, request: HttpRequest, tasks: list[PeriodicTask]) -> None:
        self._switch(request, tasks, "Switched off", enabled=False)

    def _switch(
        self, request: HttpRequest, tasks: list[PeriodicTask], said: str, *, enabled: bool
    ) -> None:
        changed = [task for task in tasks if task.enabled != enabled]
        keys = [task.pk for task in changed]
        PeriodicTask.objects.filter(pk__in=keys).update(enabled=enabled)
        PeriodicTasks.update_changed()  # tells a running beat
        self.tell(request, changed, said)


@admin.register(IntervalSchedule, CrontabSchedule, ClockedSchedule, SolarSchedule)
class ScheduleAdmin(ReadOnlyAdmin):
    list_display = ("__str__",)
    ordering = ("pk",)

    def get_panels(self) -> list[Panel]:
        by = str(self.opts.model_name).removesuffix("schedule")
        columns = ("name", "task", "enabled", "last_run_at")
        return [Panel("Tasks", PeriodicTask, by, columns, order=("name",), all_of_them=False)]
