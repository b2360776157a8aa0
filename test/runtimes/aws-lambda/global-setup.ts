import type { TestProject } from 'vitest/node'
import { type RuntimeClient, runtimeClient } from './runtime-client.js'

declare module 'vitest' {
  interface ProvidedContext {
    readonly runtimeClient: RuntimeClient
  }
}

/** Once for all files, before any of them: the build outlasts a test's time. */
export default async function setup(project: TestProject): Promise<void> {
  project.provide('runtimeClient', await runtimeClient())
}
