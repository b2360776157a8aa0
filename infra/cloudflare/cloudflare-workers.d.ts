/** As much of Cloudflare's own module as is used here. */
declare module 'cloudflare:workers' {
  export class DurableObject<Env> {
    protected readonly ctx: { waitUntil(promise: Promise<unknown>): void }
    protected readonly env: Env
    constructor(ctx: unknown, env: Env)
  }
}
