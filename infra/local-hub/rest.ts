import type { IncomingMessage, ServerResponse } from 'node:http'
import { AmqpError } from './amqp/errors.js'
import { judgeJwt, judgeSas, type TokenVerdict } from './cbs.js'
import type { EventHub } from './event-hub.js'
import type { HubContext } from './link-router.js'
import { tooLarge } from './producer-link.js'
import { readRestEvents } from './rest-events.js'

const statusOfCondition: Readonly<Record<string, number>> = {
  'amqp:unauthorized-access': 401,
  'amqp:not-allowed': 403,
  'com.microsoft:entity-disabled': 403,
  'amqp:resource-limit-exceeded': 403,
  'amqp:not-found': 404,
  'amqp:link:message-size-exceeded': 413,
  'com.microsoft:argument-error': 400,
  'com.microsoft:argument-out-of-range': 400,
  'amqp:decode-error': 400,
  'com.microsoft:server-busy': 503,
}

interface Answer {
  readonly status: number
  readonly detail?: string
  readonly headers?: Readonly<Record<string, string>>
}

interface RestTarget {
  readonly eventHubName: string
  readonly partitionId: string | undefined
}

/** Serves `POST /{hub}/messages` and `POST /{hub}/partitions/{id}/messages`, as the service's REST interface does. */
export function restHandler(context: HubContext): (request: IncomingMessage, response: ServerResponse) => void {
  const { faults } = context
  return (request, response) => {
    // A request that is dropped half way is nobody's error here.
    request.on('error', () => {})
    response.on('error', () => {})
    if (faults.refuseConnections) {
      request.socket.destroy()
      return
    }
    // Taken and never answered: the socket stays open until the client gives up or the hub is closed.
    if (faults.silence) {
      request.resume()
      return
    }
    answer(request, context).then(
      (result) => {
        if (result === 'no-answer') return
        if (result === 'destroy') request.socket.destroy()
        else if (faults.latencyInMs === 0) respond(request, response, result)
        else setTimeout(() => respond(request, response, result), faults.latencyInMs).unref()
      },
      () => respond(request, response, { status: 500, detail: 'The local hub failed on this request.' }),
    )
  }
}

async function answer(request: IncomingMessage, context: HubContext): Promise<Answer | 'no-answer' | 'destroy'> {
  const target = parseTarget(request.url ?? '')
  if (target === undefined)
    return { status: 404, detail: 'Use POST /{event hub}/messages or /{event hub}/partitions/{id}/messages.' }
  if (request.method !== 'POST') return { status: 405, detail: 'Use POST.', headers: { Allow: 'POST' } }
  const verdict = await authorize(request.headers.authorization, target, context)
  if (!verdict.ok) return { status: 401, detail: verdict.reason }
  if (!verdict.rights.includes('send') && !verdict.rights.includes('manage')) {
    return { status: 403, detail: "Unauthorized access. 'Send' claim(s) are required to perform this operation." }
  }
  const eventHub = context.findEventHub(target.eventHubName)
  const partitionExists =
    target.partitionId === undefined || eventHub?.partitions.some(({ log }) => log.id === target.partitionId)
  if (eventHub === undefined || !partitionExists)
    return { status: 404, detail: 'The messaging entity could not be found.' }
  const body = await readBody(request, context.maxMessageSizeInBytes)
  if (body === 'aborted') return 'no-answer'
  if (typeof body === 'number')
    return {
      status: 413,
      detail: tooLarge(body, context.maxMessageSizeInBytes).message,
      headers: { Connection: 'close' },
    }
  return send(request, body, eventHub, target.partitionId, context)
}

function send(
  request: IncomingMessage,
  body: Buffer,
  eventHub: EventHub,
  partitionId: string | undefined,
  context: HubContext,
): Answer | 'no-answer' | 'destroy' {
  const { throttle } = context.faults
  const fault = context.faults.takeSendFault(eventHub.name, partitionId)
  if (throttle !== undefined) {
    const { httpStatus = 503, retryAfterInSeconds = 4 } = throttle
    return {
      status: httpStatus,
      detail: 'The server is busy. Please retry the operation.',
      headers: { 'Retry-After': String(retryAfterInSeconds) },
    }
  }
  if (fault?.kind === 'reject') return answerTo(fault.error)
  if (fault?.kind === 'detach' && !fault.afterStoring) return 'destroy'
  try {
    // All of a batch is read before any of it is stored.
    for (const event of readRestEvents(request, body)) {
      const partition =
        partitionId === undefined ? eventHub.choosePartition(event.partitionKey) : eventHub.partition(partitionId)
      partition.log.append([event])
    }
  } catch (error) {
    if (!(error instanceof AmqpError)) throw error
    return answerTo(error)
  }
  if (fault?.kind === 'detach') return 'destroy'
  return fault === undefined ? { status: 201 } : 'no-answer'
}

function answerTo(error: AmqpError): Answer {
  return { status: statusOfCondition[error.condition] ?? 500, detail: error.message }
}

/** Names are compared without regard to case, as everywhere. */
function parseTarget(url: string): RestTarget | undefined {
  const path = url.split('?', 1)[0] ?? ''
  let segments: string[]
  try {
    segments = path
      .split('/')
      .filter((segment) => segment !== '')
      .map(decodeURIComponent)
  } catch {
    return undefined
  }
  const [eventHubName, second, third, fourth, ...more] = segments
  if (eventHubName === undefined || more.length > 0) return undefined
  if (second?.toLowerCase() === 'messages' && third === undefined) return { eventHubName, partitionId: undefined }
  const toPartition = second?.toLowerCase() === 'partitions' && fourth?.toLowerCase() === 'messages'
  return toPartition && third !== undefined ? { eventHubName, partitionId: third } : undefined
}

async function authorize(header: string | undefined, target: RestTarget, context: HubContext): Promise<TokenVerdict> {
  if (header === undefined) return { ok: false, reason: 'MissingToken: The request has no Authorization header.' }
  const hubPath = target.eventHubName.toLowerCase()
  const path = target.partitionId === undefined ? hubPath : `${hubPath}/partitions/${target.partitionId}`
  const bearer = /^Bearer\s+(\S+)$/i.exec(header)?.[1]
  if (bearer !== undefined) return judgeJwt(bearer, `sb://localhost/${target.eventHubName}`, context.rules)
  return judgeSas(header, path, context.rules)
}

/** The body; its size so far, as soon as that is over the limit. */
function readBody(request: IncomingMessage, limitInBytes: number): Promise<Buffer | number | 'aborted'> {
  const announced = Number(request.headers['content-length'] ?? 0)
  if (announced > limitInBytes) return Promise.resolve(announced)
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= limitInBytes) chunks.push(chunk)
      else resolve(size)
    })
    request.on('end', () => resolve(Buffer.concat(chunks)))
    request.on('close', () => resolve('aborted'))
  })
}

function respond(request: IncomingMessage, response: ServerResponse, { status, detail, headers = {} }: Answer): void {
  // What is left of a body that was not read is taken and dropped, so that a client still sending sees the answer.
  request.resume()
  if (response.destroyed) return
  const body = detail === undefined ? '' : `<Error><Code>${status}</Code><Detail>${escapeXml(detail)}</Detail></Error>`
  const type = detail === undefined ? {} : { 'Content-Type': 'application/xml; charset=utf-8' }
  response.writeHead(status, { ...type, 'Content-Length': Buffer.byteLength(body), ...headers })
  response.end(body)
}

function escapeXml(text: string): string {
  return text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`)
}
