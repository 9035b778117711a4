from leads.models.activity import Activity, Cursor, Parking
from leads.models.appointment import Appointment
from leads.models.bulk import BulkChunk, BulkRun
from leads.models.deal import Deal
from leads.models.duplicates import (
    BlockingKey,
    DuplicatePair,
    DuplicateRule,
    DuplicateScan,
    MatchProfile,
)
from leads.models.journal import MergeJournal, UndoStep
from leads.models.lead import ExternalId, FieldSuggestion, Lead, LeadSearch
from leads.models.message import Message
from leads.models.people import Company, Contact, ContactKey
from leads.models.pipeline import CloseReason, Pipeline, Stage
from leads.models.source import Campaign, Source, SourceDay, SourceKind
from leads.models.task import Task

__all__ = [
    "Activity",
    "Appointment",
    "BlockingKey",
    "BulkChunk",
    "BulkRun",
    "Campaign",
    "CloseReason",
    "Company",
    "Contact",
    "ContactKey",
    "Cursor",
    "Deal",
    "DuplicatePair",
    "DuplicateRule",
    "DuplicateScan",
    "ExternalId",
    "FieldSuggestion",
    "Lead",
    "LeadSearch",
    "MatchProfile",
    "MergeJournal",
    "Message",
    "Parking",
    "Pipeline",
    "Source",
    "SourceDay",
    "SourceKind",
    "Stage",
    "Task",
    "UndoStep",
]
