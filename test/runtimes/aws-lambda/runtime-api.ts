import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type Chunk,
  createInvocations,
  type Invocations,
  type Outcome,
  type ReportedError,
  type RunningInvocation,
} from './invocations.js'

/** Lambda's side of the Runtime API, for one execution environment. */
export interface RuntimeApi extends Pick<Invocations, 'invoke' | 'idle' | 'processExited'> {
  /** `host:port`, for `AWS_LAMBDA_RUNTIME_API`. */
  readonly address: string
  /** What the runtime has reported of its initialization. */
  readonly initErrors: readonly ReportedError[]
  /** Requests that Lambda would have refused: a second answer, an unknown invocation, another path. */
  readonly violations: readonly string[]
  close(): Promise<void>
}

const functionArn = 'arn:aws:lambda:eu-west-1:123456789012:function:forwarder'
const base = '/2018-06-01/runtime'

/**
 * A Runtime API of our own, on loopback.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
export async function startRuntimeApi(): Promise<RuntimeApi> {
  const invocations = createInvocations()
  const initErrors: ReportedError[] = []
  const violations: string[] = []

  const refuse = (response: ServerResponse, status: number, violation: string): void => {
    violations.push(violation)
    sendJson(response, status, { errorType: 'InvalidRequest', errorMessage: violation })
  }

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const route = `${request.method} ${request.url}`
    if (route === `GET ${base}/invocation/next`) {
      response.on(
        'close',
        invocations.next((invocation) => sendInvocation(response, invocation)),
      )
      return
    }
    if (route === `POST ${base}/init/error`) {
      initErrors.push(JSON.parse((await read(request)).text))
      return sendJson(response, 202, { status: 'OK' })
    }
    const [, requestId = '', what] = /^POST .*\/invocation\/([^/]+)\/(response|error)$/.exec(route) ?? []
    const invocation = invocations.running(requestId)
    if (what === undefined) return refuse(response, 404, route)
    if (invocation === undefined) return refuse(response, 400, `${what} for an invocation that is not running`)
    const outcome = await readOutcome(request, what, invocation)
    // A stream may have outlasted the deadline.
    if (!invocations.end(requestId, outcome)) return refuse(response, 400, `${what} after the deadline`)
    sendJson(response, 202, { status: 'OK' })
  }

  const server = createServer((request, response) => {
    // Only a connection that breaks makes it reject: then nobody is there to be answered.
    serve(request, response).catch(() => response.destroy())
  })
  // An idle runtime waits for days.
  server.requestTimeout = 0
  server.keepAliveTimeout = 0
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    initErrors,
    violations,
    invoke: invocations.invoke,
    idle: invocations.idle,
    processExited: invocations.processExited,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function sendInvocation(response: ServerResponse, { requestId, deadline, event }: RunningInvocation): void {
  sendJson(response, 200, event, {
    'lambda-runtime-aws-request-id': requestId,
    'lambda-runtime-deadline-ms': String(deadline),
    'lambda-runtime-invoked-function-arn': functionArn,
    'lambda-runtime-trace-id': `Root=1-${requestId.slice(0, 8)}-${'0'.repeat(24)};Sampled=0`,
  })
}

function sendJson(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

async function readOutcome(
  request: IncomingMessage,
  what: string,
  { handedOutAt }: RunningInvocation,
): Promise<Outcome> {
  const { text, chunks } = await read(request, handedOutAt)
  if (what === 'error') return { kind: 'error', error: JSON.parse(text) }
  if (request.headers['lambda-runtime-function-response-mode'] !== 'streaming') {
    return { kind: 'response', payload: JSON.parse(text) }
  }
  // A stream that fails says so behind its last part.
  const failure = request.trailers['lambda-runtime-function-error-body']
  return {
    kind: 'stream',
    contentType: request.headers['content-type'],
    chunks,
    error: failure === undefined ? undefined : JSON.parse(Buffer.from(failure, 'base64').toString('utf8')),
  }
}

async function read(request: IncomingMessage, since = Date.now()): Promise<{ text: string; chunks: Chunk[] }> {
  const chunks: Chunk[] = []
  request.setEncoding('utf8')
  for await (const text of request) chunks.push({ text, atInMs: Date.now() - since })
  return { text: chunks.map(({ text }) => text).join(''), chunks }
}
