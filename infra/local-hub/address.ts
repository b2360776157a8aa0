import { AmqpError } from './amqp/errors.js'
import { pathOf } from './sas.js'

/** What a link's address stands for. Names keep their case; `path` is what a claim must cover. */
export type Address =
  | { readonly kind: 'cbs' }
  | { readonly kind: 'management'; readonly eventHub: string | undefined; readonly path: string }
  | { readonly kind: 'hub'; readonly eventHub: string; readonly path: string }
  | { readonly kind: 'partition'; readonly eventHub: string; readonly partitionId: string; readonly path: string }
  | {
      readonly kind: 'consumer'
      readonly eventHub: string
      readonly consumerGroup: string
      readonly partitionId: string
      readonly path: string
    }

/** Reads an address, with or without scheme, host and slashes around it. Throws `AmqpError` (`amqp:not-found`). */
export function parseAddress(address: string | undefined): Address {
  const path = pathOf(address ?? '')
  const [eventHub, kind, ...rest] = path.split('/')
  if (path === '$cbs') return { kind: 'cbs' }
  if (path === '$management') return { kind: 'management', eventHub: undefined, path }
  if (eventHub !== undefined && eventHub !== '') {
    if (kind === undefined) return { kind: 'hub', eventHub, path }
    if (kind === '$management' && rest.length === 0) return { kind: 'management', eventHub, path }
    const [first, second, third, ...more] = rest
    if (kind === 'partitions' && first !== undefined && second === undefined) {
      return { kind: 'partition', eventHub, partitionId: first, path }
    }
    if (kind === 'consumergroups' && first && second === 'partitions' && third !== undefined && more.length === 0) {
      return { kind: 'consumer', eventHub, consumerGroup: first, partitionId: third, path }
    }
  }
  throw notFound(address ?? '')
}

export function notFound(name: string): AmqpError {
  return new AmqpError('amqp:not-found', `The messaging entity '${name.slice(0, 256)}' could not be found.`)
}
