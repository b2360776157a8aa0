"""Runs a block of the documentation with the official SDK, as it is written.

Only what the block cannot say is set beneath it: the port of AMQP, which this SDK does not let choose, and whom to trust.
"""

import os
import sys

from azure.eventhub import EventHubProducerClient
from azure.eventhub._pyamqp.sasl import SASLTransport

SASLTransport.__init__.__kwdefaults__["port"] = int(os.environ["AMQPS_PORT"])
from_connection_string = EventHubProducerClient.from_connection_string.__func__


def trusting(cls, conn_str, **options):
    return from_connection_string(cls, conn_str, connection_verify=os.environ["CA_FILE"], **options)


EventHubProducerClient.from_connection_string = classmethod(trusting)

exec(compile(sys.stdin.read(), "the block", "exec"), {"__name__": "__main__"})
