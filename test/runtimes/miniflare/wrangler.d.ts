/** As much of Wrangler as is used here: sources are type-checked without test/runtimes being installed. */
declare module 'wrangler' {
  export interface WorkerInput {
    readonly configPath?: string
    readonly env?: string
    readonly secrets?: Readonly<Record<string, string>>
    readonly config?: object
  }

  export interface WorkerHandle<Env> {
    fetch(path: string, init?: RequestInit): Promise<Response>
    getEnv(): Promise<Env>
    /** Takes the object out of memory; what it has stored stays. */
    evictDurableObject(className: string, object: { readonly name: string }): Promise<void>
    getDurableObjectStorage(
      className: string,
      object: { readonly name: string },
    ): Promise<{ exec(query: string, ...values: unknown[]): Promise<Record<string, unknown>[]> }>
  }

  /** Miniflare, set up as a wrangler.jsonc says. */
  export interface TestHarness {
    listen(): Promise<{ readonly url: URL }>
    fetch(path: string, init?: RequestInit): Promise<Response>
    getWorker<Env>(name?: string): WorkerHandle<Env>
    getLogs(): readonly { readonly level: string; readonly message: string }[]
    close(): Promise<void>
  }

  /** The file as it is written, comments aside. */
  export function experimental_readRawConfig(options: { readonly config: string }): { readonly rawConfig: object }

  export function createTestHarness(options: {
    readonly root: string
    readonly workers: readonly WorkerInput[]
  }): TestHarness
}
