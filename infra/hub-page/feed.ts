import type { ServerResponse } from 'node:http'
import type { Update } from './protocol.js'

/** Pages that may be open at once. */
const maxReaders = 16
/** A page that has not taken so much yet is left out, and told everything anew once it has. */
const maxUnreadBytes = 1024 * 1024
/** Without news, a sign of life so often. */
const quietTicks = 10

/** Tells every open page what is new, by Server-Sent Events. A page that reads slowly costs a bounded buffer. */
export class Feed {
  readonly #snapshot: () => Update
  /** True for one that has missed something. */
  readonly #readers = new Map<ServerResponse, boolean>()
  #quiet = 0

  constructor(snapshot: () => Update) {
    this.#snapshot = snapshot
  }

  get isFull(): boolean {
    return this.#readers.size >= maxReaders
  }

  add(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
    response.writeHead(200, { ...headers, 'Content-Type': 'text/event-stream', Connection: 'keep-alive' })
    // A browser tries again so soon after it has lost the hub.
    response.write(`retry: 1000\n\n${frame(this.#snapshot())}`)
    this.#readers.set(response, false)
    response.on('error', () => {})
    response.on('close', () => this.#readers.delete(response))
  }

  tell(update: Update): void {
    const isNews = Object.keys(update).length > 1
    this.#quiet = isNews ? 0 : this.#quiet + 1
    if (this.#readers.size === 0 || (!isNews && this.#quiet % quietTicks !== 0)) return
    const text = frame(update)
    for (const [response, hasMissed] of this.#readers) {
      if (response.writableLength > maxUnreadBytes) this.#readers.set(response, true)
      else {
        response.write(hasMissed ? frame(this.#snapshot()) : text)
        this.#readers.set(response, false)
      }
    }
  }

  close(): void {
    for (const response of this.#readers.keys()) response.end()
  }
}

function frame(update: Update): string {
  // JSON has no line breaks of its own.
  return `data: ${JSON.stringify(update)}\n\n`
}
