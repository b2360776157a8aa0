import { notUsed, ok, type Step } from '../step.js'
import { sizeOf } from '../text.js'

/** The largest batch that the link takes. */
export const messageSize: Step = {
  id: 'message-size',
  needs: ['partition'],
  limitInMs: 1000,
  async run({ place, maxMessageSizeInBytes }) {
    if (place.transportType === 'https') return notUsed('Not told over HTTPS; 1 MiB, or 256 KiB in the Basic tier')
    // AMQP 1.0, 2.7.3: none, or zero, sets no limit.
    if (!maxMessageSizeInBytes) return ok('The service names no limit', { maxMessageSizeInBytes: null })
    return ok(`An event, or a batch, may have ${sizeOf(maxMessageSizeInBytes)}`, { maxMessageSizeInBytes })
  },
  timedOut: () => notUsed('Not told in time'),
}
