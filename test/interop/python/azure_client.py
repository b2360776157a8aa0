"""The official Python SDK: its producer, buffered and not, and its consumer; over AMQP with TLS or over WebSocket.

Values of properties and annotations travel to and from the tests as `[type, value]`, by Python's types.
"""

import threading
import uuid
from datetime import datetime, timezone

from azure.eventhub import EventData, EventHubConsumerClient, EventHubProducerClient, TransportType
from azure.eventhub._pyamqp.sasl import SASLTransport
from azure.eventhub.amqp import AmqpAnnotatedMessage, AmqpMessageHeader, AmqpMessageProperties

from service import serve

WAIT = 15


def from_neutral(neutral):
    kind, value = neutral
    if kind == "bytes":
        return bytes.fromhex(value)
    if kind == "int":
        return int(value)
    if kind == "uuid":
        return uuid.UUID(value)
    if kind == "datetime":
        return datetime.fromtimestamp(value / 1000, timezone.utc)
    if kind == "list":
        return [from_neutral(item) for item in value]
    if kind == "dict":
        return {from_neutral(key): from_neutral(item) for key, item in value}
    assert kind in ("str", "float", "bool", "None"), kind
    return value


def to_neutral(value):
    if isinstance(value, (bytes, bytearray, memoryview)):
        return ["bytes", bytes(value).hex()]
    if value is None or isinstance(value, (bool, str, float)):
        return ["None" if value is None else type(value).__name__, value]
    if isinstance(value, int):
        return ["int", str(value)]
    if isinstance(value, uuid.UUID):
        return ["uuid", str(value)]
    if isinstance(value, datetime):
        return ["datetime", round(value.timestamp() * 1000)]
    if isinstance(value, (list, tuple)):
        return ["list", [to_neutral(item) for item in value]]
    if isinstance(value, dict):
        return ["dict", [[to_neutral(key), to_neutral(item)] for key, item in value.items()]]
    return [type(value).__name__, str(value)]


