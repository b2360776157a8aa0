import type { HubAddress, HubCommands, HubStart, Tally } from '../processes/hub.js'
import { Child } from './child.js'
import { type LatencyProxy, startLatencyProxy } from './proxy.js'

/** A local hub in a process of its own. */
export class BenchHub {
  readonly child: Child<HubCommands>
  readonly address: HubAddress

  private constructor(child: Child<HubCommands>, address: HubAddress) {
    this.child = child
    this.address = address
  }

  static async start(settings: HubStart): Promise<BenchHub> {
    const child = new Child<HubCommands>('hub')
    return new BenchHub(child, await child.call('start', settings))
  }

  tally(firstId: number, count: number): Promise<Tally> {
    return this.child.call('tally', { firstId, count })
  }

  /** Throws unless each event numbered from `firstId` was stored exactly once, and in order within its partition. */
  async assertStoredOnceInOrder(who: string, firstId: number, count: number): Promise<Tally> {
    const tally = await this.tally(firstId, count)
    const { stored, distinct, disordered } = tally
    if (stored !== count || distinct !== count || disordered.length > 0) {
      throw new Error(
        `${who}: of ${count} events the hub has ${distinct}, in ${stored} copies; out of order in partitions: ${disordered.join(', ') || 'none'}.`,
      )
    }
    return tally
  }

  stop(): Promise<void> {
    return this.child.kill()
  }
}

/** A hub at a distance, over AMQP and over HTTP. */
export interface DistantHub {
  readonly hub: BenchHub
  readonly amqp: LatencyProxy
  readonly http: LatencyProxy
  readonly connectionString: string
  readonly httpConnectionString: string
  stop(): Promise<void>
}

export async function startDistantHub(roundTripInMs: number, settings: HubStart): Promise<DistantHub> {
  const hub = await BenchHub.start(settings)
  const { amqpPort, httpPort, connectionString } = hub.address
  const amqp = await startLatencyProxy(amqpPort, roundTripInMs)
  const http = await startLatencyProxy(httpPort, roundTripInMs)
  const at = (port: number) => connectionString.replace(`:${amqpPort};`, `:${port};`)
  return {
    hub,
    amqp,
    http,
    connectionString: at(amqp.port),
    httpConnectionString: at(http.port),
    stop: async () => {
      await Promise.all([amqp.close(), http.close(), hub.stop()])
    },
  }
}

let nextId = 0

/** Numbers for `count` events, never used before in this run. */
export function newIds(count: number): number {
  const firstId = nextId
  nextId += count
  return firstId
}
