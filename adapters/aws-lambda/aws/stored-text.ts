import { EventHubError } from '../../../core/errors.js'
import { type AwsCall, type AwsCaller, callAws } from './call.js'

/** Where a text is kept: a secret in Secrets Manager, or a parameter in Systems Manager. */
export type TextStore =
  | {
      readonly kind: 'secret'
      /** Its name or ARN. */
      readonly id: string
      /** The member to take of a secret that is a JSON object. */
      readonly jsonKey: string | undefined
    }
  | {
      readonly kind: 'parameter'
      /** Its name or ARN. */
      readonly name: string
    }

/**
 * Reads the text, decrypted. Asked of the service itself and not of the AWS Parameters and Secrets extension: that one
 * answers from its cache, also when the service has just refused the old key, and is a layer to keep up to date.
 *
 * @throws EventHubError `authentication-failed`, never with the text in it
 */
export async function readStoredText(store: TextStore, caller: AwsCaller): Promise<string> {
  const answer = parse(await callAws(callFor(store), caller))
  const text =
    store.kind === 'secret' ? memberOf(answer, 'SecretString') : memberOf(memberOf(answer, 'Parameter'), 'Value')
  if (typeof text !== 'string' || text.trim() === '') throw wrongContent(store, 'holds no text')
  if (store.kind === 'parameter' || store.jsonKey === undefined) return text.trim()
  const member = memberOf(parse(text), store.jsonKey)
  if (typeof member !== 'string') throw wrongContent(store, `is no JSON object with the text ${store.jsonKey}`)
  return member.trim()
}

/** For messages: an id is no secret. */
export function nameOf(store: TextStore): string {
  return store.kind === 'secret' ? `the secret ${store.id}` : `the parameter ${store.name}`
}

function callFor(store: TextStore): AwsCall {
  const isSecret = store.kind === 'secret'
  const action = isSecret ? 'GetSecretValue' : 'GetParameter'
  return {
    service: isSecret ? 'secretsmanager' : 'ssm',
    action,
    // An ARN may lead to another region than the function's.
    region: /^arn:[^:]*:[^:]*:([a-z0-9-]+):/.exec(isSecret ? store.id : store.name)?.[1],
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `${isSecret ? 'secretsmanager' : 'AmazonSSM'}.${action}`,
    },
    body: JSON.stringify(isSecret ? { SecretId: store.id } : { Name: store.name, WithDecryption: true }),
  }
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function wrongContent(store: TextStore, what: string): EventHubError {
  return new EventHubError(`In AWS, ${nameOf(store)} ${what}. Store the Event Hubs connection string there.`, {
    code: 'authentication-failed',
  })
}
