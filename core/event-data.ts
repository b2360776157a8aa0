/** A value that an AMQP map can carry and that has an obvious JavaScript form. */
export type AmqpPrimitive = string | number | bigint | boolean | Date | Uint8Array | null

/**
 * An event as most users make it.
 *
 * The body travels as one AMQP data section: bytes as they are, a string as its UTF-8 bytes (as the
 * Python and .NET clients do), anything else as JSON.
 */
export interface EventData {
  /** `Uint8Array`: as it is. `string`: UTF-8. Anything else: JSON. Required; `null` is JSON null. */
  readonly body: unknown
  /** RFC 2045 media type of the body, such as `application/json`. Default: not sent. */
  readonly contentType?: string | undefined
  /** Default: not sent. */
  readonly messageId?: string | number | Uint8Array | undefined
  /** Default: not sent. */
  readonly correlationId?: string | number | Uint8Array | undefined
  /** Application properties, by name. Default: none. */
  readonly properties?: Readonly<Record<string, AmqpPrimitive>> | undefined
}

/** An event with every AMQP section in the caller's hands. The field names are those of Azure's SDKs. */
export interface AmqpAnnotatedMessage {
  /** `data`: bytes, or a list of bytes. `sequence`: a list of lists. `value`: one AMQP value. */
  readonly body: unknown
  /** Default: `data`, encoded as `EventData.body` is. */
  readonly bodyType?: 'data' | 'sequence' | 'value' | undefined
  readonly header?:
    | {
        readonly durable?: boolean | undefined
        readonly priority?: number | undefined
        /** Milliseconds. */
        readonly timeToLive?: number | undefined
        readonly firstAcquirer?: boolean | undefined
        readonly deliveryCount?: number | undefined
      }
    | undefined
  readonly properties?:
    | {
        readonly messageId?: string | number | Uint8Array | undefined
        readonly userId?: string | Uint8Array | undefined
        readonly to?: string | undefined
        readonly subject?: string | undefined
        readonly replyTo?: string | undefined
        readonly correlationId?: string | number | Uint8Array | undefined
        readonly contentType?: string | undefined
        readonly contentEncoding?: string | undefined
        /** Milliseconds since the Unix epoch. */
        readonly absoluteExpiryTime?: number | undefined
        /** Milliseconds since the Unix epoch. */
        readonly creationTime?: number | undefined
        readonly groupId?: string | undefined
        readonly groupSequence?: number | undefined
        readonly replyToGroupId?: string | undefined
      }
    | undefined
  readonly applicationProperties?: Readonly<Record<string, unknown>> | undefined
  readonly messageAnnotations?: Readonly<Record<string, unknown>> | undefined
  readonly deliveryAnnotations?: Readonly<Record<string, unknown>> | undefined
  readonly footer?: Readonly<Record<string, unknown>> | undefined
}

/** What `sendEvent` takes. */
export type EventInput = EventData | AmqpAnnotatedMessage

const eventDataOnly = ['contentType', 'messageId', 'correlationId'] as const

const annotatedOnly = [
  'bodyType',
  'header',
  'applicationProperties',
  'messageAnnotations',
  'deliveryAnnotations',
  'footer',
] as const

/**
 * Tells the two forms apart: an `AmqpAnnotatedMessage` has at least one field that `EventData` lacks.
 * Without one, `properties` are application properties.
 */
export function isAmqpAnnotatedMessage(event: EventInput): event is AmqpAnnotatedMessage {
  return annotatedOnly.some((name) => (event as unknown as Record<string, unknown>)[name] !== undefined)
}

/** Refuses what is not an event, saying what to pass instead. */
export function assertIsEvent(event: unknown): asserts event is EventInput {
  if (typeof event !== 'object' || event === null || ArrayBuffer.isView(event) || Array.isArray(event)) {
    throw new TypeError(
      `An event must be an object such as { body: … }; received ${event === null ? 'null' : describe(event)}. Wrap the value: sendEvent({ body: value }).`,
    )
  }
  if (!('body' in event) || event.body === undefined) {
    throw new TypeError('An event needs a body: { body: string | Uint8Array | JSON value }. Pass null for JSON null.')
  }
  // Fields of both forms in one event: half of them would be lost without a word.
  const name = eventDataOnly.find((field) => ((event as Record<string, unknown>)[field] ?? undefined) !== undefined)
  if (name !== undefined && isAmqpAnnotatedMessage(event as EventInput)) {
    throw new TypeError(
      `An AmqpAnnotatedMessage has no field ${name}: pass it as properties.${name}, and application properties as applicationProperties.`,
    )
  }
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'an array'
  if (ArrayBuffer.isView(value)) return value.constructor.name
  return `a ${typeof value}`
}

const utf8 = new TextEncoder()

/** The body's bytes: `Uint8Array` as it is, a string as UTF-8, anything else as JSON. */
export function bodyToBytes(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength)
  if (body instanceof ArrayBuffer) return new Uint8Array(body)
  if (typeof body === 'string') return utf8.encode(body)
  const json = toJson(body)
  if (json === undefined) {
    throw new TypeError(
      `An event body of type ${typeof body} has no JSON form (functions, bigints and circles have none). Pass a string, bytes or a JSON value.`,
    )
  }
  return utf8.encode(json)
}

function toJson(body: unknown): string | undefined {
  try {
    return JSON.stringify(body)
  } catch {
    // The engine's message, and a toJSON's own, may quote the body.
    return undefined
  }
}
