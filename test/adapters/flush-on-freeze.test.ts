import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { EventsNotAcceptedError } from '../../adapters/flush-on-freeze.js'
import { EventHubError } from '../../core/errors.js'

test('an error that a platform logs shows no event', () => {
  const error = new EventHubError('gone', { code: 'entity-not-found', outcome: 'refused' })
  const event = { body: 'private body', properties: { secret: 'private property' } }
  const thrown = new EventsNotAcceptedError({
    accepted: 1,
    failures: [{ index: 0, event, outcome: 'refused', error }],
    durationInMs: 1,
  })
  for (const text of [
    JSON.stringify(thrown),
    JSON.stringify({ ...thrown }),
    inspect(thrown),
    String(thrown),
    thrown.stack,
  ]) {
    expect(text).not.toContain('private')
  }
  expect(thrown.failures[0]?.event).toBe(event)
  expect(thrown.message).toContain('1 of 2 events')
})
