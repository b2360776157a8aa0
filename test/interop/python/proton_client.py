"""Qpid Proton as a bare AMQP peer: every AMQP type as it is, no SDK of Event Hubs in between.

A value travels to and from the tests as `[type, value]`: integers of 64 bits and decimals as text, binary as hex.
"""

import time
import uuid

import proton
from proton import Array, Data, Described, Message, SSLDomain, symbol
from proton.reactor import Selector
from proton.utils import BlockingConnection

from service import serve

WAIT = 10

# By the name in AMQP's specification, 1.6. `int` of Python is AMQP's long.
INTEGERS = {
    "ubyte": proton.ubyte,
    "ushort": proton.ushort,
    "uint": proton.uint,
    "ulong": proton.ulong,
    "byte": proton.byte,
    "short": proton.short,
    "int": proton.int32,
    "long": int,
    "timestamp": proton.timestamp,
    "decimal32": proton.decimal32,
    "decimal64": proton.decimal64,
}
ARRAYS = {"int": Data.INT, "long": Data.LONG, "string": Data.STRING, "symbol": Data.SYMBOL, "uuid": Data.UUID}


def from_neutral(neutral):
    kind, value = neutral
    if kind == "null":
        return None
    if kind in INTEGERS:
        return INTEGERS[kind](int(value))
    if kind == "float":
        return proton.float32(value)
    if kind == "double":
        return float(value)
    if kind == "decimal128":
        return proton.decimal128(bytes.fromhex(value))
    if kind == "char":
        return proton.char(value)
    if kind == "symbol":
        return symbol(value)
    if kind == "uuid":
        return uuid.UUID(value)
    if kind == "binary":
        return bytes.fromhex(value)
    if kind == "list":
        return [from_neutral(item) for item in value]
    if kind == "map":
        return {from_neutral(key): from_neutral(item) for key, item in value}
    if kind == "array":
        element, items = value
        return Array(proton.UNDESCRIBED, ARRAYS[element], *[from_neutral([element, item]) for item in items])
    if kind == "described":
        return Described(from_neutral(value[0]), from_neutral(value[1]))
    assert kind in ("boolean", "string"), kind
    return value


def to_neutral(value):
    if value is None:
        return ["null", None]
    # Before int, which it also is.
    if isinstance(value, bool):
        return ["boolean", value]
    for kind, cls in INTEGERS.items():
        if type(value) is cls:
            return [kind, str(int(value))]
    if isinstance(value, proton.float32):
        return ["float", float(value)]
    if isinstance(value, float):
        return ["double", value]
    if isinstance(value, proton.decimal128):
        return ["decimal128", bytes(value).hex()]
    if isinstance(value, (bytes, memoryview)):
        return ["binary", bytes(value).hex()]
    for kind, cls in (("char", proton.char), ("symbol", symbol), ("string", str)):
        if isinstance(value, cls):
            return [kind, str(value)]
    if isinstance(value, uuid.UUID):
        return ["uuid", str(value)]
    if isinstance(value, Described):
        return ["described", [to_neutral(value.descriptor), to_neutral(value.value)]]
    if isinstance(value, Array):
        element = next(kind for kind, code in ARRAYS.items() if code == value.type)
        return ["array", [element, [to_neutral(item)[1] for item in value.elements]]]
    if isinstance(value, (list, tuple)):
        return ["list", [to_neutral(item) for item in value]]
    if isinstance(value, dict):
        return ["map", [[to_neutral(key), to_neutral(item)] for key, item in value.items()]]
    raise TypeError(f"no AMQP type is known for {type(value).__name__}")


def open_connection(url, user=None, password=None, ca=None, mechanisms=None):
    domain = None
    if ca is not None:
        domain = SSLDomain(SSLDomain.MODE_CLIENT)
        domain.set_trusted_ca_db(ca)
        domain.set_peer_authentication(SSLDomain.VERIFY_PEER_NAME)
    return BlockingConnection(
        url, timeout=WAIT, ssl_domain=domain, user=user, password=password, allowed_mechs=mechanisms
    )


