import { EventHubError } from '../../core/errors.js'
import { ProblemError } from './problem.js'

/** A request's body, which may have been read already to check its signature. */
export interface Body {
  readonly request: Request
  readonly maxBodySizeInBytes: number
  /** The whole body, once it has been read. */
  bytes?: Uint8Array
}

/** Refuses a body that says itself that it is too large, before anything of it is read. */
export function assertDeclaredSize(request: Request, maxBodySizeInBytes: number): void {
  const declared = Number(request.headers.get('content-length') ?? 0)
  if (declared > maxBodySizeInBytes) throw bodyTooLarge(maxBodySizeInBytes)
}

/**
 * The body's bytes as they arrive, counted: `Content-Length` may be absent or wrong. Stops waiting when
 * `signal` aborts, and lets go of the upload however the reading ends.
 */
export async function* chunksOf(
  { request, maxBodySizeInBytes, bytes }: Body,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (bytes !== undefined) yield bytes
  if (bytes !== undefined || request.body === null) return
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader()
  const letGo = () => {
    // A stream that has failed already rejects the cancel with its own error: `read` has reported that.
    reader.cancel().catch(() => {})
  }
  signal.addEventListener('abort', letGo)
  let sizeInBytes = 0
  try {
    if (signal.aborted) letGo()
    for (;;) {
      const { done, value } = await readChunk(reader)
      // Cancelling ends a stream like its last byte does: only the signal tells the two apart.
      if (signal.aborted) throw readingStopped(signal.reason)
      if (done) return
      sizeInBytes += value.byteLength
      if (sizeInBytes > maxBodySizeInBytes) throw bodyTooLarge(maxBodySizeInBytes)
      yield value
    }
  } finally {
    signal.removeEventListener('abort', letGo)
    letGo()
  }
}

/** The whole body, kept for those who read it after. */
export async function bytesOf(body: Body, signal: AbortSignal): Promise<Uint8Array> {
  const gathered = new GatheredBytes()
  for await (const chunk of chunksOf(body, signal)) gathered.add(chunk)
  body.bytes = gathered.take()
  return body.bytes
}

/**
 * Bytes put end to end as they come. A list of them would cost some hundred bytes for each piece, and a caller can send a
 * body byte by byte.
 */
export class GatheredBytes {
  #bytes: Uint8Array = new Uint8Array(0)
  #sizeInBytes = 0

  add(piece: Uint8Array): void {
    const start = this.#sizeInBytes
    this.#sizeInBytes += piece.byteLength
    if (start === 0) {
      // Most bodies are of one piece, which need not be copied. Full as it is, it is never written to.
      this.#bytes = piece
      return
    }
    if (this.#sizeInBytes > this.#bytes.byteLength) {
      const grown = new Uint8Array(Math.max(this.#sizeInBytes, 2 * start))
      grown.set(this.#bytes.subarray(0, start))
      this.#bytes = grown
    }
    this.#bytes.set(piece, start)
  }

  /** Everything so far; then there is nothing. */
  take(): Uint8Array {
    const whole =
      this.#sizeInBytes === this.#bytes.byteLength ? this.#bytes : this.#bytes.subarray(0, this.#sizeInBytes)
    this.#bytes = new Uint8Array(0)
    this.#sizeInBytes = 0
    return whole
  }
}

export function concatenate(chunks: readonly Uint8Array[]): Uint8Array {
  const [first] = chunks
  if (first !== undefined && chunks.length === 1) return first
  const whole = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.byteLength, 0))
  let offset = 0
  for (const chunk of chunks) {
    whole.set(chunk, offset)
    offset += chunk.byteLength
  }
  return whole
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Whether nothing but JSON's white space is there. */
export function isBlank(text: string): boolean {
  return !/[^ \t\r\n]/.test(text)
}

/** `undefined` for bytes that are not UTF-8. A byte order mark in front is left out (RFC 8259, section 8.1). */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

async function readChunk(reader: ReadableStreamDefaultReader<Uint8Array>) {
  try {
    return await reader.read()
  } catch {
    throw uploadAborted()
  }
}

/** Why the reading ended early: the reason says whose doing it was. */
export function readingStopped(reason: unknown): ProblemError {
  const code = reason instanceof EventHubError ? reason.code : undefined
  switch (code) {
    case 'timeout':
      return new ProblemError('upload-too-slow', 'The time for this request was over before its body had arrived.')
    case 'aborted':
      return uploadAborted()
    default:
      return new ProblemError('event-hub-unavailable', 'The front door is shutting down. Send the request again.')
  }
}

function uploadAborted(): ProblemError {
  return new ProblemError('upload-aborted', 'The connection broke off before the whole body had arrived.')
}

function bodyTooLarge(maxBodySizeInBytes: number): ProblemError {
  return new ProblemError(
    'body-too-large',
    `A request may have ${maxBodySizeInBytes} bytes of body. Spread the events over several requests.`,
  )
}
