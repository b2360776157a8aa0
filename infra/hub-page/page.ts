import type { LocalHub, LocalHubBatch } from '../local-hub/index.js'
import { Arrivals } from './arrivals.js'
import { applyFaults } from './faults.js'
import { Freezer } from './freezer.js'
import { Ledger } from './ledger.js'
import { ProducerProcess, whyNotFreeze } from './producer.js'
import type {
  ConnectionView,
  FaultRequest,
  FaultsView,
  FreezeRequest,
  HubFacts,
  Latency,
  ProducerView,
  SendRequest,
  StreamRequest,
  Update,
} from './protocol.js'
import { bodyBytes, maxEventsPerSecond, maxEventsPerSend } from './requests.js'
import { EventSource } from './source.js'
import { Timeline } from './timeline.js'
import { invocationTimeoutInMs, Trigger } from './trigger.js'
import { connectionView, everyPartition, faultsView } from './views.js'

/** Waiting events at which the source pauses. */
const sourceCapacity = 50_000
const keptLatencies = 1500
/** The stream's events come in small batches. */
const ticksPerInvocation = 3
/** The hub's connections are looked at every so many ticks. */
const ticksPerLook = 5

export interface PageEnvironment {
  /** The built producer-process.js. */
  readonly producerModule: URL
  /** Milliseconds since 1970. */
  now(): number
  /** Of `process.platform`. */
  readonly platform?: string
}

/** Everything that the page shows and does, but for HTTP. */
export class HubPage {
  readonly #env: PageEnvironment
  readonly #hub: () => LocalHub
  readonly #source = new EventSource(sourceCapacity)
  readonly #ledger = new Ledger()
  readonly #timeline: Timeline
  readonly #arrivals: Arrivals
  readonly #producer: ProducerProcess
  readonly #trigger: Trigger
  readonly #freezer: Freezer
  #stream = { on: false, eventsPerSecond: 20 }
  #freshLatencies: Latency[] = []
  #keptLatencies: Latency[] = []
  #faults: FaultsView = { throttle: false, silence: false, refuseConnections: false, latencyInMs: 0 }
  #ticks = 0
  #connections: readonly ConnectionView[] = []
  /** What the page was told last, as JSON. */
  readonly #told = { producer: '', connections: '' }

