import type { Response } from '../../../core/amqp/request-response-link.js'
import { isNamedKey, isTokenCredential } from '../../../core/auth/credential.js'
import { audienceOf } from '../amqp/place.js'
import { type Finding, failed } from './step.js'
import { setTheClock } from './steps/clock.js'
import { quoted, spanOf, timeOf } from './text.js'
import type { Visit } from './visit.js'

/** How the service says no: a status or an AMQP condition, and a sentence. */
export interface Refusal {
  readonly status?: number
  readonly condition?: string | undefined
  readonly description: string
}

/** Signatures of our own are good for this long, so one that is refused as expired tells of a clock. */
const signatureLifetimeInMs = 3_600_000

interface Rule {
  readonly applies: (refusal: Refusal) => boolean
  readonly explain: (visit: Visit, refusal: Refusal) => Finding
}

const says = (pattern: RegExp) => (refusal: Refusal) => pattern.test(refusal.description)
const isStatus =
  (...statuses: number[]) =>
  (refusal: Refusal) =>
    statuses.includes(refusal.status ?? 0)
const isCondition =
  (...conditions: string[]) =>
  (refusal: Refusal) =>
    conditions.includes(refusal.condition ?? '')
const any =
  (...tests: ((refusal: Refusal) => boolean)[]) =>
  (refusal: Refusal) =>
    tests.some((test) => test(refusal))

/** The first that applies explains. The service's own words come first: its status alone says less. */
const rules: readonly Rule[] = [
  { applies: says(/expired\s*token|token is expired|has expired/i), explain: expired },
  { applies: says(/invalid\s*signature/i), explain: wrongKey },
  { applies: says(/invalid\s*audience|wrong audience/i), explain: wrongScope },
  { applies: says(/malformed\s*token/i), explain: malformed },
  {
    applies: says(/prevented to connect|ip (?:address )?(?:is )?(?:not allowed|denied|blocked)/i),
    explain: blockedAddress,
  },
  { applies: any(isStatus(404, 410), isCondition('amqp:not-found')), explain: notFound },
  { applies: isCondition('com.microsoft:argument-out-of-range'), explain: noPartition },
  { applies: isCondition('com.microsoft:entity-disabled'), explain: disabled },
  { applies: any(isStatus(429, 503), isCondition('com.microsoft:server-busy')), explain: busy },
  { applies: any(isStatus(403), isCondition('amqp:unauthorized-access')), explain: missingRight },
  { applies: isStatus(401), explain: refusedToken },
]

/** What a refusal means and what to do about it. */
export function explainRefusal(visit: Visit, refusal: Refusal): Finding {
  const rule = rules.find(({ applies }) => applies(refusal))
  if (rule) return rule.explain(visit, refusal)
  const named = refusal.condition ?? refusal.status ?? 'no reason given'
  const summary = `The service refused (${named})${words(refusal)}`
  return failed(
    'refused',
    summary,
    ["Look the condition up in the service's documentation; it may pass by itself."],
    detailsOf(refusal),
  )
}

/** The same, of an answer by `$cbs` or `$management`. */
export function refusedBy(visit: Visit, { statusCode, statusDescription }: Response): Finding {
  return explainRefusal(visit, { status: statusCode, description: statusDescription })
}

function detailsOf({ status, condition, description }: Refusal): NonNullable<Finding['details']> {
  return {
    ...(status === undefined ? {} : { status }),
    ...(condition === undefined ? {} : { condition }),
    serviceSays: quoted(description),
  }
}

function words({ description }: Refusal): string {
  return description.trim() === '' ? '' : `: “${quoted(description)}”`
}

function expired(visit: Visit, refusal: Refusal): Finding {
  learnTime(visit, refusal)
  const details = detailsOf(refusal)
  const { skewInMs, token, place, seams } = visit
  const isFresh = !!token && token.expiresOn - seams.clock.wallNow() > signatureLifetimeInMs / 60
  if (isFresh) {
    const by =
      skewInMs !== undefined && skewInMs < -1500
        ? `it is ${spanOf(skewInMs)} behind the service's`
        : "it is behind the service's"
    return failed(
      'clock-skewed',
      `The service takes a fresh token for an expired one: this machine's clock is wrong, ${by}`,
      [setTheClock, `It says ${timeOf(seams.clock.wallNow())}.`],
      details,
    )
  }
  const what = isTokenCredential(place.credential) ? 'token' : 'SharedAccessSignature'
  return failed('token-expired', `The service says that the ${what} has expired`, ['Have a new one made.'], details)
}

