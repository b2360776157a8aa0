import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { callAws } from '../../../../adapters/aws-lambda/aws/call.js'
import { readStoredText } from '../../../../adapters/aws-lambda/aws/stored-text.js'
import { getWebIdentityToken } from '../../../../adapters/aws-lambda/aws/web-identity.js'
import { systemClock } from '../../../../core/clock.js'
import { everythingShownBy } from '../../../support/thrown.js'
import { VirtualClock } from '../../../support/virtual-clock.js'
import { type AwsAnswer, type AwsRequest, startFakeAws, webIdentityAnswer } from './fake-aws.js'

let aws: Awaited<ReturnType<typeof startFakeAws>>
let answer: (request: AwsRequest, count: number) => AwsAnswer | Promise<AwsAnswer>

beforeEach(async () => {
  answer = () => ({ body: 'done' })
  aws = await startFakeAws((request, count) => answer(request, count))
})
afterEach(() => aws.close())

const caller = (environment: Record<string, string | undefined> = {}) => ({
  environment: { ...aws.environment, ...environment },
  clock: systemClock,
})
const call = {
  service: 'ssm',
  action: 'GetParameter',
  headers: { 'x-amz-target': 'AmazonSSM.GetParameter' },
  body: '{"ü":1}',
} as const

async function rejectionOf(promise: Promise<unknown>): Promise<Error> {
  const outcome = await promise.catch((error: unknown) => error)
  if (outcome instanceof Error) return outcome
  throw new Error('It did not reject.')
}

describe('a call', () => {
  test('is signed so that the service accepts it, session token included', async () => {
    expect(await callAws(call, caller())).toBe('done')
    expect(aws.refusals).toEqual([])
    expect(aws.requests).toEqual([
      {
        service: 'ssm',
        region: 'eu-west-1',
        target: 'AmazonSSM.GetParameter',
        contentType: undefined,
        body: call.body,
      },
    ])
  })

  test('with a key that is not the right one is refused, and the error repeats no key', async () => {
    const secret = 'not-the-right-key'
    const error = await rejectionOf(callAws(call, caller({ AWS_SECRET_ACCESS_KEY: secret })))
    expect(aws.refusals).toEqual(['wrong signature'])
    expect(error).toMatchObject({ code: 'authentication-failed', retryable: false, outcome: 'returned' })
    expect(error.message).toContain('ssm:GetParameter failed: AWS answered 403 InvalidSignatureException')
    expect(everythingShownBy(error)).not.toContain(secret)
  })

  test.each<[string, AwsAnswer]>([
    ['a fault of the service', { status: 500, body: 'oops' }],
    ['throttling', { status: 400, body: '{"__type":"ThrottlingException"}' }],
    ['too many requests', { status: 429, body: '' }],
  ])('is made again after %s', async (_, first) => {
    answer = (_, count) => (count === 1 ? first : { body: 'second' })
    expect(await callAws(call, caller())).toBe('second')
    expect(aws.requests).toHaveLength(2)
  })

  test('is given up after three attempts, as an error that a repetition may cure', async () => {
    answer = () => ({ status: 503, body: '' })
    await expect(callAws(call, caller())).rejects.toMatchObject({ code: 'authentication-failed', retryable: true })
    expect(aws.requests).toHaveLength(3)
  })

  test('is not made again when it was refused', async () => {
    answer = () => ({ status: 400, body: '{"__type":"com.amazonaws.ssm#ParameterNotFound","message":"secret-word"}' })
    const error = await rejectionOf(callAws(call, caller()))
    expect(error.message).toContain('400 ParameterNotFound. There is no such parameter')
    expect(error.message).not.toContain('secret-word')
    expect(aws.requests).toHaveLength(1)
  })

  test('that gets no answer ends when its time is up', async () => {
    answer = () => new Promise(() => {})
    const startedAt = performance.now()
    await expect(callAws(call, caller(), { timeInMs: 150 })).rejects.toMatchObject({ retryable: true })
    expect(performance.now() - startedAt).toBeLessThan(1000)
  })

  test('ends when its caller gives up', async () => {
    const controller = new AbortController()
    answer = () => {
      controller.abort()
      return new Promise(() => {})
    }
    await expect(callAws(call, caller(), { signal: controller.signal })).rejects.toMatchObject({ retryable: true })
    expect(aws.requests).toHaveLength(1)
  })

  test('to where nobody listens says that the connection failed', async () => {
    await aws.close()
    await expect(callAws(call, caller())).rejects.toThrow(/the connection failed.*interface endpoint/)
  })

  test.each([
    [{ AWS_ACCESS_KEY_ID: '' }, /no AWS credentials/],
    [{ AWS_REGION: '' }, /AWS_REGION is not set/],
  ])('without %j says what is missing', async (environment, words) => {
    await expect(callAws(call, caller(environment))).rejects.toThrow(words)
    expect(aws.requests).toEqual([])
  })

  test('goes to the endpoint of its own service before the common one', async () => {
    const common = { AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_ENDPOINT_URL_SSM: aws.url }
    expect(await callAws(call, caller(common))).toBe('done')
  })
})

