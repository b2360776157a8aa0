import { serve } from '../support/child.js'
import { reportExitTime } from '../support/producer.js'

const commands = {
  /** One request, whatever its answer, and the end. */
  async fetchAndLeave({ url }: { readonly url: string }): Promise<void> {
    const response = await fetch(url, { method: 'POST', body: 'an event' })
    await response.arrayBuffer()
    reportExitTime()
  },
}

export type FetchCommands = typeof commands
serve(commands)
