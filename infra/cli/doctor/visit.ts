import { lookup } from 'node:dns/promises'
import { connect, type Socket } from 'node:net'
import type { Session } from 'rhea'
import type { RequestResponseLink, Response } from '../../../core/amqp/request-response-link.js'
import { httpPorts, type SocketTarget, socketTarget } from '../../../core/amqp/socket.js'
import { createTokenSource } from '../../../core/auth/token-cache.js'
import { type Clock, systemClock } from '../../../core/clock.js'
import { OperationTimeoutError } from '../../../core/errors.js'
import type { EventHubProducerClient, EventHubProducerClientOptions } from '../../../core/index.js'
import type { AuthToken, TransportContext } from '../../../core/transport.js'
import { contextOf, type Place } from '../amqp/place.js'
import type { RawConnection } from '../amqp/raw-connection.js'
import type { HttpAnswer } from './http.js'

/** What the steps ask of the machine. */
export interface Seams {
  readonly clock: Clock
  lookup(hostname: string): Promise<readonly { readonly address: string; readonly family: number }[]>
  connect(hostname: string, port: number): Socket
}

export const systemSeams: Seams = {
  clock: systemClock,
  lookup: (hostname) => lookup(hostname, { all: true }),
  connect: (host, port) => connect({ host, port }),
}

export interface VisitOptions {
  /** A partition to attach to, or `all`. Default: the first one. */
  readonly partition?: string | undefined
  readonly sendTestEvent?: boolean | undefined
  /** Makes the client that sends it. */
  readonly makeClient?: ((options: EventHubProducerClientOptions) => EventHubProducerClient) | undefined
  /** A proxy that the environment names and that this transport cannot use. */
  readonly unusedProxy?: string | undefined
  /** Where HTTPS answers for the namespace. Default: its port 443; with `development`, unknown to AMQP. */
  readonly httpsPort?: number | undefined
}

/** One examination: what is to be examined, and what the steps so far have learnt. */
export class Visit {
  readonly place: Place
  readonly options: VisitOptions
  readonly seams: Seams
  readonly context: TransportContext
  /** Where events go. */
  readonly target: SocketTarget
  /** By how much this machine's clock is ahead of the service's, in milliseconds; undefined while nobody has said. */
  skewInMs: number | undefined
  token: AuthToken | undefined
  connection: RawConnection | undefined
  session: Session | undefined
  cbs: RequestResponseLink | undefined
  management: Response | undefined
  /** Over HTTPS: the answer to the request that carries the token and no event. */
  rest: HttpAnswer | undefined
  partitionIds: readonly string[] | undefined
  maxMessageSizeInBytes: number | undefined

  constructor(place: Place, options: VisitOptions = {}, seams: Seams = systemSeams) {
    this.place = place
    this.options = options
    this.seams = seams
    const { clock } = seams
    const tokens = createTokenSource(place.credential, { clock, authTimeoutInMs: 0 })
    this.context = contextOf(place, clock, tokens)
    this.target = socketTarget(this.context, place.transportType === 'amqp' ? { tls: 5671, plain: 5672 } : httpPorts)
  }

  /** Where the first socket goes: to the proxy, if there is one. */
  get firstHop(): { readonly hostname: string; readonly port: number } {
    return this.place.httpProxy ?? this.target
  }

  /** By the service's clock, as far as it is known. */
  get serviceNow(): number {
    return this.seams.clock.wallNow() - (this.skewInMs ?? 0)
  }

  /** Lets go of everything that is open. */
  end(): void {
    this.connection?.end(new OperationTimeoutError('The examination is over.'))
  }
}
