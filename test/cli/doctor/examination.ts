import type { NamedKeyCredential, SasCredential } from '../../../core/index.js'
import type { Place } from '../../../infra/cli/amqp/place.js'
import { examine } from '../../../infra/cli/doctor/examine.js'
import { type Report, reportOf } from '../../../infra/cli/doctor/report.js'
import type { StepId, StepResult } from '../../../infra/cli/doctor/step.js'
import { type Seams, systemSeams, Visit, type VisitOptions } from '../../../infra/cli/doctor/visit.js'
import type { LocalHub } from '../../../infra/local-hub/index.js'

export const credential = { name: 'root', key: 'the-key-nobody-may-see' }

export interface Examination extends Partial<Place>, VisitOptions {
  readonly seams?: Partial<Seams>
  readonly timeoutInMs?: number
  readonly signal?: AbortSignal
}

/** An event hub of a namespace that is served by the hub's TLS ports on localhost. */
export function overTls(hub: LocalHub, transportType: Place['transportType'], ca: string): Partial<Place> {
  const port = transportType === 'amqp' ? hub.amqpsPort : hub.httpsPort
  return {
    fullyQualifiedNamespace: 'ns.example.net',
    development: false,
    endpoint: { hostname: 'localhost', port },
    tls: { ca },
    transportType,
  }
}

/** An event hub of the hub, in the clear. */
export function inTheClear(hub: LocalHub, transportType: Place['transportType']): Partial<Place> {
  const port = transportType === 'amqp' ? hub.amqpPort : hub.httpPort
  return { endpoint: { hostname: '127.0.0.1', port }, transportType }
}

export async function examination(given: Examination): Promise<Report & { step(id: StepId): StepResult }> {
  const { seams, timeoutInMs = 20_000, signal = new AbortController().signal, ...rest } = given
  const place: Place = {
    fullyQualifiedNamespace: '127.0.0.1',
    eventHubName: 'events',
    credential: credential as NamedKeyCredential | SasCredential,
    transportType: 'amqp',
    development: true,
    endpoint: undefined,
    httpProxy: undefined,
    tls: undefined,
    ...rest,
  }
  const visit = new Visit(place, rest, { ...systemSeams, ...seams })
  const report = reportOf(await examine(visit, { timeoutInMs, signal }), 0)
  const step = (id: StepId) => {
    const found = report.steps.find((each) => each.id === id)
    if (!found) throw new Error(`There is no step ${id}.`)
    return found
  }
  return { ...report, step }
}

/** A clock that is ahead of everybody's by so much. */
export function clockAheadBy(milliseconds: number): Seams['clock'] {
  return { ...systemSeams.clock, wallNow: () => Date.now() + milliseconds }
}
