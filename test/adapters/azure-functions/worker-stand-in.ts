import Module from 'node:module'

/**
 * A stand-in for the Functions host and its Node.js worker, around the real `@azure/functions` package. It keeps
 * the worker's order (azure-functions-nodejs-worker, InvocationHandler): arguments, pre-invocation hooks, handler,
 * post-invocation hooks awaited, error or outputs, response. What the host does with a response is kept as far as
 * the tests ask: HTTP statuses, and a queue that delivers again until a message succeeds or is poison.
 */
export interface Worker {
  /** What happened, in order; tests may add their own steps. */
  readonly steps: string[]
  /** Everything that was logged, by users and by the worker. */
  readonly logs: string[]
  /** What functions registered, as the host would get it. */
  readonly bindings: (functionName: string) => Record<string, Binding>
  /** Reads the app as the host does after start-up: refuses binding types that no extension brings. */
  index(): void
  invoke(
    functionName: string,
    data: TypedData,
    triggerMetadata?: Record<string, TypedData>,
  ): Promise<InvocationResponse>
  /** An HTTP request through the host. */
  fetch(
    functionName: string,
    request?: {
      method?: string
      /** Below the app's prefix. Default: the function's name. */
      path?: string
      body?: string | Uint8Array
      headers?: Record<string, string>
      query?: string
    },
  ): Promise<HttpAnswer>
  /** A queue message through the host, delivered again until it succeeds, five times at most. */
  deliver(functionName: string, message: string): Promise<Delivery>
  /** `workerTerminate`: resolves when the hooks have run. */
  terminate(): Promise<void>
}

interface TypedData {
  readonly string?: string
  readonly json?: string
  readonly bytes?: Uint8Array
  readonly collectionBytes?: { readonly bytes: readonly Uint8Array[] }
  readonly collectionString?: { readonly string: readonly string[] }
  readonly http?: {
    readonly method?: string
    readonly url?: string
    readonly headers?: Record<string, string>
    readonly statusCode?: string
    readonly body?: TypedData | null
  }
}

interface Binding {
  readonly type: string
  readonly direction: 'in' | 'out'
}

interface InvocationResponse {
  readonly succeeded: boolean
  readonly error?: string
  readonly returnValue?: TypedData | null
  readonly outputData?: readonly { readonly name: string; readonly data: TypedData }[]
}

interface HttpAnswer {
  readonly status: number
  readonly body: string
}

interface Delivery {
  readonly attempts: number
  readonly isPoison: boolean
  readonly errors: readonly (string | undefined)[]
}

type Callback = (...args: unknown[]) => unknown
type Hook = (context: object) => unknown

interface CoreInvocationContext {
  readonly invocationId: string
  readonly metadata: { readonly name: string; readonly bindings: Record<string, Binding> }
  readonly request: object
  state: string | undefined
  log(level: string, category: string, message: string): void
}

interface InvocationModel {
  getArguments(): Promise<{ context: object; inputs: unknown[] }>
  invokeFunction(context: object, inputs: unknown[], callback: Callback): Promise<unknown>
  getResponse(context: object, result: unknown): Promise<Omit<InvocationResponse, 'succeeded'>>
}

/** Binding types of the worker's host and of the extension bundle, as far as the tests use them. */
const knownBindings = new Set([
  'httpTrigger',
  'http',
  'queueTrigger',
  'queue',
  'timerTrigger',
  'eventGridTrigger',
  'eventHubTrigger',
  'eventHub',
  'activityTrigger',
])

const mostDequeues = 5

