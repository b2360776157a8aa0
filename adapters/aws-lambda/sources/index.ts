import { eventBridge } from './event-bridge.js'
import { lambdaDestination } from './lambda-destination.js'
import { isObject } from './shape.js'
import type { OpenedEvent, Source, SourceName } from './source.js'
import { sqs } from './sqs.js'

const sources: readonly Source[] = [sqs, lambdaDestination, eventBridge]

export const sourceNames: readonly SourceName[] = sources.map(({ name }) => name)

/** Finds out what the function was invoked with. Throws `TypeError` for a shape that is not known or not allowed. */
export function openEvent(event: unknown, allowed: readonly SourceName[]): OpenedEvent {
  for (const source of sources) {
    const opened = source.open(event)
    if (!opened) continue
    if (allowed.includes(source.name)) return opened
    throw new TypeError(
      `This function was invoked with the shape ${source.name}, which its sources option (${allowed.join(', ')}) does not allow. Add it there, or remove the trigger that sends it.`,
    )
  }
  throw new TypeError(
    `This function was invoked with ${describe(event)}, a shape that forwardToEventHub does not know. It takes ${sourceNames.join(', ')}. For anything else, write the handler yourself and wrap it: withEventHub(options, (event, context, invocation) => …).`,
  )
}

/** By top-level keys alone: values may be secret. */
function describe(event: unknown): string {
  if (Array.isArray(event)) return 'an array'
  if (!isObject(event)) return event === null ? 'null' : `a value of type ${typeof event}`
  const keys = Object.keys(event)
  if (keys.length === 0) return 'an empty object'
  const more = keys.length > 12 ? ` and ${keys.length - 12} more` : ''
  return `an object with the keys ${keys.slice(0, 12).join(', ')}${more}`
}
