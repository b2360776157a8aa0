import { type Problem, problemResponse } from '../problem.js'

const form =
  'Idempotency-Key is a string in quotes (RFC 8941), or the same without quotes: 1 to 255 visible ASCII characters, such as a UUID.'

/** Beside the kinds of problem.ts, so that they are in a bundle only with what needs them. */
const kinds = {
  missing: [400, 'invalid-idempotency-key', 'Idempotency key missing', `Send an Idempotency-Key header. ${form}`],
  invalid: [400, 'invalid-idempotency-key', 'Invalid idempotency key', form],
  'in-use': [
    409,
    'idempotency-key-in-use',
    'The same request is under way',
    'An attempt with this key has not ended. Send the request again after the time in Retry-After to hear what became of it.',
  ],
  reused: [
    422,
    'idempotency-key-reused',
    'Idempotency key of another request',
    'This key was used with another body, content type, partition key or CloudEvent. Send this request with a key of its own.',
  ],
  unavailable: [
    503,
    'idempotency-unavailable',
    'Idempotency keys cannot be looked up',
    'Nothing was sent. Send the request again after the time in Retry-After, or without a key.',
  ],
} as const satisfies Record<string, readonly [status: number, name: string, title: string, detail: string]>

/** What the OpenAPI documents say of them, each type once. */
export const documentedProblems: readonly Pick<Problem, 'type' | 'title' | 'status'>[] = Object.entries(kinds)
  .filter(([kind]) => kind !== 'missing')
  .map(([, [status, name, title]]) => ({ type: urnOf(name), title, status }))

export function refusal(kind: keyof typeof kinds, retryAfterInSeconds?: number): Response {
  const [status, name, title, detail] = kinds[kind]
  const headers =
    retryAfterInSeconds === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(retryAfterInSeconds))) }
  return problemResponse({ type: urnOf(name), title, status, detail }, headers)
}

function urnOf(name: string): string {
  return `urn:problem:eventhub-sluice:${name}`
}
