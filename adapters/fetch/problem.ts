/** An answer's error, as RFC 9457 has it. Its media type is `application/problem+json`. */
export interface Problem {
  /** A stable URN, one per kind of problem. Branch on this, never on `detail`. */
  readonly type: string
  /** The kind of problem, for people. */
  readonly title: string
  /** The HTTP status, again. */
  readonly status: number
  /** What was wrong with this request, and what to do about it. Never holds an event's body or a key. */
  readonly detail: string
}

/** Every kind of problem that there is. */
export const kinds = {
  'internal-error': [500, 'Internal error'],
  'not-found': [404, 'No such resource'],
  'method-not-allowed': [405, 'Method not allowed'],
  unauthorized: [401, 'A valid key is required'],
  'unsupported-media-type': [415, 'Unsupported media type'],
  'malformed-body': [400, 'Malformed body'],
  'no-events': [400, 'No events'],
  'invalid-partition-key': [400, 'Invalid partition key'],
  'upload-aborted': [400, 'The upload broke off'],
  'upload-too-slow': [408, 'The upload took too long'],
  'body-too-large': [413, 'Body too large'],
  'too-many-events': [413, 'Too many events'],
  'event-too-large': [413, 'Event too large'],
  'invalid-events': [422, 'Invalid events'],
  'event-hub-busy': [429, 'The event hub is busy'],
  'too-many-requests': [429, 'Too many requests'],
  'not-supported': [501, 'Not supported'],
  'event-hub-unavailable': [503, 'The event hub did not accept the events'],
} as const satisfies Record<string, readonly [status: number, title: string]>

export type ProblemKind = keyof typeof kinds

export function problem(kind: ProblemKind, detail: string): Problem {
  const [status, title] = kinds[kind]
  return { type: `urn:problem:eventhub-sluice:${kind}`, title, status, detail }
}

/** Ends a request with a problem. Thrown inside the front door only; `fetch` itself never rejects. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly problem: Problem
  readonly headers: Readonly<Record<string, string>>

  constructor(kind: ProblemKind, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail)
    this.problem = problem(kind, detail)
    this.headers = headers
  }
}

/** `members` are RFC 9457 extension members: what else the answer has to say. */
export function problemResponse(
  body: Problem,
  headers: Readonly<Record<string, string>> = {},
  members: object = {},
): Response {
  return jsonResponse(body.status, { ...body, ...members }, { 'content-type': 'application/problem+json', ...headers })
}

export function jsonResponse(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
  })
}