/** Errors of the service end with `Timestamp:2026-05-04T03:02:01`, in UTC. */
function learnTime(visit: Visit, { description }: Refusal): void {
  const said = /Timestamp:(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)/.exec(description)?.[1]
  const time = said === undefined ? Number.NaN : Date.parse(`${said}Z`)
  if (!Number.isNaN(time)) visit.skewInMs ??= visit.seams.clock.wallNow() - time
}

function wrongKey({ place }: Visit, refusal: Refusal): Finding {
  const { credential } = place
  if (isNamedKey(credential)) {
    const name = quoted(credential.name)
    return failed(
      'wrong-key',
      `The service does not know this key under the name ${name}`,
      [
        `Copy the connection string anew: Azure portal, Shared access policies, ${name}. A key that was regenerated is of no use any more.`,
        'A policy of an event hub is known to that event hub alone, one of the namespace to all of them: see that the key is of the right one.',
      ],
      detailsOf(refusal),
    )
  }
  return failed(
    'wrong-key',
    'The signature was not made with a key that the service knows',
    ['Have a new SharedAccessSignature made, with a current key, and copy it whole.'],
    detailsOf(refusal),
  )
}

function wrongScope(visit: Visit, refusal: Refusal): Finding {
  const audience = audienceOf(visit.place)
  return failed(
    'token-scope',
    `The token was made for something else than ${audience}`,
    [
      `Have one made whose resource (sr) is ${audience} or the namespace; the namespace's name must be the one that is connected to.`,
    ],
    detailsOf(refusal),
  )
}

function malformed(_visit: Visit, refusal: Refusal): Finding {
  return failed(
    'token-malformed',
    `The service cannot read the token${words(refusal)}`,
    ['Copy it anew, whole: no line break, nothing before or after it.'],
    detailsOf(refusal),
  )
}

function blockedAddress(_visit: Visit, refusal: Refusal): Finding {
  return failed(
    'address-blocked',
    `The namespace does not let this network in${words(refusal)}`,
    ["Add this network's address under Networking of the namespace, or come by its private endpoint."],
    detailsOf(refusal),
  )
}

function notFound({ place, options, partitionIds }: Visit, refusal: Refusal): Finding {
  const { eventHubName, fullyQualifiedNamespace } = place
  if (partitionIds !== undefined) return noPartition({ place, options, partitionIds } as Visit, refusal)
  return failed(
    'hub-not-found',
    `There is no event hub named '${quoted(eventHubName)}' in ${fullyQualifiedNamespace}`,
    [
      'Check its name (EntityPath in the connection string, or --hub) and the namespace; case does not count.',
      'It may have been deleted, or live in another namespace of yours.',
    ],
    detailsOf(refusal),
  )
}

function noPartition({ options, partitionIds }: Visit, refusal: Refusal): Finding {
  const ids = partitionIds ?? []
  const known = ids.length > 8 ? `${ids[0]} to ${ids.at(-1)}` : ids.join(', ')
  return failed(
    'partition-not-found',
    `There is no partition '${quoted(options.partition ?? '')}'`,
    known === '' ? ['Ids of partitions are counted from 0.'] : [`The partitions are: ${known}.`],
    detailsOf(refusal),
  )
}

function disabled(_visit: Visit, refusal: Refusal): Finding {
  return failed('hub-disabled', 'The event hub is disabled', ['Enable it in the Azure portal.'], detailsOf(refusal))
}

function busy(_visit: Visit, refusal: Refusal): Finding {
  return failed(
    'server-busy',
    `The service is busy${words(refusal)}`,
    ['Try again in some seconds. If it stays so, the namespace needs more throughput units.'],
    detailsOf(refusal),
  )
}

function missingRight({ place }: Visit, refusal: Refusal): Finding {
  const { credential } = place
  const advice = isTokenCredential(credential)
    ? [
        'Give the identity the role “Azure Event Hubs Data Sender” on the event hub or the namespace; it takes some minutes to hold.',
      ]
    : [
        `The policy${isNamedKey(credential) ? ` ${quoted(credential.name)}` : ''} needs the Send right: Azure portal, Shared access policies.`,
      ]
  return failed(
    'right-missing',
    `The credential is good, and may not send to '${quoted(place.eventHubName)}'`,
    advice,
    detailsOf(refusal),
  )
}

function refusedToken(visit: Visit, refusal: Refusal): Finding {
  if (isTokenCredential(visit.place.credential)) return missingRight(visit, refusal)
  return failed(
    'token-refused',
    `The service refused the token${words(refusal)}`,
    ['Check that key or signature are current and of this namespace.'],
    detailsOf(refusal),
  )
}
