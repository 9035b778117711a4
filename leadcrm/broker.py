"""How workers bear the loss of their broker. Only Celery's side imports this."""

from __future__ import annotations

from typing import Any

from kombu.transport.redis import Channel, QoS


class ForgetfulQoS(QoS):
    """Lets go of messages whose connection broke.

    Kombu 5.7 puts them back, or acknowledges them once their task is done, over the connection
    that is no more; the AttributeError that this raises ends the worker. A message here is only a
    ring of the bell, and the next one comes within a second.
    """

    def ack(self, delivery_tag: str) -> None:
        if not self._is_cut_off():
            super().ack(delivery_tag)  # type: ignore[no-untyped-call]

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        if not self._is_cut_off():
            super().reject(delivery_tag, requeue=requeue)  # type: ignore[no-untyped-call]

    def restore_unacked_once(self, stderr: Any = None) -> None:
        if self._is_cut_off():
            self._delivered.clear()
        super().restore_unacked_once(stderr=stderr)  # type: ignore[no-untyped-call]

    def _is_cut_off(self) -> bool:
        connection = self.channel.connection
        return connection is None or connection.client is None


def install() -> None:
    """Have every channel to the broker use it."""
    Channel.QoS = ForgetfulQoS
