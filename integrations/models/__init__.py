from integrations.models.inbound import InboundEvent

__all__ = ["InboundEvent"]
