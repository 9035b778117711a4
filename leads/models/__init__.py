from leads.models.activity import Activity, Cursor, Parking
from leads.models.appointment import Appointment
from leads.models.bulk import BulkChunk, BulkRun
from leads.models.deal import Deal
from leads.models.journal import MergeJournal, UndoStep
from leads.models.lead import ExternalId, FieldSuggestion, Lead, LeadSearch
from leads.models.message import Message
from leads.models.notification import Notification
from leads.models.people import Company, Contact, ContactKey
from leads.models.pipeline import CloseReason, Pipeline, Stage
from leads.models.routing import RoutingRule, RoutingSeat
from leads.models.source import Campaign, Source, SourceDay, SourceKind
from leads.models.task import Task

__all__ = [
    "Activity",
    "Appointment",
    "BulkChunk",
    "BulkRun",
    "Campaign",
    "CloseReason",
    "Company",
    "Contact",
    "ContactKey",
    "Cursor",
    "Deal",
    "ExternalId",
    "FieldSuggestion",
    "Lead",
    "LeadSearch",
    "MergeJournal",
    "Message",
    "Notification",
    "Parking",
    "Pipeline",
    "RoutingRule",
    "RoutingSeat",
    "Source",
    "SourceDay",
    "SourceKind",
    "Stage",
    "Task",
    "UndoStep",
]
