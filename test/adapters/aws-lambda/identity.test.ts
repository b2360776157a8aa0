import { ClientAssertionCredential } from '@azure/identity'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { defaultCredential, federatedCredential } from '../../../adapters/aws-lambda/identity.js'
import type { TokenCredential } from '../../../adapters/lazy-credential.js'
import { EventHubProducerClient } from '../../../core/client.js'
import { systemClock } from '../../../core/clock.js'
import { startLocalHub } from '../../../infra/local-hub/index.js'
import { createPrivateAuthority } from '../../support/private-authority.js'
import { type AwsAnswer, startFakeAws, webIdentityAnswer } from './aws/fake-aws.js'

const assertion = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhcm46YXdzOmlhbSJ9.c2ln'
const ids = { tenantId: '11111111-2222-3333-4444-555555555555', clientId: '99999999-8888-7777-6666-555555555555' }

let aws: Awaited<ReturnType<typeof startFakeAws>>
let answer: () => AwsAnswer
const caller = () => ({ environment: aws.environment, clock: systemClock })

beforeEach(async () => {
  answer = () => webIdentityAnswer(assertion)
  aws = await startFakeAws(() => answer())
})
afterEach(() => aws.close())

/** Microsoft Entra's token endpoint, in place of the network beneath the real `@azure/identity`. */
function fakeEntra() {
  const requests: { url: string; body: URLSearchParams }[] = []
  const httpClient = {
    async sendRequest(request: { url: string; body?: unknown }) {
      const body = new URLSearchParams(String(request.body ?? ''))
      requests.push({ url: request.url, body })
      const base = `https://login.microsoftonline.com/${ids.tenantId}`
      const value = /openid-configuration/.test(request.url)
        ? {
            issuer: `${base}/v2.0`,
            authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
            token_endpoint: `${base}/oauth2/v2.0/token`,
          }
        : { token_type: 'Bearer', expires_in: 3600, access_token: `token-for-${body.get('client_id')}` }
      const headers = new Map([['content-type', 'application/json']])
      return {
        request,
        status: 200,
        headers: Object.assign(headers, { toJSON: () => Object.fromEntries(headers) }),
        bodyAsText: JSON.stringify(value),
      }
    },
  }
  /** The real credential, over that endpoint. */
  class Credential {
    readonly #real: ClientAssertionCredential
    constructor(tenantId: string, clientId: string, getAssertion: () => Promise<string>) {
      const options = { httpClient, disableInstanceDiscovery: true } as never
      this.#real = new ClientAssertionCredential(tenantId, clientId, getAssertion, options)
    }
    getToken(scopes: string | string[]) {
      return this.#real.getToken(scopes)
    }
  }
  const identityPackage = { ClientAssertionCredential: Credential, DefaultAzureCredential: Credential as never }
  return { requests, identityPackage }
}

