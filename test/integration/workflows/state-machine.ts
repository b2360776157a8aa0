import jsonata from 'jsonata'

type Values = Readonly<Record<string, unknown>>

interface Retrier {
  readonly ErrorEquals: readonly string[]
  readonly IntervalSeconds: number
  readonly BackoffRate: number
  readonly MaxDelaySeconds: number
  readonly MaxAttempts: number
}

interface State {
  readonly Type: string
  readonly Next?: string
  readonly Default?: string
  readonly Arguments?: unknown
  readonly Assign?: Values
  readonly Retry?: readonly Retrier[]
  readonly Choices?: readonly { readonly Condition: string; readonly Next: string }[]
  readonly Seconds?: unknown
  readonly Output?: unknown
  readonly Error?: string
  readonly Cause?: string
}

export interface Machine {
  readonly StartAt: string
  readonly States: Readonly<Record<string, State>>
}

/** How an execution ended, and what it did on its way. */
export interface Execution {
  readonly status: 'SUCCEEDED' | 'FAILED'
  readonly output?: unknown
  readonly error?: string
  readonly cause?: string
  /** Every wait, a retrier's (without jitter) as well as a Wait state's, in seconds. */
  readonly waits: readonly number[]
}

/** Does what an HTTP task does. Throws `TaskFailed`. */
export type HttpTask = (parameters: unknown) => Promise<unknown>

/** The name of a task's error, as `ErrorEquals` knows it. */
export class TaskFailed extends Error {
  override readonly name: string
  constructor(name: string) {
    super(name)
    this.name = name
  }
}

/**
 * Runs a state machine of the JSONata kind, as far as ours goes, with the real JSONata and the Amazon States Language's
 * rules: `Assign` evaluates all of its expressions with the values from before it, a retrier counts for itself.
 */
export async function execute({ StartAt, States }: Machine, input: unknown, http: HttpTask): Promise<Execution> {
  let variables: Values = {}
  let name = StartAt
  const waits: number[] = []
  for (let steps = 0; steps < 100; steps += 1) {
    const state = States[name]
    if (state === undefined) throw new Error(`There is no state ${name}.`)
    const states: Record<string, unknown> = { input, context: { Execution: { Name: 'execution-1' } } }
    const evaluated = (value: unknown) => evaluate(value, { ...variables, states })
    if (state.Type === 'Task') {
      try {
        states.result = await withRetries(state.Retry ?? [], waits, async () => http(await evaluated(state.Arguments)))
      } catch (error) {
        if (!(error instanceof TaskFailed)) throw error
        return { status: 'FAILED', error: error.name, waits }
      }
    }
    if (state.Type === 'Wait') waits.push(Number(await evaluated(state.Seconds)))
    if (state.Type === 'Succeed') return { status: 'SUCCEEDED', output: await evaluated(state.Output), waits }
    if (state.Type === 'Fail') {
      return { status: 'FAILED', error: String(state.Error), cause: String(await evaluated(state.Cause)), waits }
    }
    const next = await nextOf(state, evaluated)
    variables = { ...variables, ...((await evaluated(state.Assign ?? {})) as Values) }
    name = next
  }
  throw new Error('The state machine does not come to an end.')
}

async function nextOf(state: State, evaluated: (value: unknown) => Promise<unknown>): Promise<string> {
  for (const { Condition, Next } of state.Choices ?? []) {
    if ((await evaluated(Condition)) === true) return Next
  }
  const next = state.Type === 'Choice' ? state.Default : state.Next
  if (next === undefined) throw new Error(`A ${state.Type} has no way on.`)
  return next
}

async function withRetries<T>(retriers: readonly Retrier[], waits: number[], task: () => Promise<T>): Promise<T> {
  const attempts = new Map<Retrier, number>()
  for (;;) {
    try {
      return await task()
    } catch (error) {
      const retrier = retriers.find(
        ({ ErrorEquals }) => error instanceof TaskFailed && ErrorEquals.includes(error.name),
      )
      const attempt = retrier === undefined ? 0 : (attempts.get(retrier) ?? 0)
      if (retrier === undefined || attempt >= retrier.MaxAttempts) throw error
      attempts.set(retrier, attempt + 1)
      waits.push(Math.min(retrier.IntervalSeconds * retrier.BackoffRate ** attempt, retrier.MaxDelaySeconds))
    }
  }
}

async function evaluate(value: unknown, bindings: Values): Promise<unknown> {
  if (typeof value === 'string') {
    const expression = /^\{%(.*)%\}$/s.exec(value)?.[1]
    if (expression === undefined) return value
    const result: unknown = await jsonata(expression).evaluate({}, bindings)
    if (result === undefined) throw new Error(`${value} gives nothing, which fails a state.`)
    // JSONata marks its sequences with properties of their own.
    return JSON.parse(JSON.stringify(result))
  }
  if (Array.isArray(value)) return Promise.all(value.map((element) => evaluate(element, bindings)))
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).map(async ([name, member]) => [name, await evaluate(member, bindings)])
  return Object.fromEntries(await Promise.all(members))
}
