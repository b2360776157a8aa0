// Packages that pages speak of and this repository does not install, as far as the pages use them.

declare module 'durable-functions' {
  import type { InvocationContext } from '@azure/functions'

  export const app: {
    activity(name: string, options: { handler: (input: never, context: InvocationContext) => unknown }): unknown
  }
}
