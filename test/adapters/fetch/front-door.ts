import type { EventsAnswer, FetchContext, FetchHandlerOptions, Problem } from '../../../adapters/fetch/index.js'
import { createFetchHandler } from '../../../adapters/fetch/index.js'
import { FakeClient, type Script } from './fake-client.js'

/** What an answer's body may hold, results and problem alike. */
export type AnswerBody = Partial<EventsAnswer & Problem> & Readonly<Record<string, unknown>>

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: AnswerBody
  readonly text: string
}

/** A handler over a fake client, with what it logs. */
export class FrontDoor {
  readonly client: FakeClient
  readonly log: string[] = []
  readonly handler: ReturnType<typeof createFetchHandler>

  constructor(options: Partial<FetchHandlerOptions> = {}, script?: Script) {
    this.client = new FakeClient(script)
    const logger = { warn: (line: string) => this.log.push(line), error: (line: string) => this.log.push(line) }
    this.handler = createFetchHandler({ client: this.client.asClient(), auth: 'none', logger, ...options })
  }

  async post(body: RequestInit['body'], headers: Record<string, string> = {}, path = '/events'): Promise<Answer> {
    return this.send(post(body, headers, path))
  }

  async send(request: Request, ctx?: FetchContext): Promise<Answer> {
    return answerOf(await this.handler.fetch(request, undefined, ctx))
  }
}

export function post(body: RequestInit['body'], headers: Record<string, string> = {}, path = '/events'): Request {
  return new Request(`http://door.test${path}`, { method: 'POST', body: body ?? null, headers, duplex: 'half' })
}

export async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text()
  const body: AnswerBody = text === '' ? {} : JSON.parse(text)
  return { status: response.status, headers: response.headers, body, text }
}

export const json = { 'content-type': 'application/json' }
export const ndjson = { 'content-type': 'application/x-ndjson' }
export const structured = { 'content-type': 'application/cloudevents+json' }
export const batched = { 'content-type': 'application/cloudevents-batch+json' }

export function statuses(answer: Answer): string[] {
  return (answer.body.results ?? []).map(({ status }) => status)
}

/** A body that is written piece by piece, as a slow caller would. */
export function upload(): {
  readonly body: ReadableStream<Uint8Array>
  write(text: string | Uint8Array): void
  finish(): void
  breakOff(): void
  readonly isCancelled: Promise<void>
} {
  const utf8 = new TextEncoder()
  let controller: ReadableStreamDefaultController<Uint8Array>
  let cancelled = () => {}
  const isCancelled = new Promise<void>((resolve) => {
    cancelled = resolve
  })
  const body = new ReadableStream<Uint8Array>({
    start(made) {
      controller = made
    },
    cancel() {
      cancelled()
    },
  })
  return {
    body,
    write: (text) => controller.enqueue(typeof text === 'string' ? utf8.encode(text) : text),
    finish: () => controller.close(),
    breakOff: () => controller.error(new Error('ECONNRESET')),
    isCancelled,
  }
}
