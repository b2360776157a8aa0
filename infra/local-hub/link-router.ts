import { type Address, notFound, parseAddress } from './address.js'
import type { ConnectionHandler } from './amqp/connection.js'
import { AmqpError } from './amqp/errors.js'
import type { AttachRequest, LinkHandler } from './amqp/link-types.js'
import { putToken, type TokenRules } from './cbs.js'
import { type ClaimScope, Claims } from './claims.js'
import { consumerLink } from './consumer-link.js'
import type { EventHub } from './event-hub.js'
import type { FaultState } from './faults.js'
import { readManagement } from './management.js'
import { producerLink } from './producer-link.js'
import { RequestReplyNode } from './request-reply.js'
import { type Right, secretsEqual } from './sas.js'

/** What all connections share. */
export interface HubContext {
  readonly rules: TokenRules
  readonly claimScope: ClaimScope
  readonly faults: FaultState
  readonly maxMessageSizeInBytes: number
  readonly linkCredit: number
  findEventHub(name: string): EventHub | undefined
}

const sendRights: readonly Right[] = ['send', 'manage']
const listenRights: readonly Right[] = ['listen', 'manage']

/** Decides, for one connection, who may attach what, and connects links to what serves them. */
export function routeLinks(context: HubContext, onClose: () => void): ConnectionHandler & { readonly claims: Claims } {
  const { rules } = context
  const claims = new Claims(context.claimScope, () => rules.now())
  const cbs = new RequestReplyNode((request) => putToken(request, claims, rules))
  const management = new RequestReplyNode((request) =>
    readManagement(request, claims, (name) => context.findEventHub(name)),
  )

  const eventHub = (name: string): EventHub => {
    const found = context.findEventHub(name)
    if (found === undefined) throw notFound(name)
    return found
  }

  const openNode = (address: Address, request: AttachRequest): LinkHandler | undefined => {
    if (address.kind !== 'cbs' && address.kind !== 'management') return undefined
    if (address.kind === 'management') {
      // Without a hub in its address, which claim it needs is known only by what its requests name.
      if (address.eventHub !== undefined) claims.require(address.path, ['send', 'listen', 'manage'])
      else if (!claims.any) throw new AmqpError('amqp:unauthorized-access', 'No token has been put on this connection.')
    }
    const node = address.kind === 'cbs' ? cbs : management
    return request.peerRole === 'sender' ? node.incoming(request) : node.outgoing(request)
  }

  const openProducer = (address: Address, request: AttachRequest): LinkHandler => {
    if (address.kind !== 'hub' && address.kind !== 'partition') {
      throw new AmqpError('amqp:not-allowed', 'Messages can be sent to an event hub or to one of its partitions only.')
    }
    const authorize = (): void => claims.require(address.path, sendRights)
    authorize()
    const hub = eventHub(address.eventHub)
    const partition = address.kind === 'partition' ? hub.partition(address.partitionId) : undefined
    return producerLink(request, { eventHub: hub, partition }, { ...settings, authorize })
  }

  const openConsumer = (address: Address, request: AttachRequest): LinkHandler => {
    if (address.kind !== 'consumer') {
      throw new AmqpError('amqp:not-allowed', 'Events can be read from hub/ConsumerGroups/group/Partitions/id only.')
    }
    const authorize = (): void => claims.require(address.path, listenRights)
    authorize()
    const hub = eventHub(address.eventHub)
    const { consumerGroup } = address
    if (!hub.hasConsumerGroup(consumerGroup)) throw notFound(`${hub.name}/ConsumerGroups/${consumerGroup}`)
    const { log } = hub.partition(address.partitionId)
    const target = { eventHub: hub, consumerGroup, log }
    return consumerLink(request, target, { ...settings, authorize, now: () => rules.now() })
  }

  const { faults, linkCredit, maxMessageSizeInBytes } = context
  const settings = { faults, linkCredit, maxMessageSizeInBytes }

  return {
    claims,
    onClose,
    authenticatePlain: (userName, password) => {
      const known = rules.keys.get(userName)
      const right = secretsEqual(known?.key ?? '', password)
      if (known === undefined || !right) return false
      claims.put({ path: '', rights: known.rights, expiresAt: Number.POSITIVE_INFINITY })
      return true
    },
    openLink: (request) => {
      const address = parseAddress(request.peerRole === 'sender' ? request.targetAddress : request.sourceAddress)
      return (
        openNode(address, request) ??
        (request.peerRole === 'sender' ? openProducer(address, request) : openConsumer(address, request))
      )
    },
  }
}
