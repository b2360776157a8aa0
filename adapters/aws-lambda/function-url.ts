import type {
  APIGatewayProxyEventV2,
  APIGatewayProxyStructuredResultV2,
  Context,
  LambdaFunctionURLEvent,
} from 'aws-lambda'
import { flag, kindOf, refuseUnknownOptions } from '../../core/options.js'
import { remainingTimeInMs } from './options.js'
import { isAuthorizedInFormat2 } from './sources/http-request.js'
import { decodeUtf8, hasStrings, isObject } from './sources/shape.js'

/** What a fetch handler may use of the runtime around it. */
export interface FunctionUrlContext {
  /** Milliseconds until Lambda ends this request. */
  remainingTimeInMs?(): number
}

/** Anything that answers a `Request`, such as what `createFetchHandler` makes. */
export interface FetchDoor {
  /** Answers one request. `environment` is the process's own. */
  fetch(request: Request, environment: unknown, context: FunctionUrlContext): Promise<Response> | Response
}

/** Options of `functionUrlHandler`. Unknown names are refused. */
export interface FunctionUrlOptions {
  /**
   * Answer 401 unless AWS has authorized the caller (IAM, JWT or a Lambda authorizer): for a door without keys of its
   * own, so that a URL that was opened by mistake lets nobody in. Default: false.
   */
  readonly requireAuthorizer?: boolean | undefined
}

const optionNames: ReadonlySet<string> = new Set<keyof FunctionUrlOptions>(['requireAuthorizer'])

/**
 * A Lambda handler for a Function URL (or an API Gateway HTTP API, payload format 2.0) that answers with `door`. It
 * passes the function's remaining time on, and no `waitUntil`: nothing runs in Lambda after the answer.
 */
export function functionUrlHandler(
  door: FetchDoor,
  options: FunctionUrlOptions = {},
): (event: LambdaFunctionURLEvent, context: Context) => Promise<APIGatewayProxyStructuredResultV2> {
  // A misspelt option would leave the door open.
  refuseUnknownOptions('functionUrlHandler options', options, optionNames)
  const requireAuthorizer = flag('requireAuthorizer', options.requireAuthorizer, false)
  if (typeof door?.fetch !== 'function') {
    throw new TypeError(
      `functionUrlHandler takes a door first, such as createFetchHandler({ … }); received ${kindOf(door)} without a fetch function.`,
    )
  }
  return async (event, context) => {
    assertIsPayload2(event)
    if (requireAuthorizer && !isAuthorizedInFormat2(event.requestContext)) return fromResponse(unauthorized())
    let request: Request
    try {
      request = toRequest(event)
    } catch {
      // What a caller can send must not count as an error of the function, which rings an alarm.
      return fromResponse(malformed())
    }
    const known = remainingTimeInMs(context)
    const fetchContext: FunctionUrlContext =
      known === undefined ? {} : { remainingTimeInMs: () => remainingTimeInMs(context) ?? 0 }
    return fromResponse(await door.fetch(request, process.env, fetchContext))
  }
}

function unauthorized(): Response {
  return problem(
    401,
    'Unauthorized',
    'This door has no key, and AWS has not authorized the caller. Give the Function URL the authorizer AWS_IAM, or set FRONT_DOOR_KEY.',
  )
}

function malformed(): Response {
  return problem(400, 'Bad request', 'The method, the address or a header of the request cannot be read.')
}

function problem(status: number, title: string, detail: string): Response {
  return new Response(JSON.stringify({ title, status, detail }), {
    status,
    headers: { 'content-type': 'application/problem+json' },
  })
}

/** The `Request` that a payload of format 2.0 stands for. Throws `TypeError` for any other event. */
export function toRequest(event: APIGatewayProxyEventV2): Request {
  assertIsPayload2(event)
  const { requestContext, rawPath, rawQueryString, cookies, body } = event
  const { method } = requestContext.http
  const query = rawQueryString ? `?${rawQueryString}` : ''
  const headers = new Headers()
  // The gateway has joined repeated headers with commas already, cookies apart.
  for (const [name, value] of Object.entries(event.headers)) {
    if (value !== undefined) headers.set(name, value)
  }
  if (cookies && cookies.length > 0) headers.set('cookie', cookies.join('; '))
  const hasBody = body !== undefined && body !== null && method !== 'GET' && method !== 'HEAD'
  return new Request(`https://${requestContext.domainName}${rawPath}${query}`, {
    method,
    headers,
    ...(hasBody ? { body: event.isBase64Encoded ? Buffer.from(body, 'base64') : body } : {}),
  })
}

/** What the function returns for `response`. Bytes that are not UTF-8 text travel as base64. */
export async function fromResponse(response: Response): Promise<APIGatewayProxyStructuredResultV2> {
  const headers: Record<string, string> = {}
  for (const [name, value] of response.headers) {
    // Cookies cannot be joined with commas; the format has a field of their own for them.
    if (name !== 'set-cookie') headers[name] = value
  }
  const cookies = response.headers.getSetCookie()
  const bytes = new Uint8Array(await response.arrayBuffer())
  const text = decodeUtf8(bytes)
  return {
    statusCode: response.status,
    headers,
    ...(cookies.length > 0 ? { cookies } : {}),
    body: text ?? Buffer.from(bytes).toString('base64'),
    isBase64Encoded: text === undefined,
  }
}

function assertIsPayload2(event: unknown): asserts event is APIGatewayProxyEventV2 {
  const ok =
    hasStrings(event, 'version', 'rawPath') &&
    event.version === '2.0' &&
    isObject(event.headers) &&
    hasStrings(event.requestContext, 'domainName') &&
    hasStrings(event.requestContext.http, 'method')
  if (ok) return
  throw new TypeError(
    'This function answers a Lambda Function URL or an API Gateway HTTP API with payload format 2.0. It was invoked with another event: check its trigger, or use forwardToEventHub for queues and events.',
  )
}
