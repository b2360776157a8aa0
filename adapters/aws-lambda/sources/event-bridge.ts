import type { EventBridgeEvent } from 'aws-lambda'
import { allOrThrow } from './answers.js'
import { jsonContent } from './content.js'
import { isEventBridgeEvent } from './event-bridge-event.js'
import { partitionKeyOf } from './identifiers.js'
import { isInvocationRecord } from './invocation-record.js'
import { readInvocationRecord } from './lambda-destination.js'
import type { Source, SourceRecord } from './source.js'

/** Amazon EventBridge: one event per invocation. Lambda tries again when the function throws. */
export const eventBridge: Source = {
  name: 'eventbridge',
  matches: isEventBridgeEvent,
  open(event) {
    const records = isEventBridgeEvent(event) ? [readEvent(event)] : []
    return { records, ordered: false, permanentFailures: 'source', answer: allOrThrow }
  },
}

function readEvent(event: EventBridgeEvent<string, unknown>): SourceRecord {
  const raw = jsonContent(event)
  if (isInvocationRecord(event.detail)) return readInvocationRecord(event.detail, event, raw)
  return {
    forwarded: {
      source: 'eventbridge',
      id: event.id,
      defaultPartitionKey: partitionKeyOf(event.source),
      record: event,
    },
    attributes: {
      id: event.id,
      source: asUriReference(event.source),
      // CloudEvents wants a type that is not empty; EventBridge lets a custom event's be so.
      type: event['detail-type'] || 'com.amazonaws.eventbridge.event',
      time: event.time,
      subject: event.resources[0],
      extensions: { awsaccount: event.account, awsregion: event.region },
    },
    data: jsonContent(event.detail),
    raw,
  }
}

/** CloudEvents wants a URI reference; a custom event's source may be any text. */
function asUriReference(source: string): string {
  return /^[\w\-.~:/?#[\]@!$&'()*+,;=%]+$/.test(source) ? source : encodeURI(source) || 'eventbridge'
}
