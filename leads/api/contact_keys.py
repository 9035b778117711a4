"""The e-mail addresses and phone numbers of a contact."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from leadcrm.workspaces.api.base import ApiView
from leadcrm.workspaces.api.fields import StrictSerializer, Text, link_id
from leadcrm.workspaces.api.schema import page_of_schema, paging_parameters
from leadcrm.workspaces.api.shown import ShownSerializer
from leadcrm.workspaces.paging import both_ways, orders
from leads import access, contact_keys
from leads.models import ContactKey

KEY_ORDERS = orders(*both_ways("created_at"))


class ContactKeySerializer(ShownSerializer[ContactKey]):
    contact_id = link_id()

    class Meta:
        model = ContactKey
        fields: ClassVar = (
            "id", "kind", "value", "contact_id", "shared", "do_not_contact_at",
            "do_not_contact_note", "created_at",
        )  # fmt: skip
        read_only_fields = fields


class KeyCreateSerializer(StrictSerializer):
    value = Text(max_length=254, help_text="An e-mail address or a phone number.")
    share = serializers.BooleanField(
        required=False,
        help_text="Take a phone number of somebody else too; it is marked as shared.",
    )


class KeyMarkSerializer(StrictSerializer):
    do_not_contact = serializers.BooleanField()
    note = Text(required=False, allow_blank=True, max_length=200)


class ContactKeyListView(ApiView):
    tag = "People"

    @extend_schema(
        operation_id="contact_keys_list",
        summary="List the addresses and numbers of a contact",
        parameters=paging_parameters(KEY_ORDERS),
        responses=page_of_schema(ContactKeySerializer),
    )
    def get(self, request: Request, contact_id: uuid.UUID) -> Response:
        contact = access.access_contact(self.membership, contact_id)
        return self.page(
            ContactKey.objects.filter(contact=contact),
            KEY_ORDERS,
            lambda rows: list(ContactKeySerializer(rows, many=True).data),
        )

    @extend_schema(
        operation_id="contact_keys_add",
        summary="Add an e-mail address or phone number to a contact",
        request=KeyCreateSerializer,
        responses={201: ContactKeySerializer},
    )
    def post(self, request: Request, contact_id: uuid.UUID) -> Response:
        access.access_contact(self.membership, contact_id, need="edit")
        values = self.read(KeyCreateSerializer)
        key = contact_keys.add_key(
            contact_id,
            values["value"],
            share=values.get("share", False),
            by=self.actor,
            now=self.now,
        )
        return Response(_seen_from(contact_id, key), status=201)


def _seen_from(contact_id: uuid.UUID, key: ContactKey) -> Any:
    """A key as one of its people has it: whom else a shared number names is not told."""
    if key.contact_id != contact_id:
        key.contact_id, key.do_not_contact_note = contact_id, ""
    return ContactKeySerializer(key).data


class ContactKeyView(ApiView):
    tag = "People"

    @extend_schema(
        operation_id="contact_keys_mark",
        summary="Mark an address or number as not to be contacted, or take the mark off",
        request=KeyMarkSerializer,
        responses=ContactKeySerializer,
    )
    def patch(self, request: Request, contact_id: uuid.UUID, key_id: uuid.UUID) -> Response:
        contact, key = access.access_contact_key(self.membership, contact_id, key_id, need="edit")
        values = self.read(KeyMarkSerializer)
        if values["do_not_contact"]:
            contact_keys.forbid_key(
                contact_id, key_id, by=self.actor, now=self.now, reason=values.get("note", "")
            )
        else:
            access.require_key_holder(self.membership, contact, key)
            contact_keys.allow_key(contact_id, key_id, by=self.actor, now=self.now)
        key.refresh_from_db()
        return Response(_seen_from(contact_id, key))

    @extend_schema(
        operation_id="contact_keys_remove",
        summary="Take an address or number off a contact",
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, contact_id: uuid.UUID, key_id: uuid.UUID) -> Response:
        access.access_contact_key(self.membership, contact_id, key_id, need="edit")
        contact_keys.remove_key(contact_id, key_id, by=self.actor, now=self.now)
        return Response(status=204)
