import type { APIGatewayProxyEvent, APIGatewayProxyEventV2 } from 'aws-lambda'
import { hasStrings, isObject } from './shape.js'

/** A request as Lambda got it: a Function URL's or an HTTP API's (format 2.0), or a REST API's (format 1.0). */
export type HttpEvent = APIGatewayProxyEventV2 | APIGatewayProxyEvent

/** One of the events of a request. */
export interface HttpItem {
  /** The request that it came in. */
  readonly request: HttpRequest
  /** Position in a JSON array; otherwise 0. */
  readonly index: number
  /** The parsed JSON; undefined for a body of another type. */
  readonly value: unknown
}

/** What is the same in every payload format. */
export interface HttpRequest {
  /** Upper case, such as `POST`. */
  readonly method: string
  /** That the request was sent to. */
  readonly domainName: string
  /** Without the query. */
  readonly path: string
  /** By lower-case name; repeated ones joined by commas. */
  readonly headers: Readonly<Record<string, string>>
  /** The first value of each. */
  readonly query: Readonly<Record<string, string>>
  /** As AWS names the request. */
  readonly requestId: string
  /** Milliseconds since the Unix epoch. */
  readonly timeEpoch: number | undefined
  /** Its bytes; none for an empty one. */
  readonly body: Uint8Array
  /** Whether an authorizer of AWS let the caller in: IAM, JWT, Cognito or Lambda. No caller can forge it. */
  readonly isAuthorizedByAws: boolean
}

export function isHttpEvent(event: unknown): event is HttpEvent {
  return isFormat2(event) || isFormat1(event)
}

function isFormat2(event: unknown): event is APIGatewayProxyEventV2 {
  return (
    hasStrings(event, 'version', 'rawPath') &&
    event.version === '2.0' &&
    isObject(event.headers) &&
    hasStrings(event.requestContext, 'requestId') &&
    hasStrings(event.requestContext.http, 'method')
  )
}

/** HTTP APIs can be told to use format 1.0 too; it is told by what REST APIs send. */
function isFormat1(event: unknown): event is APIGatewayProxyEvent {
  return (
    hasStrings(event, 'httpMethod', 'path', 'resource') &&
    isObject(event.requestContext) &&
    hasStrings(event.requestContext, 'requestId')
  )
}

export function readRequest(event: HttpEvent): HttpRequest {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(event.headers ?? {})) {
    if (value !== undefined) headers[name.toLowerCase()] = value
  }
  const beside = {
    headers,
    query: firstValues(event),
    body: event.body ? Buffer.from(event.body, event.isBase64Encoded ? 'base64' : 'utf8') : new Uint8Array(0),
  }
  if (isFormat2(event)) {
    const { requestContext, rawPath: path } = event
    const { domainName, requestId, timeEpoch, http } = requestContext
    const isAuthorizedByAws = isAuthorizedInFormat2(requestContext)
    return { ...beside, method: http.method, domainName, path, requestId, timeEpoch, isAuthorizedByAws }
  }
  const { requestContext, httpMethod: method, path } = event
  const { domainName = 'localhost', requestId, requestTimeEpoch: timeEpoch } = requestContext
  const isAuthorizedByAws = isAuthorizedInFormat1(requestContext)
  return { ...beside, method, domainName, path, requestId, timeEpoch, isAuthorizedByAws }
}

/** AWS adds an authorizer's findings to the event itself; no caller can. Without an authorizer there is no such field. */
export function isAuthorizedInFormat2(requestContext: object): boolean {
  const { authorizer } = requestContext as { authorizer?: unknown }
  return isObject(authorizer) && Object.keys(authorizer).length > 0
}

/**
 * REST APIs say so of IAM under `identity`, of every other authorizer under `authorizer`. An HTTP API without an
 * authorizer has the field too, with nothing in it: `{ "claims": null, "scopes": null }`.
 *
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
function isAuthorizedInFormat1({ authorizer, identity }: APIGatewayProxyEvent['requestContext']): boolean {
  const found = isObject(authorizer) ? Object.values(authorizer) : []
  return found.some((value) => value !== null && value !== undefined) || typeof identity?.userArn === 'string'
}

/** Format 2.0 joins repeated parameters by commas, so its query is read from the text. */
function firstValues(event: HttpEvent): Record<string, string> {
  if (isFormat2(event)) {
    const first: Record<string, string> = {}
    for (const [name, value] of new URLSearchParams(event.rawQueryString)) first[name] ??= value
    return first
  }
  const given = Object.entries(event.multiValueQueryStringParameters ?? {}).map(([name, values]) => [name, values?.[0]])
  return Object.fromEntries(given.filter(([, value]) => value !== undefined))
}