describe('a web identity token', () => {
  const token = 'eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2lnbmF0dXJl-_'

  test('is asked of the regional STS for the audience, signed by RS256', async () => {
    answer = () => webIdentityAnswer(token)
    expect(await getWebIdentityToken('api://AzureADTokenExchange', caller())).toBe(token)
    expect(aws.refusals).toEqual([])
    const [{ service, contentType, body }] = aws.requests as [AwsRequest]
    expect(service).toBe('sts')
    expect(contentType).toContain('application/x-www-form-urlencoded')
    expect(Object.fromEntries(new URLSearchParams(body))).toEqual({
      Action: 'GetWebIdentityToken',
      Version: '2011-06-15',
      'Audience.member.1': 'api://AzureADTokenExchange',
      SigningAlgorithm: 'RS256',
      DurationSeconds: '300',
    })
  })

  test('where the account has not turned federation on says how to', async () => {
    const code = 'OutboundWebIdentityFederationDisabledException'
    answer = () => ({ status: 403, body: `<ErrorResponse><Error><Code>${code}</Code></Error></ErrorResponse>` })
    await expect(getWebIdentityToken('x', caller())).rejects.toThrow(/aws iam enable-outbound-web-identity-federation/)
  })

  test('that is missing in the answer is an error', async () => {
    answer = () => ({ body: '<GetWebIdentityTokenResponse/>' })
    await expect(getWebIdentityToken('x', caller())).rejects.toThrow(/without a token/)
  })
})

describe('a stored text', () => {
  test.each([
    [
      'a secret',
      { kind: 'secret', id: 'prod/eventhub', jsonKey: undefined },
      'the text',
      'secretsmanager.GetSecretValue',
      { SecretId: 'prod/eventhub' },
    ],
    [
      'a member of a secret',
      { kind: 'secret', id: 'prod/eventhub', jsonKey: 'cs' },
      '{"cs":" the text\\n"}',
      'secretsmanager.GetSecretValue',
      { SecretId: 'prod/eventhub' },
    ],
    [
      'a parameter',
      { kind: 'parameter', name: '/prod/eventhub' },
      'the text',
      'AmazonSSM.GetParameter',
      { Name: '/prod/eventhub', WithDecryption: true },
    ],
  ] as const)('is read from %s', async (_, store, stored, target, asked) => {
    answer = ({ service }) => ({
      body: JSON.stringify(service === 'ssm' ? { Parameter: { Value: stored } } : { SecretString: stored }),
    })
    expect(await readStoredText(store, caller())).toBe('the text')
    expect(aws.refusals).toEqual([])
    expect(aws.requests).toMatchObject([{ target, contentType: 'application/x-amz-json-1.1' }])
    expect(JSON.parse(aws.requests[0]!.body)).toEqual(asked)
  })

  test('is asked of the region that its ARN names', async () => {
    answer = () => ({ body: JSON.stringify({ SecretString: 'text' }) })
    const id = 'arn:aws:secretsmanager:us-east-2:123456789012:secret:eventhub-AbCdEf'
    await readStoredText({ kind: 'secret', id, jsonKey: undefined }, caller())
    expect(aws.requests[0]!.region).toBe('us-east-2')
  })

  test.each([
    [
      { kind: 'secret', id: 'eventhub', jsonKey: undefined },
      { SecretBinary: 'c2VjcmV0' },
      /secret eventhub holds no text/,
    ],
    [
      { kind: 'secret', id: 'eventhub', jsonKey: 'cs' },
      { SecretString: 'secret-word' },
      /no JSON object with the text cs/,
    ],
    [{ kind: 'parameter', name: '/hub' }, { Parameter: { Value: ' ' } }, /parameter \/hub holds no text/],
  ] as const)('of %j that is not there says so, and repeats nothing', async (store, body, words) => {
    answer = () => ({ body: JSON.stringify(body) })
    const error = await rejectionOf(readStoredText(store, caller()))
    expect(error.message).toMatch(words)
    expect(error.message).not.toMatch(/secret-word|c2VjcmV0/)
  })
})

test('an address that is none is named by its variable', async () => {
  const environment = { AWS_ENDPOINT_URL_SSM: 'vpce-1.ssm.eu-west-1.vpce.amazonaws.com' }
  const error = await rejectionOf(callAws(call, caller(environment)))
  expect(error).toMatchObject({ name: 'EventHubError', retryable: false })
  expect(error.message).toContain('AWS_ENDPOINT_URL_SSM')
})

test('a call that is given up leaves no timer behind: the function freezes right after its answer', async () => {
  const clock = new VirtualClock()
  const { signal, abort } = abortable()
  answer = () => {
    abort()
    return { status: 500, body: '' }
  }
  await aws.close()
  aws = await startFakeAws(
    (request, count) => answer(request, count),
    () => clock.wallNow(),
  )
  const error = await rejectionOf(callAws(call, { ...caller(), clock }, { signal }))
  expect(error).toMatchObject({ code: 'authentication-failed', retryable: true })
  expect(clock.pendingTimers).toBe(0)
  expect(aws.requests).toHaveLength(1)
})

function abortable() {
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => controller.abort() }
}
