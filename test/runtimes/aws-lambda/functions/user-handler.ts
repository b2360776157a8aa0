import { withEventHub } from '../../../../adapters/aws-lambda/index.js'

/** What a test asks the handler to do. */
export interface Order {
  /** Message ids of the events to send. */
  readonly ids: readonly string[]
  /** What it does beside. Default: nothing. */
  readonly also?:
    | 'throw'
    /** Leaves a rejected promise of its own behind. */
    | 'leave-its-own-rejection'
    /** Leaves promises of ours behind, each of which rejects. */
    | 'leave-our-rejections'
    /** Leaves a timer behind that sends when the invocation has ended. */
    | 'send-late'
}

/** A user's handler, as one may be written: it waits for none of its sends. */
export const handler = withEventHub({}, async ({ ids, also }: Order, context, invocation) => {
  for (const messageId of ids) void invocation.sendEvent({ body: messageId, messageId })
  switch (also) {
    case 'throw':
      throw new RangeError('The order is out of range.')
    case 'leave-its-own-rejection':
      void Promise.reject(new Error('Left behind.'))
      break
    case 'leave-our-rejections':
      void invocation.sendEvent({ body: 'x'.repeat(2 * 1024 * 1024), messageId: 'too-large' })
      void invocation.sendEvent({ body: 'x', messageId: 'aborted' }, { abortSignal: AbortSignal.abort() })
      void invocation.sendEvent({ body: 'x', messageId: 'nowhere' }, { partitionId: '99' })
      void invocation.sendBatch([{ body: 'x'.repeat(2 * 1024 * 1024), messageId: 'batch' }])
      break
    case 'send-late':
      setTimeout(() => {
        void invocation.sendEvent({ body: 'late', messageId: 'late' })
        void invocation.flush()
      }, 50)
  }
  return { pid: process.pid, requestId: context.awsRequestId }
})
