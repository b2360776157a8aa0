import type { SecurityScheme } from '../auth/scheme.js'
import type { Settings } from '../options.js'
import { type Problem, type ProblemKind, problem } from '../problem.js'
import type { SchemaName } from './schemas.js'

/** What the documents reflect of how a front door was set up. */
export type FrontDoorFacts = Pick<
  Settings,
  | 'basePath'
  | 'maxBodySizeInBytes'
  | 'maxEventsPerRequest'
  | 'allowRespondAsync'
  | 'rateLimit'
  | 'idempotencyKeys'
  | 'security'
>

/** What a document says of a problem. */
export type DocumentedProblem = Pick<Problem, 'type' | 'title' | 'status'>

export interface Parameter {
  readonly name: string
  readonly in: 'header' | 'query'
  readonly title: string
  readonly description: string
  readonly pattern?: string
  readonly required?: boolean
  readonly visibility: Visibility
}

export interface Operation {
  readonly operationId: string
  readonly method: 'get' | 'post'
  /** Below `basePath`. */
  readonly path: string
  readonly summary: string
  readonly description: string
  readonly visibility: Visibility
  readonly guarded: boolean
  readonly parameters: readonly Parameter[]
  /** By media type; the first is Swagger's. */
  readonly body?: Readonly<Record<string, BodySchema>>
  /** By status. */
  readonly answers: Readonly<Record<number, Answer>>
  readonly problems: readonly DocumentedProblem[]
}

type Visibility = 'important' | 'advanced' | 'internal'

/** `any`: any JSON value. `bytes`: whatever the media type says. A trailing `[]`: an array of them. */
export type BodySchema = 'any' | 'bytes' | SchemaName | `${SchemaName}[]` | `${SchemaName}|${SchemaName}[]`

export interface Answer {
  readonly description: string
  readonly schema: SchemaName
  readonly headers?: readonly string[]
}

/** Every operation of a front door set up so: what both documents are written from. */
export function operations(facts: FrontDoorFacts): readonly Operation[] {
  const whenGuarded = [
    ...(facts.security === undefined ? [] : ofKinds('unauthorized')),
    ...(facts.rateLimit ? ofKinds('too-many-requests') : []),
    ...ofKinds('internal-error'),
  ]
  const readings = { guarded: true, parameters: [], visibility: 'advanced', method: 'get' } as const
  return [
    {
      operationId: 'SendEventBatch',
      path: '/events:batch',
      summary: 'Send events',
      description: 'Sends events with a partition key, an id and properties each, and says what became of each one.',
      ...posting(facts, whenGuarded),
      visibility: 'important',
      body: { 'application/json': 'Batch|BatchItem[]' },
    },
    {
      operationId: 'SendEvents',
      path: '/events',
      summary: 'Send JSON as it is',
      description: 'Sends any JSON as one event, or each element of an array as one, and says what became of each.',
      ...posting(facts, whenGuarded),
      visibility: 'advanced',
      body: {
        'application/json': 'any',
        'application/x-ndjson': 'bytes',
        'application/cloudevents+json': 'CloudEvent',
        'application/cloudevents-batch+json': 'CloudEvent[]',
        'text/*': 'bytes',
        'application/octet-stream': 'bytes',
      },
    },
    {
      ...readings,
      operationId: 'ListPartitions',
      path: '/partitions',
      summary: 'List partitions',
      description: 'Lists the partition ids of the event hub, where its transport can ask for them.',
      answers: { 200: { description: 'The partition ids.', schema: 'Partitions' } },
      problems: [...whenGuarded, ...ofKinds('not-supported', 'event-hub-busy', 'event-hub-unavailable')],
    },
    {
      ...readings,
      operationId: 'TestConnection',
      path: '/connection',
      summary: 'Test the connection',
      description: 'Says whether the key of the connection is known here. Sends nothing, and asks Event Hubs nothing.',
      visibility: 'internal',
      answers: { 200: { description: 'The key is known.', schema: 'Status' } },
      problems: whenGuarded,
    },
    {
      ...readings,
      operationId: 'GetHealth',
      path: '/health',
      summary: 'Get health',
      description: 'Says that this process answers. Needs no key, and says nothing of Event Hubs.',
      visibility: 'internal',
      guarded: false,
      answers: { 200: { description: 'It answers.', schema: 'Status' } },
      problems: ofKinds('internal-error'),
    },
  ]
}

