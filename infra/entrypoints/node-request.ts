import type { IncomingMessage } from 'node:http'

/** A Node request in web form. */
export interface WebRequest {
  readonly request: Request
  /** Ends the reading of the upload, when the answer has gone out before its end. */
  letGo(): void
}

/** `undefined` for what has no web form. `signal` says that the caller has gone. */
export function toWebRequest(incoming: IncomingMessage, signal: AbortSignal): WebRequest | undefined {
  try {
    const url = urlOf(incoming)
    const method = incoming.method ?? 'GET'
    const init = { method, headers: headersOf(incoming), signal }
    if (method === 'GET' || method === 'HEAD') return { request: new Request(url, init), letGo: () => {} }
    const { body, letGo } = bodyOf(incoming)
    return { request: new Request(url, { ...init, body, duplex: 'half' }), letGo }
  } catch {
    return undefined
  }
}

/** Joined as text: resolving a path such as `//elsewhere/events` against a base would take it for a host. */
function urlOf({ url = '/', headers }: IncomingMessage): URL {
  if (!url.startsWith('/')) return new URL(url)
  const host = headers.host ?? ''
  return new URL(`http://${/^[\w.:[\]-]+$/.test(host) ? host : 'localhost'}${url}`)
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers()
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    headers.append(rawHeaders[index] ?? '', rawHeaders[index + 1] ?? '')
  }
  return headers
}

/** The upload, read from the socket only as fast as the handler reads it. */
function bodyOf(incoming: IncomingMessage): { body: ReadableStream<Uint8Array>; letGo: () => void } {
  let stop = (_reason?: Error) => {}
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const onData = (chunk: Uint8Array) => {
          controller.enqueue(chunk)
          if ((controller.desiredSize ?? 0) <= 0) incoming.pause()
        }
        const onEnd = () => {
          stop()
          controller.close()
        }
        const onBreak = () => stop(new Error('The connection broke off during the upload.'))
        stop = (reason) => {
          stop = () => {}
          incoming.off('data', onData)
          incoming.off('end', onEnd)
          incoming.off('error', onBreak)
          incoming.off('close', onBreak)
          // An error that nobody waits for any more must not end the process.
          incoming.on('error', () => {})
          if (reason !== undefined) controller.error(reason)
        }
        incoming.on('data', onData)
        incoming.on('end', onEnd)
        incoming.on('error', onBreak)
        incoming.on('close', onBreak)
        incoming.pause()
      },
      pull() {
        incoming.resume()
      },
      cancel() {
        stop()
        incoming.pause()
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: 64 * 1024 }),
  )
  return { body, letGo: () => stop(new Error('The request has been answered.')) }
}
