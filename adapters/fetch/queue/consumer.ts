import type { EventHubProducerClient } from '../../../core/client.js'
import type { EventInput } from '../../../core/event-data.js'
import type { Invocation } from '../../../core/invocation.js'
import { optionalFunction, type ReadersOf, readOptions, wholeOf, wordOf } from '../../../core/options.js'
import type { FlushReport } from '../../../core/report.js'
import { EventsNotAcceptedError } from '../../flush-on-freeze.js'
import { ownedByCaller } from '../answer.js'
import { type Logger, logError } from '../log.js'
import { type Entry, type EventResult, resultsOf } from '../results.js'
import type { QueueBatch, QueueMessage } from './batch.js'

/** The event of a message, and where it goes. */
export interface QueueEvent {
  /** As for `sendEvent` of the client. */
  readonly event: EventInput
  /** Events of one key go to one partition. Default: none. */
  readonly partitionKey?: string | undefined
}

/** Options of `queueConsumer`. */
export interface QueueConsumerOptions {
  /**
   * Makes the event of a message. `undefined`: the message is acknowledged and nothing is sent. A throw is a failure of
   * this message alone, and a permanent one.
   *
   * Default: the body as it is (a string as text, bytes as bytes, anything else as JSON) with the message's id as
   * `messageId`, by which readers can tell a second delivery; without a key.
   */
  readonly toEvent?: ((message: QueueMessage, queue: string) => QueueEvent | undefined) | undefined
  /**
   * What becomes of a message whose event can never be accepted (too large, or no event at all). `retry`: it is delivered
   * again until the queue's `max_retries` are used up, and then goes to the dead letter queue, if there is one.
   * `acknowledge`: its id goes to the log and the message is gone. Default: `retry`.
   */
  readonly permanentFailures?: 'retry' | 'acknowledge' | undefined
  /** Time for one batch, in milliseconds. The platform allows 15 minutes. Default: 60000. */
  readonly timeoutInMs?: number | undefined
}

/** What a consumer needs of the front door. */
export interface QueueDoor {
  /** The client of the instance. */
  readonly client: () => EventHubProducerClient
  /** Told of what was not accepted, never a body. */
  readonly logger: Logger
}

/** Made by `queueConsumer`; the option `queue` takes it. */
export type QueueConsumer = (batch: QueueBatch, door: QueueDoor) => Promise<void>

const readers = {
  toEvent: optionalFunction<QueueConsumerOptions['toEvent']>,
  permanentFailures: wordOf('retry', 'acknowledge'),
  timeoutInMs: wholeOf(60_000),
} satisfies ReadersOf<QueueConsumerOptions>

/**
 * Consumes a queue of Cloudflare Queues. The messages of a batch leave in one invocation; then those that Event Hubs has
 * are acknowledged, and every other one is to be delivered again: after the time that Event Hubs asked for, otherwise
 * after the queue's `retry_delay`. A batch that cannot be accounted for rejects, and acknowledges nothing.
 *
 * Throws `TypeError` or `RangeError` for wrong options.
 */
export function queueConsumer(options: QueueConsumerOptions = {}): QueueConsumer {
  const { toEvent = eventOf, permanentFailures, timeoutInMs } = readOptions('queueConsumer options', options, readers)
  return async ({ queue, messages }, { client, logger }) => {
    const invocation = client().beginInvocation({ timeoutInMs })
    const entries: (Entry | undefined)[] = []
    let report: FlushReport
    try {
      for (const message of messages) entries.push(await take(message, queue, invocation, toEvent, logger))
    } finally {
      report = await invocation.end()
    }
    const results = resultsOf(
      entries.filter((entry) => entry !== undefined),
      report,
    )
    if (report.failures.length > 0) logger.warn?.(`Queue ${queue}: ${new EventsNotAcceptedError(report).message}`)
    const next = results.values()
    for (const [at, message] of messages.entries()) {
      const result = entries[at] && next.next().value
      if (result === undefined || result.status === 'accepted') message.ack()
      else if (permanentFailures === 'acknowledge' && ownedByCaller.has(result.code ?? '')) {
        logger.error?.(`Queue ${queue}: message ${message.id} is lost: ${result.message}`)
        message.ack()
      } else message.retry(delayOf(result))
    }
  }
}

/** Undefined for a message that is to be acknowledged and not sent. */
async function take(
  message: QueueMessage,
  queue: string,
  invocation: Invocation,
  toEvent: NonNullable<QueueConsumerOptions['toEvent']>,
  logger: Logger,
): Promise<Entry | undefined> {
  const { id } = message
  let made: QueueEvent | undefined
  try {
    made = toEvent(message, queue)
    if (made === undefined) return undefined
    // A copy: two messages may have been given the same object, and each has an outcome of its own.
    made = { ...made, event: { ...made.event } }
  } catch (error) {
    logError(logger, `Queue ${queue}: no event could be made of message ${id}`, error)
    return { id, invalid: 'No event could be made of it.' }
  }
  const { event, partitionKey } = made
  try {
    await invocation.sendEvent(event, { partitionKey })
    return { id, event }
  } catch (rejection) {
    // It stands in the report too, and the others go on.
    return { id, event, rejection: rejection ?? new Error('sendEvent rejected without a reason.') }
  }
}

function eventOf({ id, body }: QueueMessage): QueueEvent {
  return { event: { body: body instanceof ArrayBuffer ? new Uint8Array(body) : body, messageId: id } }
}

/** Cloudflare's limit for a delay, 24 hours. */
const longestDelayInSeconds = 86_400

function delayOf({ retryAfterInMs }: EventResult): { delaySeconds: number } | undefined {
  if (retryAfterInMs === undefined) return undefined
  return { delaySeconds: Math.min(longestDelayInSeconds, Math.ceil(retryAfterInMs / 1000)) }
}
