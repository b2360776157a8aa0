import type { IncomingMessage, ServerResponse } from 'node:http'

/** How long a caller may go on sending after an answer that did not wait for the end of its upload. */
const lingerInMs = 5_000

/** The body of a Node request in web form. */
export interface Upload {
  readonly body: ReadableStream<Uint8Array>
  /** Ends the reading, when the answer has gone out before its end. */
  letGo(): void
}

/**
 * The upload, read from the socket only as fast as the handler reads it. In place of srvx's own, which is Node's
 * `Readable.toWeb`: cancelling that one destroys the socket, and with it an answer such as 413 that is about to go out.
 */
export function uploadOf(incoming: IncomingMessage): Upload {
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

/**
 * Closing at once would reset the connection, and a caller in the middle of its upload might lose the answer: it gets a
 * while to finish, and what it sends meanwhile is thrown away.
 */
export function letUploadEnd(incoming: IncomingMessage, outgoing: ServerResponse): void {
  incoming.resume()
  outgoing.once('finish', () => {
    if (incoming.complete || incoming.destroyed) return
    const timer = setTimeout(() => incoming.socket.destroy(), lingerInMs)
    const clear = () => clearTimeout(timer)
    incoming.once('end', clear)
    incoming.once('close', clear)
  })
}
