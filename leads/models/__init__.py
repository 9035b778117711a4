from leads.models.activity import Activity, Cursor, Parking
from leads.models.appointment import Appointment
from leads.models.bulk import BulkChunk, BulkRun
from leads.models.call_outcome import CallBehaviour, CallOutcome
from leads.models.custom_field import CustomField
from leads.models.deal import Deal
from leads.models.duplicates import (
    BlockingKey,
    DuplicatePair,
    DuplicateRule,
    DuplicateScan,
    MatchProfile,
)
from leads.models.import_batch import Import, ImportChunk, ImportMapping, ImportPart
from leads.models.journal import MergeJournal, UndoStep
from leads.models.lead import ExternalId, FieldSuggestion, Lead, LeadSearch
from leads.models.message import Message
from leads.models.notification import Notification
from leads.models.people import Company, Contact, ContactKey
from leads.models.pipeline import CloseReason, Pipeline, Stage
from leads.models.routing import RoutingRule, RoutingSeat
from leads.models.saved_view import (
    DefaultView,
    SavedView,
    SavedViewColumn,
    SavedViewFilter,
)
from leads.models.settings_job import SettingsJob
from leads.models.source import Campaign, Source, SourceDay, SourceKind
from leads.models.task import Task

__all__ = [
    "Activity",
    "Appointment",
    "BlockingKey",
    "BulkChunk",
    "BulkRun",
    "CallBehaviour",
    "CallOutcome",
    "Campaign",
    "CloseReason",
    "Company",
    "Contact",
    "ContactKey",
    "Cursor",
    "CustomField",
    "Deal",
    "DefaultView",
    "DuplicatePair",
    "DuplicateRule",
    "DuplicateScan",
    "ExternalId",
    "FieldSuggestion",
    "Import",
    "ImportChunk",
    "ImportMapping",
    "ImportPart",
    "Lead",
    "LeadSearch",
    "MatchProfile",
    "MergeJournal",
    "Message",
    "Notification",
    "Parking",
    "Pipeline",
    "RoutingRule",
    "RoutingSeat",
    "SavedView",
    "SavedViewColumn",
    "SavedViewFilter",
    "SettingsJob",
    "Source",
    "SourceDay",
    "SourceKind",
    "Stage",
    "Task",
    "UndoStep",
]
