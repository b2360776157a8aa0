import type { AmqpPrimitive, EventData } from '../../core/event-data.js'
import type { CloudEvent } from './cloudevents/attributes.js'
import { writeJsonCloudEvent } from './cloudevents/write-json.js'

/** How a CloudEvent leaves. In both modes its id is the message id too, for consumers that know nothing of CloudEvents. */
export type CloudEventWriter = (event: CloudEvent) => EventData

/**
 * The AMQP binding's binary mode: attributes become application properties, `datacontenttype` the content
 * type, and the data the body.
 */
export function binaryWriter(prefix: 'cloudEvents:' | 'cloudEvents_'): CloudEventWriter {
  return ({ attributes, data, dataContentType }) => {
    const properties: Record<string, AmqpPrimitive> = {}
    for (const [name, value] of Object.entries(attributes)) {
      if (name !== 'datacontenttype') properties[`${prefix}${name}`] = value
    }
    return {
      body: data ?? new Uint8Array(0),
      messageId: String(attributes.id),
      properties,
      ...(dataContentType === undefined ? {} : { contentType: dataContentType }),
    }
  }
}

/** The AMQP binding's structured mode: the whole event is the body, in its JSON format. */
export const structuredWriter: CloudEventWriter = (event) => ({
  body: writeJsonCloudEvent(event),
  messageId: String(event.attributes.id),
  contentType: 'application/cloudevents+json; charset=utf-8',
})
