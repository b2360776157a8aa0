import Module, { createRequire, register } from 'node:module'
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { serve } from '../support/child.js'

/** In the thread of the loader: tells what is imported. */
const hook = `
  let port
  export const initialize = (given) => { port = given }
  export const resolve = (name, context, next) => { port.postMessage(name); return next(name, context) }
`

/** Every name that is asked for from now on, by `import` and by `require`. */
function recordLoads(): () => string[] {
  const names: string[] = []
  const { port1, port2 } = new MessageChannel()
  register<MessagePort>(`data:text/javascript,${encodeURIComponent(hook)}`, { data: port2, transferList: [port2] })
  const loader = Module as unknown as { _load: (name: string, ...others: unknown[]) => unknown }
  const load = loader._load
  loader._load = function (this: unknown, name, ...others) {
    names.push(name)
    return load.call(this, name, ...others)
  }
  return () => {
    for (let next = receiveMessageOnPort(port1); next; next = receiveMessageOnPort(port1)) names.push(next.message)
    return [...names]
  }
}

const commands = {
  async sendAndListLoads({ connectionString }: { readonly connectionString: string }) {
    const loads = recordLoads()
    const { EventHubProducerClient } = await import('../../../core/index.js')
    const client = EventHubProducerClient.fromConnectionString(connectionString)
    await client.sendEvent({ body: 'an event' })
    await client.close()
    const before = loads()
    // Whether it is there does not matter: it was asked for.
    await import('@azure/identity').catch(() => {})
    try {
      createRequire(`${process.argv[1]}`)('@azure/identity')
    } catch {}
    return { before, after: loads() }
  },
}

export type LoadsCommands = typeof commands
serve(commands)
