import { deadLetterQueueSink, queueUrlProblem } from './aws/dead-letter-queue.js'
import type { Environment } from './environment.js'
import type { ForwardOptions } from './forward.js'
import { surroundings } from './options.js'
import { sourceNames } from './sources/index.js'
import type { SourceName } from './sources/source.js'

/** What `forwardOptionsFromEnvironment` reads. */
export type EnvironmentOptions = Pick<
  ForwardOptions,
  'sources' | 'auth' | 'format' | 'cloudEventsPropertyPrefix' | 'onPermanentFailure'
>

/**
 * The options of a forwarder that is set up by environment alone, beside the destination:
 *
 * - `FORWARD_SOURCES`: the shapes to take, separated by commas;
 * - `FORWARD_AUTH`: `aws`, to take events by HTTP from whom AWS has authorized;
 * - `FORWARD_FORMAT`: `cloudevents` or `raw`; `FORWARD_PROPERTY_PREFIX`: `cloudEvents:` or `cloudEvents_`;
 * - `FORWARD_DEAD_LETTER_QUEUE_URL`: the SQS queue for records that can never be sent.
 *
 * Throws one `TypeError` that names every variable that is wrong.
 */
export function forwardOptionsFromEnvironment(environment: Environment = process.env): EnvironmentOptions {
  const problems: string[] = []
  const oneOf = <T extends string>(name: string, allowed: readonly T[]): T | undefined => {
    const value = environment[name]?.trim()
    if (!value) return undefined
    const found = allowed.find((one) => one === value)
    if (!found) problems.push(`${name} must be one of: ${allowed.join(', ')}.`)
    return found
  }
  const auth = oneOf('FORWARD_AUTH', ['aws'])
  const format = oneOf('FORWARD_FORMAT', ['cloudevents', 'raw'])
  const cloudEventsPropertyPrefix = oneOf('FORWARD_PROPERTY_PREFIX', ['cloudEvents:', 'cloudEvents_'])
  const sources = readSources(environment.FORWARD_SOURCES, problems)
  const queueUrl = environment.FORWARD_DEAD_LETTER_QUEUE_URL?.trim()
  const problem = queueUrl && queueUrlProblem(queueUrl)
  if (problem) problems.push(`FORWARD_DEAD_LETTER_QUEUE_URL ${problem}`)
  if (problems.length > 0) throw new TypeError(problems.join(' '))
  const onPermanentFailure = queueUrl ? deadLetterQueueSink(queueUrl, { ...surroundings(), environment }) : undefined
  return { sources, auth, format, cloudEventsPropertyPrefix, onPermanentFailure }
}

function readSources(text: string | undefined, problems: string[]): readonly SourceName[] | undefined {
  const names = (text ?? '').split(',').flatMap((name) => name.trim() || [])
  if (names.length === 0) return undefined
  const wrong = names.filter((name) => !sourceNames.some((known) => known === name))
  if (wrong.length > 0) problems.push(`FORWARD_SOURCES may hold: ${sourceNames.join(', ')}.`)
  return sourceNames.filter((known) => names.includes(known))
}
