import { dynamodb } from './dynamodb.js'
import { eventBridge } from './event-bridge.js'
import { http } from './http.js'
import { kinesis } from './kinesis.js'
import { lambdaDestination } from './lambda-destination.js'
import { s3 } from './s3.js'
import { isObject } from './shape.js'
import { sns } from './sns.js'
import type { OpenedEvent, Source, SourceName, SourceSettings } from './source.js'
import { sqs } from './sqs.js'
import { stepFunctions } from './step-functions.js'

// HTTP first: only AWS can make the frame of such an event, while the others' whole content may be anybody's.
const sources: readonly Source[] = [
  http,
  sqs,
  sns,
  kinesis,
  dynamodb,
  s3,
  lambdaDestination,
  eventBridge,
  stepFunctions,
]

export const sourceNames: readonly SourceName[] = sources.map(({ name }) => name)

/** Finds out what the function was invoked with. Rejects with `TypeError` for a shape that is not known or not allowed. */
export async function openEvent(
  event: unknown,
  allowed: readonly SourceName[],
  settings: SourceSettings,
): Promise<OpenedEvent> {
  const source = sources.find(({ matches }) => matches(event))
  if (!source) {
    throw new TypeError(
      `This function was invoked with ${describe(event)}, a shape that forwardToEventHub does not know. It takes ${sourceNames.join(', ')}. For anything else, write the handler yourself and wrap it: withEventHub(options, (event, context, invocation) => …).`,
    )
  }
  if (!allowed.includes(source.name)) {
    throw new TypeError(
      `This function was invoked with the shape ${source.name}, which its sources option (${allowed.join(', ')}) does not allow. Add it there, or remove the trigger that sends it.`,
    )
  }
  return source.open(event, settings)
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