  /** @param hub asked only once it listens */
  constructor(hub: () => LocalHub, firstEventHubName: string, env: PageEnvironment) {
    this.#env = env
    this.#hub = hub
    this.#timeline = new Timeline(env.now)
    this.#arrivals = new Arrivals(this.#ledger, () => this.#source.created, env.now)
    this.#producer = new ProducerProcess(env.producerModule, {
      onLog: (level, text) =>
        this.#timeline.add({ kind: 'client', level, text: text.replace(/^eventhub-sluice: /, '') }),
      onCrash: (how) => {
        this.#freezer.thaw()
        this.#timeline.add({
          kind: 'process',
          text: `The producer’s process ${how}. The next invocation starts another.`,
        })
      },
    })
    this.#trigger = new Trigger(
      {
        source: this.#source,
        ledger: this.#ledger,
        connectionStringFor: (name) => hub().connectionStringFor(name),
        invoke: (work) => this.#producer.invoke(work),
        onInvoked: ({ origin, sendId, taken, report }) => {
          const { accepted, refused, unknown, returned, durationInMs, reason } = report
          const outcomes = { accepted, refused, unknown, returned }
          const why = { ...(sendId !== undefined && { sendId }), ...(reason !== undefined && { reason }) }
          this.#timeline.add({ kind: 'invocation', origin, taken, durationInMs, ...outcomes, ...why })
          this.#freshLatencies.push({ kind: 'acknowledged', at: env.now(), durationInMs })
        },
      },
      firstEventHubName,
    )
    this.#freezer = new Freezer({
      producer: this.#producer,
      trigger: this.#trigger,
      faults: () => hub().faults,
      now: env.now,
      tell: (text) => this.#timeline.add({ kind: 'process', text }),
    })
  }

  /** The producer's process; undefined while there is none. */
  get producerProcessId(): number | undefined {
    return this.#producer.processId
  }

  onBatch(batch: LocalHubBatch): void {
    this.#arrivals.onBatch(this.#hub(), batch)
  }

  send(request: SendRequest): number {
    const { eventHubName, contentType, partitionKey, partitionId, properties, count } = request
    return this.#trigger.send(eventHubName, {
      kind: 'form',
      body: bodyBytes(request).toString('base64'),
      count,
      ...(contentType !== undefined && { contentType }),
      ...(partitionKey !== undefined && { partitionKey }),
      ...(partitionId !== undefined && { partitionId }),
      ...(properties !== undefined && { properties }),
    })
  }

  setStream({ eventHubName, on, eventsPerSecond }: StreamRequest): void {
    const isNew = on !== this.#stream.on || (on && eventsPerSecond !== this.#stream.eventsPerSecond)
    this.#trigger.streamTo = eventHubName
    this.#source.setRate(on ? eventsPerSecond : 0, this.#env.now())
    this.#stream = { on, eventsPerSecond }
    if (isNew) {
      this.#timeline.add({
        kind: 'process',
        text: on ? `Stream on: ${eventsPerSecond} events per second to ${eventHubName}.` : 'Stream off.',
      })
    }
  }

  setFaults(request: FaultRequest): void {
    const text = applyFaults(this.#hub().faults, request)
    if (text !== undefined) this.#timeline.add({ kind: 'fault', text })
  }

  /** Resolves when it is done. Throws `RangeError` when it cannot be. */
  async freeze({ frozen, meanwhile = 'nothing', thawAfterInMs }: FreezeRequest): Promise<void> {
    const reason = whyNotFreeze(this.#env.platform)
    if (reason !== undefined) throw new RangeError(reason)
    if (frozen) await this.#freezer.freeze(meanwhile, thawAfterInMs)
    else this.#freezer.thaw()
  }

  /** A tenth of a second has passed: what is due is done, and what is new since the last tick is returned. */
  tick(): Update {
    const now = this.#env.now()
    const hub = this.#hub()
    if (this.#ticks % ticksPerInvocation === 0) {
      this.#source.produce(now)
      this.#trigger.dispatch()
    }
    this.#faults = faultsView(hub)
    const haveFaultsChanged = this.#timeline.observe(this.#faults, this.#freezer.state === 'frozen')
    if (this.#ticks++ % ticksPerLook === 0) this.#connections = hub.connections.map(connectionView)
    const latencies = [...this.#freshLatencies, ...this.#arrivals.takeLatencies()]
    this.#freshLatencies = []
    this.#keptLatencies = [...this.#keptLatencies, ...latencies].slice(-keptLatencies)
    const stored = this.#arrivals.counts('changed')
    const batches = this.#arrivals.takeSamples(hub)
    const { happened, spans } = this.#timeline.take()
    return {
      at: now,
      ...this.#ifNew('producer', this.#producerView()),
      ...this.#ifNew('connections', this.#connections),
      ...(haveFaultsChanged && { faults: this.#faults }),
      ...(spans && { spans }),
      ...(stored.length > 0 && { stored, throughput: this.#arrivals.throughput(Math.floor(now / 1000) - 1) }),
      ...(batches.length > 0 && { batches }),
      ...(happened.length > 0 && { happened }),
      ...(latencies.length > 0 && { latencies }),
    }
  }

  /** Everything, for a page that has just been opened. */
  snapshot(): Update {
    const hub = this.#hub()
    return {
      at: this.#env.now(),
      hub: this.#facts(hub),
      stored: everyPartition(hub, this.#arrivals.counts('all')),
      batches: this.#arrivals.keptSamples,
      producer: this.#producerView(),
      faults: this.#faults,
      connections: hub.connections.map(connectionView),
      happened: this.#timeline.kept,
      latencies: this.#keptLatencies,
      throughput: this.#arrivals.throughput(),
      spans: this.#timeline.spans,
    }
  }

  async close(): Promise<void> {
    this.#freezer.close()
    await this.#producer.close()
  }

  #producerView(): ProducerView {
    const { frozenAt } = this.#freezer
    return {
      process: this.#freezer.state,
      ...(frozenAt !== undefined && { frozenAt }),
      isStreamOn: this.#stream.on,
      eventsPerSecond: this.#stream.eventsPerSecond,
      waiting: this.#source.waiting,
      created: this.#source.created,
      ...this.#ledger.view,
    }
  }

  #facts(hub: LocalHub): HubFacts {
    const cannotFreeze = whyNotFreeze(this.#env.platform)
    return {
      eventHubNames: hub.eventHubNames,
      host: hub.host,
      amqpPort: hub.amqpPort,
      httpPort: hub.httpPort,
      ...(cannotFreeze !== undefined && { cannotFreeze }),
      maxEventsPerSecond,
      maxEventsPerSend,
      invocationTimeoutInMs,
    }
  }

  #ifNew(name: 'producer' | 'connections', value: ProducerView | readonly ConnectionView[]): Partial<Update> {
    const text = JSON.stringify(value)
    if (this.#told[name] === text) return {}
    this.#told[name] = text
    return { [name]: value }
  }
}
