import { connectionStringProblem } from '../flush-on-freeze.js'
import type { TextStore } from './aws/stored-text.js'

/** Environment variables, by name; an empty one counts as unset, as deployment templates leave them. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Where the events go, and as whom. */
export type EnvironmentDestination =
  | { readonly kind: 'connection-string'; readonly connectionString: string; readonly eventHubName: string | undefined }
  | {
      readonly kind: 'stored-connection-string'
      readonly store: TextStore
      readonly ttlInMs: number
      readonly eventHubName: string | undefined
    }
  | {
      readonly kind: 'identity'
      readonly fullyQualifiedNamespace: string
      readonly eventHubName: string
      /** Undefined: `DefaultAzureCredential`, which has variables of its own. */
      readonly federation: { readonly tenantId: string; readonly clientId: string } | undefined
    }

/** The variables that say where; one of them must be set. */
const destinations = [
  'EVENTHUB_CONNECTION_STRING',
  'EVENTHUB_CONNECTION_STRING_SECRET_ID',
  'EVENTHUB_CONNECTION_STRING_PARAMETER_NAME',
  'EVENTHUB_FULLY_QUALIFIED_NAMESPACE',
] as const

const defaultTtlInSeconds = 300

/** Reads the environment. Throws one `TypeError` that names every variable that is missing, wrong or too many. */
export function readEnvironment(environment: Environment): EnvironmentDestination {
  const problems: string[] = []
  const text = (name: string) => environment[name]?.trim() || undefined
  const given = destinations.filter((name) => text(name))
  const eventHubName = text('EVENTHUB_NAME')
  if (given.length === 0) {
    problems.push(
      'Where should events go? Set EVENTHUB_CONNECTION_STRING, or EVENTHUB_FULLY_QUALIFIED_NAMESPACE with EVENTHUB_NAME, or EVENTHUB_CONNECTION_STRING_SECRET_ID or EVENTHUB_CONNECTION_STRING_PARAMETER_NAME; or pass connectionString or client as an option.',
    )
  }
  if (given.length > 1) {
    const words = given.length === 2 ? `Both ${given.join(' and ')} are set` : `${given.join(', ')} are all set`
    problems.push(`${words}. Keep the one that is meant.`)
  }
  const destination = given[0] && destinationOf(given[0], text, eventHubName, problems)
  if (problems.length > 0 || !destination) throw new TypeError(problems.join(' '))
  return destination
}

function destinationOf(
  kind: (typeof destinations)[number],
  text: (name: string) => string | undefined,
  eventHubName: string | undefined,
  problems: string[],
): EnvironmentDestination {
  const value = text(kind) ?? ''
  switch (kind) {
    case 'EVENTHUB_CONNECTION_STRING': {
      const problem = connectionStringProblem(value)
      if (problem) problems.push(`EVENTHUB_CONNECTION_STRING cannot be used. ${problem}`)
      else if (!eventHubName && !/(^|;)\s*EntityPath\s*=\s*[^;\s]/i.test(value)) {
        problems.push(
          'EVENTHUB_NAME is not set, and EVENTHUB_CONNECTION_STRING has no EntityPath. Set EVENTHUB_NAME to the name of the event hub.',
        )
      }
      return { kind: 'connection-string', connectionString: value, eventHubName }
    }
    case 'EVENTHUB_CONNECTION_STRING_SECRET_ID': {
      // No secret's name or ARN holds this character.
      const [id = '', jsonKey] = value.split('#', 2)
      if (!id) problems.push('EVENTHUB_CONNECTION_STRING_SECRET_ID must be the name or the ARN of a secret.')
      const store: TextStore = { kind: 'secret', id, jsonKey: jsonKey || undefined }
      return { kind: 'stored-connection-string', store, ttlInMs: readTtlInMs(text, problems), eventHubName }
    }
    case 'EVENTHUB_CONNECTION_STRING_PARAMETER_NAME': {
      const store: TextStore = { kind: 'parameter', name: value }
      return { kind: 'stored-connection-string', store, ttlInMs: readTtlInMs(text, problems), eventHubName }
    }
    case 'EVENTHUB_FULLY_QUALIFIED_NAMESPACE': {
      if (!eventHubName) problems.push('EVENTHUB_NAME is not set. Set it to the name of the event hub.')
      const federation = readFederation(text, problems)
      return { kind: 'identity', fullyQualifiedNamespace: value, eventHubName: eventHubName ?? '', federation }
    }
  }
}

function readFederation(text: (name: string) => string | undefined, problems: string[]) {
  const identity = text('EVENTHUB_IDENTITY') ?? 'default'
  if (identity === 'default') return undefined
  if (identity !== 'aws') {
    problems.push(
      'EVENTHUB_IDENTITY must be aws (the role of this function, federated with Microsoft Entra) or default (DefaultAzureCredential).',
    )
    return undefined
  }
  const tenantId = text('AZURE_TENANT_ID')
  const clientId = text('AZURE_CLIENT_ID')
  if (tenantId && clientId) return { tenantId, clientId }
  problems.push(
    'EVENTHUB_IDENTITY=aws needs AZURE_TENANT_ID and AZURE_CLIENT_ID: those of the identity whose federated credential trusts the role of this function.',
  )
  return undefined
}

function readTtlInMs(text: (name: string) => string | undefined, problems: string[]): number {
  const given = text('EVENTHUB_CONNECTION_STRING_TTL_IN_SECONDS')
  const seconds = given === undefined ? defaultTtlInSeconds : Number(given)
  if (!(Number.isFinite(seconds) && seconds >= 1)) {
    problems.push('EVENTHUB_CONNECTION_STRING_TTL_IN_SECONDS must be a number of at least 1.')
  }
  return seconds * 1000
}
