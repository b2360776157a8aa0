import { isNamedKey, isTokenCredential } from '../../../../core/auth/credential.js'
import { failed, ok, type Step } from '../step.js'
import { quoted } from '../text.js'
import type { Visit } from '../visit.js'

const transports = { amqp: 'AMQP', amqpOverWebSocket: 'AMQP over WebSocket', https: 'HTTPS' } as const

/** What is going to be examined. That it could be read is known by now. */
export const settings: Step = {
  id: 'settings',
  needs: [],
  limitInMs: 1000,
  async run(visit) {
    const { place, target } = visit
    const { fullyQualifiedNamespace, eventHubName, transportType } = place
    const details = {
      namespace: quoted(fullyQualifiedNamespace),
      eventHub: quoted(eventHubName),
      transport: transportType,
      connectsTo: target.authority,
      credential: credentialOf(visit),
      development: place.development,
    }
    return ok(
      `Event hub '${quoted(eventHubName)}' of ${quoted(fullyQualifiedNamespace)}, by ${transports[transportType]}, with ${credentialOf(visit)}`,
      details,
    )
  },
  timedOut: () => failed('unexpected', 'The settings took too long', []),
}

function credentialOf({ place: { credential } }: Visit): string {
  if (isTokenCredential(credential)) return 'an identity'
  return isNamedKey(credential) ? `the key named ${quoted(credential.name)}` : 'a SharedAccessSignature'
}
