import type { LocalHubEvent } from '../../../infra/local-hub/index.js'

/** What readers get of events, in an order that does not depend on partitions: JSON is JSON, however it is spaced. */
export function contentOf(events: readonly LocalHubEvent[]): unknown[] {
  const contents = events.map(({ partitionKey, body, properties, applicationProperties }) => ({
    partitionKey,
    body: parsed(body.toString()),
    properties,
    applicationProperties,
  }))
  return contents.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