/** Call it once in a test file, before `@azure/functions` is imported: that package looks for its worker once. */
export function startWorker(): Worker {
  const steps: string[] = []
  const logs: string[] = []
  const functions = new Map<string, { bindings: Record<string, Binding>; callback: Callback }>()
  const hooks = new Map<string, Hook[]>(
    ['preInvocation', 'postInvocation', 'appStart', 'appTerminate'].map((name) => [name, []]),
  )
  let model: { getInvocationModel(context: CoreInvocationContext): InvocationModel } | undefined
  let invocations = 0

  provideToRequire({
    version: '3.10.1',
    registerHook(name: string, hook: Hook) {
      const registered = hooks.get(name)
      if (!registered) throw new RangeError(`Unrecognized hook "${name}"`)
      registered.push(hook)
      return { dispose: () => registered.splice(registered.indexOf(hook), 1) }
    },
    setProgrammingModel: (given: typeof model) => {
      model = given
    },
    getProgrammingModel: () => model,
    registerFunction(metadata: { name: string; bindings: Record<string, Binding> }, callback: Callback) {
      const { name, bindings } = metadata
      if (functions.has(name)) throw new Error(`A function with id "${name}" has already been registered.`)
      // What the host gets is JSON; a value that has no JSON form does not arrive there.
      functions.set(name, { bindings: JSON.parse(JSON.stringify(bindings)), callback })
      return { dispose: () => functions.delete(name) }
    },
    log: (_level: string, _category: string, message: string) => logs.push(message),
  })

  async function runHooks(name: string, context: object): Promise<void> {
    for (const hook of hooks.get(name) ?? []) await hook(context)
  }

  function registered(name: string) {
    const found = functions.get(name)
    if (!found) throw new Error(`Function code for '${name}' is not loaded and cannot be invoked.`)
    return found
  }

  async function handle(name: string, request: object): Promise<InvocationResponse> {
    const { bindings, callback } = registered(name)
    const core: CoreInvocationContext = {
      invocationId: `invocation-${++invocations}`,
      metadata: { name, bindings },
      request,
      state: undefined,
      log: (_level, _category, message) => logs.push(message),
    }
    if (!model) throw new Error('No programming model was set.')
    const invocation = model.getInvocationModel(core)
    const { context, inputs } = await invocation.getArguments()
    const hookData = {}
    const pre = { hookData, invocationContext: context, functionCallback: callback, inputs }
    core.state = 'preInvocationHooks'
    await runHooks('preInvocation', pre)
    const post = {
      hookData,
      invocationContext: context,
      inputs: pre.inputs,
      result: null as unknown,
      error: null as unknown,
    }
    core.state = 'invocation'
    steps.push(`${name}: handler`)
    try {
      post.result = await invocation.invokeFunction(context, pre.inputs, pre.functionCallback)
    } catch (error) {
      post.error = error
    }
    core.state = 'postInvocationHooks'
    steps.push(`${name}: post hooks`)
    await runHooks('postInvocation', post)
    core.state = undefined
    if (post.error !== null && post.error !== undefined) throw post.error
    steps.push(`${name}: outputs`)
    return { succeeded: true, ...(await invocation.getResponse(context, post.result)) }
  }

  async function invoke(name: string, data: TypedData, triggerMetadata = {}): Promise<InvocationResponse> {
    const trigger = Object.entries(registered(name).bindings).find(([, { type }]) => type.endsWith('Trigger'))
    const request = { inputData: [{ name: trigger?.[0], data }], triggerMetadata }
    try {
      return await handle(name, request)
    } catch (error) {
      return { succeeded: false, error: error instanceof Error ? error.message : String(error) }
    } finally {
      steps.push(`${name}: response`)
    }
  }

  return {
    steps,
    logs,
    bindings: (name) => registered(name).bindings,
    index() {
      for (const [name, { bindings }] of functions) {
        const strange = Object.values(bindings).find(({ type }) => !knownBindings.has(type))
        if (strange)
          throw new Error(
            `The '${name}' function is in error: the binding type(s) '${strange.type}' are not registered.`,
          )
      }
    },
    invoke,
    async fetch(name, { method = 'POST', path = name, body, headers = {}, query = '' } = {}) {
      const url = `https://app.azurewebsites.net/api/${path}${query && `?${query}`}`
      const bytes = typeof body === 'string' ? Buffer.from(body) : body
      const http = { method, url, headers, ...(bytes ? { body: { bytes } } : {}) }
      const response = await invoke(name, { http })
      if (!response.succeeded) return { status: 500, body: '' }
      const answer = response.returnValue?.http
      if (!answer) return { status: 204, body: '' }
      return { status: Number(answer.statusCode), body: Buffer.from(answer.body?.bytes ?? []).toString() }
    },
    async deliver(name, message) {
      const errors: (string | undefined)[] = []
      for (let attempts = 1; attempts <= mostDequeues; attempts++) {
        const response = await invoke(name, { string: message }, { DequeueCount: { string: String(attempts) } })
        if (response.succeeded) return { attempts, isPoison: false, errors }
        errors.push(response.error)
      }
      return { attempts: mostDequeues, isPoison: true, errors }
    },
    terminate: () => runHooks('appTerminate', { hookData: {}, appHookData: {} }),
  }
}

/** The worker's own way: it answers `require('@azure/functions-core')` from anywhere in the process. */
function provideToRequire(core: object): void {
  const original = Module.prototype.require
  Module.prototype.require = new Proxy(original, {
    apply: (target, self, args) => (args[0] === '@azure/functions-core' ? core : Reflect.apply(target, self, args)),
  })
}
