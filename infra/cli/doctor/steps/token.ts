import { isNamedKey, isTokenCredential } from '../../../../core/auth/credential.js'
import type { AuthToken } from '../../../../core/transport.js'
import { audienceOf } from '../../amqp/place.js'
import { reaches, readSignature } from '../signature.js'
import { type Finding, failed, ok, type Step, type StepLimits, warning } from '../step.js'
import { messageOf, quoted, spanOf, timeOf } from '../text.js'
import type { Visit } from '../visit.js'
import { harmfulSkewInMs, setTheClock } from './clock.js'

/** The token that the service is going to be shown. */
export const token: Step = {
  id: 'token',
  needs: ['settings', 'tls'],
  limitInMs: 20_000,
  async run(visit, limits) {
    const { credential } = visit.place
    if (isTokenCredential(credential)) return fetched(visit, limits)
    if (isNamedKey(credential)) return signed(visit, credential, limits)
    return given(visit, credential.signature)
  },
  timedOut: () =>
    failed('token-timeout', 'No token was there in time', [
      'Microsoft Entra, or whoever answers for it (managed identity, az login), did not answer: check the network to login.microsoftonline.com.',
    ]),
}

async function take(visit: Visit, limits: StepLimits): Promise<AuthToken> {
  visit.token = await visit.context.tokens.getToken(audienceOf(visit.place), limits)
  return visit.token
}

async function signed(
  visit: Visit,
  { name, key }: { name: string; key: string },
  limits: StepLimits,
): Promise<Finding> {
  const { expiresOn } = await take(visit, limits)
  const details = { kind: 'key', keyName: quoted(name), resource: audienceOf(visit.place), expires: timeOf(expiresOn) }
  const summary = `Signed with the key named ${quoted(name)}, good until ${timeOf(expiresOn)}`
  // The portal's keys are 32 bytes as base64; a key of one's own may be another text.
  if (key !== key.trim() || /\s/.test(key)) {
    return warning('key-has-space', `${summary}; the key has white space in it`, ['Copy the key anew, whole.'], details)
  }
  return ok(summary, details)
}

function given(visit: Visit, signature: string): Finding {
  const parts = readSignature(signature)
  if (typeof parts === 'string') {
    return failed('token-malformed', `The SharedAccessSignature cannot be read: ${parts}`, [
      'It looks like: SharedAccessSignature sr=…&sig=…&se=…&skn=…. Copy it anew, whole.',
    ])
  }
  const { keyName, resource, expiresOn } = parts
  const details = {
    kind: 'signature',
    keyName: quoted(keyName),
    resource: quoted(resource),
    expires: timeOf(expiresOn),
  }
  const left = expiresOn - visit.serviceNow
  const leftHere = expiresOn - visit.seams.clock.wallNow()
  if (left <= 0) {
    const advice = ['Have a new one made. With a key in the connection string, Sluice signs anew by itself.']
    if (visit.skewInMs === undefined)
      advice.push(`If this machine's clock is wrong, set it: it says ${timeOf(visit.seams.clock.wallNow())}.`)
    return failed(
      'token-expired',
      `The SharedAccessSignature expired ${spanOf(left)} ago, on ${timeOf(expiresOn)}`,
      advice,
      details,
    )
  }
  visit.token = { token: signature, type: 'servicebus.windows.net:sastoken', refreshAfter: expiresOn, expiresOn }
  const summary = `A signature by the key named ${quoted(keyName)} for ${quoted(resource)}, good for ${spanOf(left)}`
  if (leftHere <= 0)
    return warning('clock-skewed', `${summary}; by this machine's clock it has ended`, [setTheClock], details)
  if (!reaches(resource, visit.place)) {
    return warning(
      'token-scope',
      summary,
      [`It does not seem to reach ${audienceOf(visit.place)}: see what the service says, below.`],
      details,
    )
  }
  if (left < harmfulSkewInMs * 5)
    return warning('token-ends-soon', summary, ['Have a new one made before it ends.'], details)
  return ok(summary, details)
}

async function fetched(visit: Visit, limits: StepLimits): Promise<Finding> {
  try {
    const { token: jwt, expiresOn } = await take(visit, limits)
    const claims = readJwt(jwt)
    const details = { kind: 'identity', ...claims, expires: timeOf(expiresOn) }
    return ok(
      `An Entra token${claims.identity ? ` of ${claims.identity}` : ''}, good for ${spanOf(expiresOn - visit.serviceNow)}`,
      details,
    )
  } catch (error) {
    limits.signal.throwIfAborted()
    return failed('token-unavailable', `No identity is at hand: ${messageOf(error)}`, [
      'Run `az login`, or set AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET, or use a managed identity.',
      'Or use a connection string.',
    ])
  }
}

/** Whose token it is. None of these is a secret; the token itself is not kept. */
function readJwt(jwt: string): Record<string, string> {
  try {
    const payload: unknown = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString('utf8'))
    const { appid, oid, tid, aud } = payload as Record<string, unknown>
    const named = { identity: appid ?? oid, tenant: tid, audience: aud }
    return Object.fromEntries(
      Object.entries(named).flatMap(([name, value]) => (typeof value === 'string' ? [[name, quoted(value)]] : [])),
    )
  } catch {
    return {}
  }
}
