import type { Clock } from '../../../core/clock.js'
import { EventHubError } from '../../../core/errors.js'
import type { Environment } from '../environment.js'
import { post } from './http.js'
import { type AwsCredentials, signedHeaders } from './signature.js'

/** The services that are asked, by their name in signatures and host names. */
export type AwsService = 'sts' | 'secretsmanager' | 'ssm' | 'sqs'

export interface AwsCall {
  readonly service: AwsService
  /** The action, for error messages. */
  readonly action: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Default: the function's own. */
  readonly region?: string | undefined
}

/** As whom AWS is called, and by which clock; both are replaced in tests. */
export interface AwsCaller {
  /** Where Lambda puts the function's credentials and region. */
  readonly environment: Environment
  /** The source of time. */
  readonly clock: Clock
}

export interface CallLimits {
  /** For all attempts, in milliseconds. Default, and most: 5000. */
  readonly timeInMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Longest time for all attempts of a call, in milliseconds, where the caller has more. */
const longestCallInMs = 5_000
/** Longest time for one attempt: an answer takes a few hundredths of a second, connecting included. */
const longestAttemptInMs = 2_000
const attempts = 3
const pauseInMs = 100

/**
 * Calls an AWS API with the function's own role and resolves to the answer's text. Signed here, by hand: an SDK would
 * weigh more than all the rest of the zip, and the one in the runtime may lack a new action.
 *
 * Tries again after a network error, throttling or a fault of the service.
 *
 * @throws EventHubError `authentication-failed`, retryable when a repetition may help; never with a secret in it
 */
export async function callAws(
  call: AwsCall,
  caller: AwsCaller,
  { timeInMs = longestCallInMs, signal }: CallLimits = {},
): Promise<string> {
  const { environment, clock } = caller
  const credentials = credentialsFrom(environment)
  const region = call.region ?? regionFrom(environment)
  const url = endpointOf(call.service, region, environment)
  const deadline = clock.monotonicNow() + Math.min(timeInMs, longestCallInMs)
  let failure: EventHubError | undefined
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const left = deadline - clock.monotonicNow()
    if (left <= 0 || signal?.aborted) break
    const headers = signedHeaders(
      { method: 'POST', url, headers: call.headers, body: call.body },
      credentials,
      { region, service: call.service },
      clock.wallNow(),
    )
    const outcome = await tryOnce(call, url, headers, { timeInMs: Math.min(left, longestAttemptInMs), signal }, clock)
    if (typeof outcome === 'string') return outcome
    failure = outcome
    if (!failure.retryable || signal?.aborted) break
    if (attempt < attempts) await pause(Math.min(pauseInMs * 2 ** (attempt - 1), left), clock)
  }
  throw failure ?? callError(call, 'there was no time left for it', { retryable: true })
}

async function tryOnce(
  call: AwsCall,
  url: URL,
  headers: Readonly<Record<string, string>>,
  { timeInMs, signal }: { readonly timeInMs: number; readonly signal: AbortSignal | undefined },
  clock: Clock,
): Promise<string | EventHubError> {
  const controller = new AbortController()
  const abort = () => controller.abort()
  const cancel = clock.schedule(timeInMs, abort)
  signal?.addEventListener('abort', abort, { once: true })
  try {
    const { status, body } = await post(url, headers, call.body, controller.signal)
    if (status === 200) return body
    const code = errorCodeIn(body)
    const retryable = status >= 500 || status === 429 || /throttl|toomanyrequests|requestlimit/i.test(code ?? '')
    return callError(call, `AWS answered ${status}${code ? ` ${code}` : ''}.${adviceOn(code)}`, { retryable })
  } catch (cause) {
    const reason = controller.signal.aborted ? `no answer came in ${timeInMs} ms` : 'the connection failed'
    return callError(call, `${reason}. In a VPC the service needs a NAT gateway or an interface endpoint.`, {
      retryable: true,
      cause,
    })
  } finally {
    cancel()
    signal?.removeEventListener('abort', abort)
  }
}

/** By code alone: what AWS says beside it may quote what was asked. */
function errorCodeIn(body: string): string | undefined {
  const match =
    /<Code>([\w.]{1,100})<\/Code>/.exec(body) ?? /"(?:__type|Code)"\s*:\s*"(?:[^"]*#)?(\w{1,100})"/.exec(body)
  return match?.[1]
}

const advice: Readonly<Record<string, string>> = {
  OutboundWebIdentityFederationDisabledException:
    'Turn it on once for the account: aws iam enable-outbound-web-identity-federation',
  OutboundWebIdentityFederationDisabled:
    'Turn it on once for the account: aws iam enable-outbound-web-identity-federation',
  AccessDenied: "Allow the action in the function's role.",
  AccessDeniedException: "Allow the action, and for a key of your own kms:Decrypt, in the function's role.",
  ResourceNotFoundException: 'There is no such secret in this account and region.',
  ParameterNotFound: 'There is no such parameter in this account and region.',
  ExpiredTokenException: "The function's own credentials have expired; the next instance has new ones.",
}

function adviceOn(code: string | undefined): string {
  const known = code === undefined ? undefined : advice[code]
  return known ? ` ${known}` : ''
}

function callError(
  { service, action }: AwsCall,
  reason: string,
  details: { readonly retryable: boolean; readonly cause?: unknown },
): EventHubError {
  return new EventHubError(`${service}:${action} failed: ${reason}`, { code: 'authentication-failed', ...details })
}

function pause(timeInMs: number, clock: Clock): Promise<void> {
  return new Promise((resolve) => void clock.schedule(timeInMs, resolve))
}

/** Read for each call: Lambda sets them per instance, and tests per call. */
function credentialsFrom(environment: Environment): AwsCredentials {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = environment
  if (AWS_ACCESS_KEY_ID && AWS_SECRET_ACCESS_KEY) {
    return {
      accessKeyId: AWS_ACCESS_KEY_ID,
      secretAccessKey: AWS_SECRET_ACCESS_KEY,
      sessionToken: AWS_SESSION_TOKEN || undefined,
    }
  }
  throw new EventHubError(
    'There are no AWS credentials in the environment. Lambda sets AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN from the function’s role; elsewhere set them, such as by: eval "$(aws configure export-credentials --format env)"',
    { code: 'authentication-failed' },
  )
}

function regionFrom({ AWS_REGION, AWS_DEFAULT_REGION }: Environment): string {
  const region = AWS_REGION || AWS_DEFAULT_REGION
  if (region) return region
  throw new EventHubError('AWS_REGION is not set. Lambda sets it; elsewhere set it to the region of the function.', {
    code: 'authentication-failed',
  })
}

const endpointVariables: Readonly<Record<AwsService, string>> = {
  sts: 'AWS_ENDPOINT_URL_STS',
  secretsmanager: 'AWS_ENDPOINT_URL_SECRETS_MANAGER',
  ssm: 'AWS_ENDPOINT_URL_SSM',
  sqs: 'AWS_ENDPOINT_URL_SQS',
}

/** The variables are those of the AWS SDKs, for VPC endpoints, other partitions and tests. */
function endpointOf(service: AwsService, region: string, environment: Environment): URL {
  const variables = [endpointVariables[service], 'AWS_ENDPOINT_URL']
  const variable = variables.find((name) => environment[name])
  const given = variable && environment[variable]
  if (given && URL.canParse(given)) return new URL(given)
  if (given) {
    throw new EventHubError(`${variable} must be a URL, such as https://vpce-….vpce.amazonaws.com.`, {
      code: 'authentication-failed',
    })
  }
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
  return new URL(`https://${service}.${region}.${suffix}/`)
}