def pattern(length):
    block = bytes((i * 31 + (i >> 8)) & 0xFF for i in range(65536))
    return (block * (length // 65536 + 1))[:length]


def connecting(connection_string, ca, amqps_port=None, wss=None):
    """Over WebSocket where `wss` says where. The port of AMQP cannot be chosen in this SDK, so it is set beneath it."""
    options = {"conn_str": connection_string, "connection_verify": ca, "retry_total": 0}
    if wss is not None:
        return {**options, "transport_type": TransportType.AmqpOverWebsocket, "custom_endpoint_address": wss}
    SASLTransport.__init__.__kwdefaults__["port"] = amqps_port
    return options


def event_from(fields):
    body = fields["body"]
    body = pattern(body[1]) if body[0] == "pattern" else from_neutral(body)
    properties = {key: from_neutral(value) for key, value in fields.get("properties", {}).items()}
    if "annotated" not in fields:
        event = EventData(body)
        event.properties = properties
        for name in ("content_type", "message_id", "correlation_id"):
            if name in fields:
                setattr(event, name, fields[name])
        return event
    given = fields["annotated"]
    return AmqpAnnotatedMessage(
        **{given["body_type"]: body},
        application_properties=properties,
        annotations={key: from_neutral(value) for key, value in given.get("annotations", {}).items()},
        header=AmqpMessageHeader(**given.get("header", {})),
        properties=AmqpMessageProperties(**given.get("properties", {})),
    )


def send(events, target, **connection):
    """As one batch to a partition, a key, or wherever. Gives the batch's size, by the SDK's own count."""
    with EventHubProducerClient.from_connection_string(**connecting(**connection)) as producer:
        batch = producer.create_batch(**target)
        for fields in events:
            batch.add(event_from(fields))
        producer.send_batch(batch)
        return {"size": batch.size_in_bytes, "limit": batch.max_size_in_bytes}


def send_keyed(keys, **connection):
    """A batch for each key, which the service is to route; the body is the key."""
    with EventHubProducerClient.from_connection_string(**connecting(**connection)) as producer:
        for key in keys:
            producer.send_batch([EventData(key)], partition_key=key)


def send_buffered(keys, **connection):
    """The client routes by itself."""
    failed = []
    producer = EventHubProducerClient.from_connection_string(
        **connecting(**connection),
        buffered_mode=True,
        max_wait_time=1,
        # One thread each partition keeps for itself; with no more than that, its flush never ends.
        buffer_concurrency=32,
        on_success=lambda events, partition: None,
        on_error=lambda events, partition, error: failed.append(str(error)),
    )
    with producer:
        for key in keys:
            producer.send_event(EventData(key), partition_key=key)
        producer.flush()
    return {"failed": failed}


def fill(body_size, **connection):
    """The largest body that one batch takes, found by trying; sends it, and says what the next byte met."""
    with EventHubProducerClient.from_connection_string(**connecting(**connection)) as producer:
        for size in range(body_size, body_size + 64):
            try:
                batch = producer.create_batch(partition_id="0")
                batch.add(EventData(pattern(size)))
            except ValueError as error:
                too_large = str(error)
                break
        else:
            return {"size": None}
        batch = producer.create_batch(partition_id="0")
        batch.add(EventData(pattern(size - 1)))
        producer.send_batch(batch)
        return {"size": size - 1, "batch": batch.size_in_bytes, "limit": batch.max_size_in_bytes, "beyond": too_large}


def receive(count, partition=None, position="-1", inclusive=False, **connection):
    """Reads until `count` events are there; by partition, each in order."""
    consumer = EventHubConsumerClient.from_connection_string(consumer_group="$Default", **connecting(**connection))
    received, problems, done, lock = [], [], threading.Event(), threading.Lock()

    def on_event_batch(context, events):
        with lock:
            received.extend(describe(event, context.partition_id) for event in events)
            if len(received) >= count:
                done.set()

    def on_error(context, error):
        problems.append(str(error))
        done.set()

    if isinstance(position, list):
        position = from_neutral(position)
    arguments = {"starting_position": position, "starting_position_inclusive": inclusive, "on_error": on_error}
    if partition is not None:
        arguments["partition_id"] = partition
    reading = threading.Thread(
        target=lambda: consumer.receive_batch(on_event_batch, max_wait_time=0.2, max_batch_size=300, **arguments),
        daemon=True,
    )
    reading.start()
    done.wait(WAIT)
    # Closing waits for nothing that is still read here.
    threading.Thread(target=consumer.close, daemon=True).start()
    if problems:
        raise RuntimeError(problems[0])
    return received


def describe(event, partition):
    raw = event.raw_amqp_message
    body = event.body
    kind = raw.body_type.value
    if kind == "data":
        data = b"".join(body)
        body = ["pattern", len(data)] if len(data) > 4096 and data == pattern(len(data)) else to_neutral(data)
    else:
        body = to_neutral(body if kind == "value" else list(body))
    return {
        "partition": partition,
        "body": body,
        "body_type": kind,
        "sequence_number": event.sequence_number,
        "offset": event.offset,
        "enqueued_time": round(event.enqueued_time.timestamp() * 1000),
        "partition_key": text(event.partition_key),
        "content_type": text(event.content_type),
        "message_id": to_neutral(event.message_id),
        "correlation_id": to_neutral(event.correlation_id),
        "properties": {text(key): to_neutral(value) for key, value in (event.properties or {}).items()},
        "annotations": {text(key): to_neutral(value) for key, value in (raw.annotations or {}).items()},
        "header": dict(raw.header.items()) if raw.header else {},
        "amqp_properties": {
            key: to_neutral(value) for key, value in (raw.properties.items() if raw.properties else []) if value
        },
    }


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def properties(**connection):
    with EventHubProducerClient.from_connection_string(**connecting(**connection)) as producer:
        hub = producer.get_eventhub_properties()
        partition = producer.get_partition_properties("0")
        return {
            "hub": {**hub, "created_at": round(hub["created_at"].timestamp() * 1000)},
            "partition": {
                **partition,
                "last_enqueued_time_utc": round(partition["last_enqueued_time_utc"].timestamp() * 1000),
            },
        }


serve(
    {
        "send": send,
        "send_keyed": send_keyed,
        "send_buffered": send_buffered,
        "fill": fill,
        "receive": receive,
        "properties": properties,
    }
)
