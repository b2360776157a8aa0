import { EventHubError } from '../../../core/errors.js'
import { type AwsCaller, callAws } from './call.js'

/** What Microsoft Entra expects of a token to be exchanged, unless a federated credential says otherwise. */
export const entraAudience = 'api://AzureADTokenExchange'

/** It is exchanged at once, so it need not live long. In seconds. */
const lifetimeInSeconds = 300

/**
 * A token, signed by AWS, that says which role this function has. Microsoft Entra takes RS256 only.
 *
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html
 * @throws EventHubError `authentication-failed`
 */
export async function getWebIdentityToken(audience: string, caller: AwsCaller): Promise<string> {
  const body = new URLSearchParams({
    Action: 'GetWebIdentityToken',
    Version: '2011-06-15',
    'Audience.member.1': audience,
    SigningAlgorithm: 'RS256',
    DurationSeconds: String(lifetimeInSeconds),
  }).toString()
  const answer = await callAws(
    {
      service: 'sts',
      action: 'GetWebIdentityToken',
      headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
      body,
    },
    caller,
  )
  const token = /<WebIdentityToken>\s*([\w-]+\.[\w-]+\.[\w-]+)\s*<\/WebIdentityToken>/.exec(answer)?.[1]
  if (token !== undefined) return token
  throw new EventHubError('sts:GetWebIdentityToken answered without a token.', { code: 'authentication-failed' })
}
