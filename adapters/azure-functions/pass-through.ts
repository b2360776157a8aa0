import type { InvocationContext } from '@azure/functions'
import { bodyToBytes } from '../../core/event-data.js'
import { isCloudEvent, partitionKeyOf } from './cloud-event.js'
import type { EventHubOutput } from './output.js'
import { toOutgoingEvents } from './values.js'

/** Where the host's own binding is told to write. */
export interface PassThroughOptions {
  readonly connection: string
  readonly eventHubName: string
  readonly name: string
}

const passThroughOutputs = new WeakSet<object>()

export function isPassThrough(output: object): boolean {
  return passThroughOutputs.has(output)
}

/** An output that is the host's own binding: it is registered with the function, and the host sends what is set. */
export function passThroughOutput({ connection, eventHubName, name }: PassThroughOptions): EventHubOutput {
  // These fields go into the function's metadata as they are; the host resolves %NAME% itself.
  const output = { type: 'eventHub', connection, eventHubName, name }
  Object.defineProperty(output, 'for', {
    value: () => {
      throw new Error(
        `The output "${name}" passes its events through to the host, which sends them after the function has returned: nothing can be sent or flushed before. Leave passThrough out to have outcomes.`,
      )
    },
  })
  passThroughOutputs.add(output)
  return output as typeof output & Pick<EventHubOutput, 'for'>
}

/** Throws where the host would not take what is set: the function was registered without the output. */
export function assertIsRegistered(
  output: EventHubOutput,
  where: 'extraOutputs' | 'return',
  context: InvocationContext,
) {
  const { options, functionName } = context
  const isThere =
    where === 'return'
      ? options.return?.type?.toLowerCase() === 'eventhub'
      : options.extraOutputs.some(({ name }) => name === output.name)
  if (isThere) return
  throw new Error(
    `The output "${output.name}" passes its events through to the host, and ${functionName} is registered without it, so they would be lost. Name it in the ${where} that the function is registered with, too.`,
  )
}

/**
 * What the host's binding is handed so that each event arrives byte for byte. The host takes bytes alone, but never in
 * an array, whose JSON they do not survive; it parses a lone text that looks like JSON and writes it anew; and it writes
 * values of an array other than texts in its own way. So events go as an array of texts, or as the bytes of a single one.
 * Throws `TypeError` for what that binding cannot carry: keys, partitions, properties, and several events of which one
 * is not text.
 */
export function toHostValue(value: unknown, name: string): readonly string[] | Uint8Array | undefined {
  const elements: readonly unknown[] = Array.isArray(value) ? value : [value]
  const bodies = elements.flatMap((element) => bodiesOf(element, name))
  if (bodies.length === 0) return undefined
  const [first] = bodies
  const texts = bodies.map(asText)
  if (texts.every((text) => text !== undefined)) return texts
  if (bodies.length === 1) return first
  throw new TypeError(
    `The output "${name}" passes its events through to the host, which corrupts bytes that are not UTF-8 text when there is more than one event. Set one event per invocation, or leave passThrough out.`,
  )
}

function bodiesOf(element: unknown, name: string): Uint8Array[] {
  // As JSON it says itself what it is; what else we would send beside it is dispensable, but for the key.
  if (isCloudEvent(element)) {
    if (partitionKeyOf(element) !== undefined) throw cannotCarry('partitionkey', name)
    return toOutgoingEvents(element).map(({ event }) => bodyToBytes(event.body))
  }
  // An array within the array is one event, a JSON array.
  return toOutgoingEvents([element]).map(({ event, options }) => {
    const lost = [...Object.entries(event), ...Object.entries(options)].find(
      ([field, content]) => field !== 'body' && content !== undefined,
    )
    if (lost) throw cannotCarry(lost[0], name)
    return bodyToBytes(event.body)
  })
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function asText(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

function cannotCarry(field: string, name: string): TypeError {
  return new TypeError(
    `The output "${name}" passes its events through to the host, whose binding has no ${field}: it would be lost. Leave it out, or leave passThrough out.`,
  )
}
