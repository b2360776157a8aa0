import type { Agent } from 'node:http'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type WebSocket from 'ws'
import { EventHubError } from '../errors.js'
import type { TransportContext } from '../transport.js'
import { openTunnel } from './proxy.js'
import { connectSocket, httpPorts, type SocketTarget, socketTarget, type Wire } from './socket.js'
import { brokenWebSocket, closedWebSocket, refusedUpgrade } from './websocket-errors.js'

const webSocketPath = '/$servicebus/websocket'
const subprotocol = 'AMQPWSB10'

/** AMQP in the messages of a WebSocket, for networks that let nothing but HTTPS out. Needs the package `ws`. */
export function webSocketWire(context: TransportContext): Wire {
  const target = socketTarget(context, httpPorts)
  return {
    name: 'amqpOverWebSocket',
    target,
    isByteStream: false,
    open: (onConnect) => openWebSocket(target, context, onConnect),
  }
}

/**
 * What the messages carry, as a stream of bytes: AMQP has frames of its own, so WebSocket's borders carry no
 * meaning. One write is one message, as with the official SDKs. Nothing is written before `onConnect`.
 */
function openWebSocket(target: SocketTarget, context: TransportContext, onConnect: () => void): Duplex {
  const ending = new AbortController()
  let webSocket: WebSocket | undefined
  let socketError: Error | undefined

  const send = (chunk: Buffer, done?: (error?: Error) => void) =>
    webSocket?.send(chunk, (error) => done?.(error ? closedWebSocket(target.label, undefined, error) : undefined))
  const stream = new Duplex({
    read: () => webSocket?.resume(),
    write: (chunk: Buffer, _encoding, done) => send(chunk, done),
    // What has gathered meanwhile goes together: the last message is out when all are.
    writev: (chunks, done) => {
      for (const [at, { chunk }] of chunks.entries()) send(chunk, at === chunks.length - 1 ? done : undefined)
    },
    final: (done) => {
      webSocket?.close()
      done()
    },
    destroy: (error, done) => {
      ending.abort()
      done(error)
    },
  })

  const start = ({ socket, ...by }: Dialled) => {
    const created = createWebSocket(by, socket, target, context)
    webSocket = created
    // Once the WebSocket is open, ws keeps its socket's error to itself.
    socket.on('error', (error) => {
      socketError = error
    })
    created.on('open', onConnect)
    created.on('message', (data: Buffer) => {
      if (!stream.push(data)) created.pause()
    })
    created.on('unexpected-response', (_request, { statusCode = 0 }) =>
      stream.destroy(refusedUpgrade(statusCode, target.label)),
    )
    created.on('error', (error) => stream.destroy(brokenWebSocket(error, target.label)))
    created.on('close', (code) => stream.destroy(closedWebSocket(target.label, code, socketError)))
    ending.signal.addEventListener('abort', () => socket.destroy())
  }
  dial(target, context, ending.signal)
    .then(start)
    .catch((error) => stream.destroy(error))
  return stream
}

interface Loaded {
  readonly Implementation: typeof WebSocket
  readonly agent: Agent
}

interface Dialled extends Loaded {
  readonly socket: Socket
}

/** The socket beneath. It may still be connecting, but for a tunnel, which is open. */
async function dial(target: SocketTarget, context: TransportContext, signal: AbortSignal): Promise<Dialled> {
  const Implementation = await loadImplementation()
  const http = await (target.isTls ? import('node:https') : import('node:http'))
  const { httpProxy } = context.options
  const tunnel = httpProxy && (await openTunnel(httpProxy, target, context, signal))
  if (signal.aborted) tunnel?.destroy()
  signal.throwIfAborted()
  return { Implementation, agent: new http.Agent(), socket: connectSocket(target, context, tunnel) }
}

/** Loaded when first needed: most users have no use for it. */
async function loadImplementation(): Promise<typeof WebSocket> {
  try {
    return (await import('ws')).default
  } catch (error) {
    throw new EventHubError("transportType 'amqpOverWebSocket' needs the package ws. Install it: npm install ws", {
      code: 'not-supported',
      cause: error,
    })
  }
}

function createWebSocket(
  { Implementation, agent }: Loaded,
  socket: Socket,
  { authority, isTls }: SocketTarget,
  { options }: TransportContext,
): WebSocket {
  return new Implementation(`${isTls ? 'wss' : 'ws'}://${authority}${webSocketPath}`, [subprotocol], {
    // The option createConnection would be shorter, but ws before 8.17 passes it over.
    agent: Object.assign(agent, { createConnection: () => socket }),
    headers: { 'user-agent': options.userAgent },
    // It would cost memory and time for each connection.
    perMessageDeflate: false,
  })
}