function ofKinds(...kinds: readonly ProblemKind[]): readonly DocumentedProblem[] {
  return kinds.map((kind) => problem(kind, ''))
}

function posting(facts: FrontDoorFacts, whenGuarded: readonly DocumentedProblem[]) {
  const { idempotencyKeys } = facts
  const idempotencyKey: Parameter = {
    name: 'idempotency-key',
    in: 'header',
    title: 'Idempotency Key',
    description:
      'Of the caller’s choice, such as a UUID: the same request with the same key sends only what was not accepted before.',
    visibility: 'advanced',
    ...(idempotencyKeys?.required ? { required: true } : {}),
  }
  const prefer: Parameter = {
    name: 'prefer',
    in: 'header',
    title: 'Prefer',
    description: 'respond-async: answer before Event Hubs has the events.',
    visibility: 'advanced',
  }
  const pending: Answer = {
    description: 'The events are on their way, as asked by Prefer. What fails is not reported.',
    schema: 'Pending',
    headers: ['preference-applied'],
  }
  return {
    method: 'post',
    guarded: true,
    parameters: [
      partitionKey,
      partitionKeyHeader,
      ...(idempotencyKeys ? [idempotencyKey] : []),
      ...(facts.allowRespondAsync ? [prefer] : []),
    ],
    answers: {
      200: { description: 'Every event is in the event hub.', schema: 'EventsAnswer' },
      ...(facts.allowRespondAsync ? { 202: pending } : {}),
      207: { description: 'Some events are in the event hub, some are not: see results.', schema: 'EventsAnswer' },
    },
    problems: [
      ...ofKinds(
        'malformed-body',
        'no-events',
        'invalid-partition-key',
        'upload-aborted',
        'upload-too-slow',
        'body-too-large',
        'too-many-events',
        'event-too-large',
        'unsupported-media-type',
        'invalid-events',
        'event-hub-busy',
        'event-hub-unavailable',
      ),
      ...(idempotencyKeys?.problems ?? []),
      ...whenGuarded,
    ],
  } as const satisfies Partial<Operation>
}

const partitionKey: Parameter = {
  name: 'partitionKey',
  in: 'query',
  title: 'Partition Key',
  description: 'The key of those events that have none of their own.',
  visibility: 'advanced',
}
const partitionKeyHeader: Parameter = {
  name: 'x-partition-key',
  in: 'header',
  title: 'Partition Key (Header)',
  description: 'As partitionKey, in printable ASCII, and before it.',
  pattern: '^[ -~]*$',
  visibility: 'internal',
}

/** The problems by their status, in rising order of it. */
export function problemsByStatus(
  problems: readonly DocumentedProblem[],
): ReadonlyMap<number, readonly DocumentedProblem[]> {
  const byStatus = new Map<number, DocumentedProblem[]>()
  for (const one of [...problems].sort((a, b) => a.status - b.status)) {
    byStatus.set(one.status, [...(byStatus.get(one.status) ?? []), one])
  }
  return byStatus
}

/** What a status brings along in its headers. */
export const headersOf: Readonly<Record<number, readonly string[]>> = {
  401: ['www-authenticate'],
  409: ['retry-after'],
  415: ['accept'],
  429: ['retry-after'],
  503: ['retry-after'],
}

/** What a scheme is called within a document. */
export function nameOf(scheme: SecurityScheme): string {
  return scheme.type === 'http' ? scheme.scheme : scheme.name
}
