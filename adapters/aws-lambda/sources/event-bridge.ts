import type { EventBridgeEvent } from 'aws-lambda'
import { allOrThrow } from './answers.js'
import { isEventBridgeEvent } from './event-bridge-event.js'
import { isInvocationRecord } from './invocation-record.js'
import { readInvocationRecord } from './lambda-destination.js'
import type { Content, Source, SourceRecord } from './source.js'

/** Amazon EventBridge: one event per invocation. Lambda tries again when the function throws. */
export const eventBridge: Source = {
  name: 'eventbridge',
  open(event) {
    if (!isEventBridgeEvent(event)) return undefined
    return { records: [readEvent(event)], ordered: false, answer: allOrThrow }
  },
}

function readEvent(event: EventBridgeEvent<string, unknown>): SourceRecord {
  const raw: Content = { body: JSON.stringify(event), contentType: 'application/json' }
  if (isInvocationRecord(event.detail)) return readInvocationRecord(event.detail, event, raw)
  return {
    forwarded: { source: 'eventbridge', id: event.id, defaultPartitionKey: event.source, record: event },
    attributes: {
      id: event.id,
      source: asUriReference(event.source),
      // CloudEvents wants a type that is not empty; EventBridge lets a custom event's be so.
      type: event['detail-type'] || 'com.amazonaws.eventbridge.event',
      time: event.time,
      subject: event.resources[0],
      extensions: { awsaccount: event.account, awsregion: event.region },
    },
    data: { body: JSON.stringify(event.detail), contentType: 'application/json' },
    raw,
  }
}

/** CloudEvents wants a URI reference; a custom event's source may be any text. */
function asUriReference(source: string): string {
  return /^[\w\-.~:/?#[\]@!$&'()*+,;=%]+$/.test(source) ? source : encodeURI(source) || 'eventbridge'
}
