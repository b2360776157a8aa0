import { connect } from 'node:net'
import { serve } from '../support/child.js'

export interface Load {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly connectionCount: number
  readonly durationInMs: number
}

export interface LoadResult {
  readonly requests: number
  readonly elapsedInMs: number
}

const commands = {
  /**
   * Posts the same body again and again, one request at a time on each of some connections. Rejects unless every
   * answer is a 200. Written on sockets, so that it costs less than what it measures.
   */
  async post({ url, headers, body, connectionCount, durationInMs }: Load): Promise<LoadResult> {
    const { hostname, port, pathname, host } = new URL(url)
    const lines = Object.entries({ host, 'content-length': String(Buffer.byteLength(body)), ...headers })
    const head = `POST ${pathname} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
    const request = Buffer.from(head + body)
    const startedAt = performance.now()
    const counts = await Promise.all(
      Array.from({ length: connectionCount }, () =>
        postUntil(startedAt + durationInMs, { host: hostname, port: Number(port) }, request),
      ),
    )
    return { requests: counts.reduce((sum, count) => sum + count, 0), elapsedInMs: performance.now() - startedAt }
  },
}

function postUntil(
  end: number,
  target: { readonly host: string; readonly port: number },
  request: Buffer,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let count = 0
    let received = ''
    const socket = connect({ ...target, noDelay: true }, () => socket.write(request))
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text
      if (!isWhole(received)) return
      if (!received.startsWith('HTTP/1.1 200 ')) {
        socket.destroy(new Error(`The answer is: ${received.slice(0, 400)}`))
        return
      }
      received = ''
      count++
      if (performance.now() < end) socket.write(request)
      else socket.end()
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(count))
  })
}

/** There is one answer at a time, so it is whole when its last byte is there. */
function isWhole(answer: string): boolean {
  const headEnd = answer.indexOf('\r\n\r\n')
  if (headEnd === -1) return false
  const length = /\r\ncontent-length: (\d+)\r\n/i.exec(answer.slice(0, headEnd + 2))?.[1]
  return length === undefined ? answer.endsWith('\r\n0\r\n\r\n') : answer.length === headEnd + 4 + Number(length)
}

export type DoorLoadCommands = typeof commands
serve(commands)