def message_from(fields):
    """`body` and the maps are neutral; `padding` fills a binary body with that many bytes."""
    fields = dict(fields)
    message = Message()
    padding = fields.pop("padding", None)
    if padding is not None:
        message.body = pattern(padding)
    for name in ("body", "id", "correlation_id"):
        if name in fields:
            setattr(message, name, from_neutral(fields.pop(name)))
    if "properties" in fields:
        message.properties = {key: from_neutral(value) for key, value in fields.pop("properties").items()}
    for name in ("annotations", "instructions"):
        if name in fields:
            setattr(message, name, {symbol(key): from_neutral(value) for key, value in fields.pop(name).items()})
    if "user_id" in fields:
        message.user_id = fields.pop("user_id").encode()
    message.inferred = fields.pop("inferred", padding is not None)
    for name, value in fields.items():
        setattr(message, name, value)
    return message


def pattern(length):
    """Bytes that a shift or a repetition would change. The tests make the same."""
    block = bytes((i * 31 + (i >> 8)) & 0xFF for i in range(65536))
    return (block * (length // 65536 + 1))[:length]


def send(url, address, messages, **options):
    """Sends one by one. Gives what was encoded, as hex unless large, and its size; and what each was answered."""
    connection = open_connection(url, **options)
    try:
        sender = connection.create_sender(address)
        answers = []
        for fields in messages:
            message = message_from(fields)
            encoded = message.encode()
            delivery = sender.link.send(message)
            connection.wait(lambda: delivery.settled or delivery.remote_state, msg="an answer")
            delivery.settle()
            answers.append(
                {
                    "state": str(delivery.remote_state),
                    "condition": delivery.remote.condition.name if delivery.remote.condition else None,
                    "size": len(encoded),
                    "encoded": encoded.hex() if len(encoded) <= 65536 else None,
                }
            )
        return {"answers": answers, "maxMessageSize": sender.link.remote_max_message_size}
    finally:
        connection.close()


def receive(url, address, count, selector, **options):
    connection = open_connection(url, **options)
    try:
        receiver = connection.create_receiver(
            address, credit=count, options=Selector(selector, "apache.org:selector-filter:string")
        )
        received = []
        until = time.time() + WAIT
        while len(received) < count and time.time() < until:
            received.append(describe(receiver.receive(timeout=until - time.time())))
            receiver.accept()
        return received
    finally:
        connection.close()


FIELDS = (
    "durable priority ttl first_acquirer delivery_count address subject reply_to content_type content_encoding "
    "group_id group_sequence reply_to_group_id creation_time expiry_time"
).split()


def describe(message):
    body = to_neutral(message.body)
    if body[0] == "binary" and len(body[1]) > 4096:
        data = bytes(message.body)
        body = ["pattern" if data == pattern(len(data)) else "spoilt", len(data)]
    return {
        "body": body,
        "inferred": message.inferred,
        "id": to_neutral(message.id),
        "correlation_id": to_neutral(message.correlation_id),
        "user_id": message.user_id.decode(),
        "properties": {key: to_neutral(value) for key, value in (message.properties or {}).items()},
        "annotations": {str(key): to_neutral(value) for key, value in (message.annotations or {}).items()},
        "instructions": {str(key): to_neutral(value) for key, value in (message.instructions or {}).items()},
        **{name: getattr(message, name) for name in FIELDS},
    }


def put_token(url, name, token, kind, then_send_to, **options):
    """Claims by hand, as the SDKs do it, then sends. Without a good token the sender is refused."""
    connection = open_connection(url, **options)
    try:
        receiver = connection.create_receiver("$cbs")
        sender = connection.create_sender("$cbs")
        request = Message(body=token, id="1", reply_to="here")
        request.properties = {"operation": "put-token", "type": kind, "name": name}
        sender.send(request)
        reply = receiver.receive(timeout=WAIT)
        receiver.accept()
        status = reply.properties["status-code"]
        if int(status) < 300:
            connection.create_sender(then_send_to).send(Message(body="claimed"))
        return {"status": to_neutral(status), "description": str(reply.properties["status-description"])}
    finally:
        connection.close()


serve({"send": send, "receive": receive, "put_token": put_token})
