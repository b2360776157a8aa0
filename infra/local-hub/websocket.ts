import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Duplex } from 'node:stream'

/** Where clients look for AMQP over WebSocket, and what they call it. */
export const webSocketPath = '/$servicebus/websocket'
const subprotocols = ['AMQPWSB10', 'amqp']

const opcode = { continuation: 0x0, binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa } as const
const maxControlPayload = 125

/** Answers an upgrade request. Returns the bytes carried inside as a stream; undefined when it had to be refused. */
export function acceptWebSocket(request: IncomingMessage, socket: Duplex, head: Buffer): Duplex | undefined {
  const key = request.headers['sec-websocket-key']
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
  const subprotocol = subprotocols.find((name) => offered.includes(name))
  const path = decodeURIComponentSafely((request.url ?? '').split('?', 1)[0] ?? '')
  if (path !== webSocketPath) return refuse(socket, '404 Not Found')
  if (request.headers.upgrade?.toLowerCase() !== 'websocket' || key === undefined || subprotocol === undefined) {
    return refuse(socket, '400 Bad Request')
  }
  if (request.headers['sec-websocket-version'] !== '13')
    return refuse(socket, '426 Upgrade Required', 'Sec-WebSocket-Version: 13')
  // RFC 6455, section 1.3.
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${accept}`,
    `Sec-WebSocket-Protocol: ${subprotocol}`,
  ]
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  return unwrap(socket, head)
}

function refuse(socket: Duplex, status: string, ...headers: string[]): undefined {
  socket.end(`${[`HTTP/1.1 ${status}`, 'Connection: close', 'Content-Length: 0', ...headers].join('\r\n')}\r\n\r\n`)
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function frame(code: number, payload: Buffer): Buffer[] {
  const { length } = payload
  if (length < 126) return [Buffer.from([0x80 | code, length]), payload]
  const head = Buffer.alloc(length < 65536 ? 4 : 10)
  head[0] = 0x80 | code
  head[1] = length < 65536 ? 126 : 127
  if (length < 65536) head.writeUInt16BE(length, 2)
  else head.writeBigUInt64BE(BigInt(length), 2)
  return [head, payload]
}

/** A stream of the bytes within the frames. AMQP has frames of its own, so WebSocket's borders carry no meaning. */
function unwrap(socket: Duplex, head: Buffer): Duplex {
  const stream = new Duplex({
    allowHalfOpen: false,
    read: () => socket.resume(),
    write: (chunk: Buffer, _encoding, done) => {
      const [start, payload] = frame(opcode.binary, chunk)
      socket.write(start)
      socket.write(payload, done)
    },
    final: (done) => {
      for (const part of frame(opcode.close, Buffer.from([0x03, 0xe8]))) socket.write(part)
      socket.end(done)
    },
    destroy: (error, done) => {
      socket.destroy()
      done(error)
    },
  })
  let ended = false
  const end = (): void => {
    if (!ended) stream.push(null)
    ended = true
  }
  const reader = new FrameReader({
    data: (bytes) => {
      if (!ended && !stream.push(bytes)) socket.pause()
    },
    ping: (payload) => {
      for (const part of frame(opcode.pong, payload)) socket.write(part)
    },
    end,
  })
  const onData = (chunk: Buffer): void => {
    try {
      reader.push(chunk)
    } catch (error) {
      stream.destroy(error instanceof Error ? error : undefined)
    }
  }
  socket.on('data', onData)
  socket.on('end', end)
  socket.on('error', (error) => stream.destroy(error))
  socket.on('close', () => stream.destroy())
  if (head.length > 0) onData(head)
  return stream
}

interface FrameEvents {
  data(bytes: Buffer): void
  ping(payload: Buffer): void
  end(): void
}

interface FrameHead {
  readonly code: number
  readonly mask: Buffer
  readonly length: number
  read: number
}

/** Passes payload on as it comes, so no frame is ever held whole but the small control ones. */
class FrameReader {
  readonly #events: FrameEvents
  #pending: Buffer = Buffer.alloc(0)
  #head: FrameHead | undefined
  #control: Buffer[] = []
  #ended = false

  constructor(events: FrameEvents) {
    this.#events = events
  }

  push(chunk: Buffer): void {
    let rest: Buffer = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    while (!this.#ended) {
      if (this.#head === undefined) {
        const size = headSize(rest)
        if (rest.length < size) break
        this.#head = readHead(rest, size)
        rest = rest.subarray(size)
      }
      const head = this.#head
      const payload = rest.subarray(0, head.length - head.read)
      if (payload.length === 0 && head.read < head.length) break
      this.#onPayload(head, unmask(payload, head))
      rest = rest.subarray(payload.length)
      if (head.read === head.length) this.#onEnd(head)
    }
    this.#pending = rest
  }

  #onPayload(head: FrameHead, payload: Buffer): void {
    if (head.code < opcode.close) {
      if (payload.length > 0) this.#events.data(payload)
    } else this.#control.push(payload)
  }

  #onEnd(head: FrameHead): void {
    const payload = Buffer.concat(this.#control)
    this.#control = []
    this.#head = undefined
    if (head.code === opcode.ping) this.#events.ping(payload)
    if (head.code !== opcode.close) return
    this.#ended = true
    this.#events.end()
  }
}

function headSize(bytes: Buffer): number {
  const [first, second] = bytes
  if (first === undefined || second === undefined) return 2
  const code = first & 0x0f
  const isKnown = code <= opcode.binary || (code >= opcode.close && code <= opcode.pong)
  // RFC 6455, section 5: clients mask, and nobody sets the reserved bits without an extension.
  if ((second & 0x80) === 0 || (first & 0x70) !== 0 || !isKnown) throw new Error('Not a WebSocket frame from a client.')
  const length = second & 0x7f
  return 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + 4
}

function readHead(bytes: Buffer, size: number): FrameHead {
  const [first = 0, second = 0] = bytes
  const code = first & 0x0f
  const short = second & 0x7f
  const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short
  if (code >= opcode.close && length > maxControlPayload) throw new Error('A WebSocket control frame is too long.')
  return { code, length, mask: Buffer.from(bytes.subarray(size - 4, size)), read: 0 }
}

function unmask(payload: Buffer, head: FrameHead): Buffer {
  const bytes = Buffer.alloc(payload.length)
  for (let i = 0; i < payload.length; i++) bytes[i] = (payload[i] ?? 0) ^ (head.mask[(head.read + i) & 3] ?? 0)
  head.read += payload.length
  return bytes
}