describe('the role of the function, federated with Microsoft Entra', () => {
  test('loads nothing and asks nobody until the first token', async () => {
    let loads = 0
    const { identityPackage } = fakeEntra()
    const credential = federatedCredential(ids, caller(), async () => {
      loads++
      return identityPackage
    })
    expect([loads, aws.requests]).toEqual([0, []])
    await credential.getToken('https://eventhubs.azure.net//.default')
    await credential.getToken('https://eventhubs.azure.net//.default')
    expect(loads).toBe(1)
  })

  test('gets its token for an assertion that AWS has signed, and no secret is needed', async () => {
    const entra = fakeEntra()
    const credential = federatedCredential(ids, caller(), async () => entra.identityPackage)
    const token = await credential.getToken('https://eventhubs.azure.net//.default')
    expect(token?.token).toBe(`token-for-${ids.clientId}`)
    expect(aws.refusals).toEqual([])
    const exchange = entra.requests.find(({ url }) => url.includes('/oauth2/v2.0/token'))!
    expect(exchange.url).toContain(ids.tenantId)
    expect(Object.fromEntries(exchange.body)).toMatchObject({
      grant_type: 'client_credentials',
      client_id: ids.clientId,
      scope: expect.stringContaining('https://eventhubs.azure.net//.default'),
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    })
    expect(exchange.body.has('client_secret')).toBe(false)
  })

  test('that AWS refuses to name says what to do', async () => {
    answer = () => ({ status: 403, body: '<Error><Code>AccessDenied</Code></Error>' })
    const credential = federatedCredential(ids, caller(), async () => fakeEntra().identityPackage)
    await expect(credential.getToken('scope')).rejects.toThrow(/sts:GetWebIdentityToken failed.*AccessDenied/)
  })

  test('sends events, and a renewal that fails in the middle of a burst fails none of them', async () => {
    const authority = createPrivateAuthority('Test authority')
    const hub = await startLocalHub({
      eventHubs: { orders: { partitionCount: 1 } },
      tls: authority.issue(['localhost']),
      acceptJwt: (token) => token === `token-for-${ids.clientId}`,
    })
    const hour = 3_600_000
    let passed = 0
    const clock = { ...systemClock, wallNow: () => Date.now() + passed }
    const credential: TokenCredential = {
      async getToken(scopes) {
        // Anew each time: the real credential keeps its token by a clock of its own.
        const token = await federatedCredential(ids, caller(), async () => fakeEntra().identityPackage).getToken(scopes)
        return token && { ...token, expiresOnTimestamp: clock.wallNow() + hour }
      },
    }
    const client = new EventHubProducerClient('localhost', 'orders', credential, {
      customEndpointAddress: `localhost:${hub.amqpsPort}`,
      tls: { ca: authority.ca },
      logger: {},
      clock,
    })
    try {
      const send = async () => {
        const invocation = client.beginInvocation({ timeoutInMs: 10_000 })
        for (let n = 0; n < 20; n++) void invocation.sendEvent({ body: n })
        return invocation.end()
      }
      expect(await send()).toMatchObject({ accepted: 20, failures: [] })
      const before = aws.requests.length
      answer = () => ({ status: 503, body: '' })
      passed = hour - 60_000
      expect(await send()).toMatchObject({ accepted: 20, failures: [] })
      // The renewal runs beside the sends.
      await vi.waitFor(() => expect(aws.requests.length).toBeGreaterThan(before))
      expect(await send()).toMatchObject({ accepted: 20, failures: [] })
      expect(hub.events('orders')).toHaveLength(60)
    } finally {
      await client.close({ flush: false })
      await hub.close()
    }
  })
})

describe('DefaultAzureCredential', () => {
  const token = { token: 'jwt', expiresOnTimestamp: 1 }
  const packageWith = (getToken: () => Promise<typeof token>) => {
    const made = class {
      getToken = getToken
    }
    return { DefaultAzureCredential: made, ClientAssertionCredential: made }
  }

  test('is made once, with the first token', async () => {
    let loads = 0
    const credential = defaultCredential(async () => {
      loads++
      return packageWith(async () => token)
    })
    expect(loads).toBe(0)
    expect(await Promise.all([credential.getToken('scope'), credential.getToken('other')])).toEqual([token, token])
    expect(loads).toBe(1)
  })

  test('whose package is missing says what to add', async () => {
    const missing = Object.assign(new Error("Cannot find package '@azure/identity'"), { code: 'ERR_MODULE_NOT_FOUND' })
    for (const credential of [
      defaultCredential(() => Promise.reject(missing)),
      federatedCredential(ids, caller(), () => Promise.reject(missing)),
    ]) {
      await expect(credential.getToken('scope')).rejects.toMatchObject({
        code: 'authentication-failed',
        message: expect.stringMatching(/npm install @azure\/identity.*--param=fullyQualifiedNamespace/),
        cause: missing,
      })
    }
  })

  test('whose package fails in another way passes that failure on, and is loaded again the next time', async () => {
    const broken = new SyntaxError('unexpected token')
    let loads = 0
    const credential = defaultCredential(() =>
      loads++ === 0 ? Promise.reject(broken) : Promise.resolve(packageWith(async () => token)),
    )
    await expect(credential.getToken('scope')).rejects.toBe(broken)
    expect(await credential.getToken('scope')).toEqual(token)
  })
})
